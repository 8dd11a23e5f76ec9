"""Shape of the terms file: fields, bounds, amounts with their unit, and faults in words.

An amount may be a bare number (yuan, part of one) or a text that carries its unit: ``30000万元``, ``3亿元``, ``0.8%``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from eco_credit.core.errors import Violation

_AMOUNT = re.compile(r"^\s*([0-9][0-9,]*(?:\.[0-9]+)?)\s*(万元|亿元|元|%|％)\s*$")
_SCALE = {"元": 0, "万元": 4, "亿元": 8, "%": -2, "％": -2}


def _scaled(value: Any, *, signs: tuple[str, ...]) -> Any:
    """A text with one of the units as a number of the stored unit; anything else as it came."""
    found = _AMOUNT.match(value) if isinstance(value, str) else None
    if found is None or found[2] not in signs:
        return value
    return float(Decimal(found[1].replace(",", "")).scaleb(_SCALE[found[2]]))


def _ratio(value: Any) -> Any:
    return _scaled(value, signs=("%", "％"))


def _money(value: Any) -> Any:
    return _scaled(value, signs=("元", "万元", "亿元"))


Ratio = Annotated[float, BeforeValidator(_ratio), Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Fee = Annotated[float, BeforeValidator(_ratio), Field(ge=0.0, le=0.2, allow_inf_nan=False)]
"""A yearly fee or cost as a part of the balance; a bound far above any tells 0.8 from 0.8 %."""
Money = Annotated[float, BeforeValidator(_money), Field(ge=0.0, le=1e13, allow_inf_nan=False)]


class _Part(BaseModel):
    """A part of the terms file; what it does not name is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PoolFile(_Part):
    """A first-loss pool: who pays from it, and its size as a part of the covered balance."""

    party: Annotated[str, Field(min_length=1, max_length=40)]
    size: Ratio


class CompanyFile(_Part):
    """The guarantor's own accounts, not consolidated: assets by item (yuan), and what the result file does not hold."""

    as_of: dt.date | None = None
    cash: Money = 0.0
    deposits: Money = 0.0
    margin: Money = 0.0
    other_cash: Money = 0.0
    money_funds: Money = 0.0
    treasury_bonds: Money = 0.0
    financial_bonds: Money = 0.0
    wealth_short: Money = 0.0
    bonds_aaa: Money = 0.0
    wealth_other: Money = 0.0
    bonds_aa: Money = 0.0
    guarantor_stakes: Money = 0.0
    client_equity: Money = 0.0
    client_loans_short: Money = 0.0
    own_premises: Money = 0.0
    other_equity: Money = 0.0
    bonds_low: Money = 0.0
    funds_trusts: Money = 0.0
    other_loans: Money = 0.0
    other_premises: Money = 0.0
    other_receivables: Money = 0.0
    other_assets: Money = 0.0
    calls_receivable: Money = 0.0
    total_assets: Money | None = None
    unearned_reserve: Money = 0.0
    other_weighted_balance: Money = 0.0
    small_farm_balance_share: Ratio | None = None
    small_farm_client_share: Ratio | None = None


class ReliefFile(_Part):
    """What the bank has proved of the guarantee, for its capital; blank is not proved.

    ``risk_weight`` and ``pd`` are those of a direct exposure to the guarantor.
    """

    direct: bool | None = None
    irrevocable: bool | None = None
    unconditional: bool | None = None
    eligible: bool | None = None
    risk_weight: Annotated[float, BeforeValidator(_ratio), Field(ge=0.0, le=12.5, allow_inf_nan=False)] | None = None
    pd: Ratio | None = None


class LossModelFile(_Part):
    """The agency's own reading of what loans share: part of the asset variance by factor; blank takes the rule."""

    market: Ratio | None = None
    county: Ratio | None = None
    basin: Ratio | None = None
    price: Ratio | None = None
    hazard: Ratio | None = None
    lgd_price_slope: Annotated[float, Field(ge=0.0, le=3.0, allow_inf_nan=False)] | None = None


class TermsFile(_Part):
    """Shape of the YAML; a null takes the rule of the same name."""

    name: Annotated[str, Field(max_length=120)]
    authority: Literal["agreement", "house", "estimate"]
    exposure: Literal["max_loan", "amount_requested"] = "max_loan"
    recommendations: Annotated[list[Literal["approve", "refer", "decline"]], Field(min_length=1)] = ["approve"]
    mode: Literal["split_4321", "split_28", "own"] = "split_4321"
    split: dict[str, Ratio] | None = None
    bearer: str = "guarantor"
    cover: Ratio = 1.0
    fee_rate: Fee | None = None
    payout_cap: Ratio | None = None
    recovery_rate: Ratio | None = None
    recovery_months: Annotated[float, Field(ge=0.0, le=600.0)] | None = None
    discount_rate: Ratio | None = None
    operating_cost_rate: Fee | None = None
    capital_cost_rate: Ratio | None = None
    net_assets: Money | None = None
    stakes: Money | None = None
    small_or_farm: bool = True
    counter_guarantee_rate: Ratio = 0.0
    counter_guarantee_min: Ratio | None = None
    re_guarantee_fee_rate: Fee | None = None
    subsidy_rate: Fee = 0.0
    payout_pause: Ratio | None = None
    expected_payout_budget: Money | None = None
    loss_reserve_held: Money = 0.0
    pools: Annotated[list[PoolFile], Field(max_length=10)] = []
    company: CompanyFile | None = None
    relief: ReliefFile | None = None
    loss_model: LossModelFile | None = None


_SAID = {
    "extra_forbidden": ("is no known field: remove it or correct its name", "没有该字段，请删除或更正名称"),
    "missing": ("must be given", "必填"),
    "less_than_equal": ("is above {le:g}: check the unit", "大于{le:g}，请核对单位"),
    "greater_than_equal": ("is below {ge:g}", "小于{ge:g}"),
    "float_type": ("is no number; it may carry its unit: 0.8%, 30000万元", "应为数字，可带单位，如 0.8%、30000万元"),
    "bool_type": ("write true or false", "请写 true 或 false"),
    "literal_error": ("is not one of {expected}", "只能取 {expected}"),
    "string_type": ("is no text", "应为文本"),
    "date_type": ("write the day as YYYY-MM-DD", "日期请写作 YYYY-MM-DD"),
    "string_pattern_mismatch": ("is not small letters, digits and underscores", "只能用小写字母、数字和下划线"),
    "string_too_long": ("is longer than {max_length} letters", "超过{max_length}字"),
    "string_too_short": ("is empty", "不可为空"),
    "too_short": ("names none", "至少一项"),
    "too_long": ("names more than {max_length}", "超过{max_length}项"),
    "list_type": ("is no list", "应为列表"),
    "dict_type": ("is no table of party and share", "应为“承担方: 比例”的对照"),
    "finite_number": ("is no finite number", "应为有限数字"),
}  # fmt: skip
_OTHER = ("does not have the form the file asks for", "不符合文件要求的格式")


def faults(error: ValidationError, *, top: str = "terms") -> Iterator[Violation]:
    """What is wrong in a terms or scenario file: field, rule and what to do, never the value.

    Args:
        error: what pydantic found.
        top: name of the file as a whole.
    """
    for found in error.errors(include_input=False, include_url=False):
        en, zh = _SAID.get(str(found["type"]), _OTHER)
        bounds = found.get("ctx", {})
        place = ".".join(str(part) for part in found["loc"]) or top
        words = bounds | ({"expected": str(bounds["expected"]).replace(" or ", "、")} if "expected" in bounds else {})
        yield Violation(place, str(found["type"]), en.format_map(bounds), zh.format_map(words))
