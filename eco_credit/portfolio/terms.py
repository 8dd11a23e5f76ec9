"""Terms of a guarantee as data: read from YAML, checked, blanks filled from the rulebook."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eco_credit.core.errors import ContractError, Violation
from eco_credit.portfolio.waterfall import Shares
from eco_credit.rulebook import RuleSet

Ratio = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Money = Annotated[float, Field(ge=0.0, le=1e15, allow_inf_nan=False)]
_LARGEST_FILE = 65_536


class _Pool(BaseModel):
    """A first-loss pool: who pays from it, and its size as a part of the covered balance."""

    model_config = ConfigDict(extra="forbid", strict=True)

    party: Annotated[str, Field(min_length=1, max_length=40)]
    size: Ratio


class TermsFile(BaseModel):
    """Shape of the YAML; a null takes the rule of the same name."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=120)]
    authority: Literal["agreement", "house", "estimate"]
    exposure: Literal["max_loan", "amount_requested"] = "max_loan"
    recommendations: Annotated[list[Literal["approve", "refer", "decline"]], Field(min_length=1)] = ["approve"]
    mode: Literal["split_4321", "split_28", "own"] = "split_4321"
    split: dict[str, Ratio] | None = None
    bearer: str = "guarantor"
    cover: Ratio = 1.0
    fee_rate: Ratio | None = None
    payout_cap: Ratio | None = None
    recovery_rate: Ratio | None = None
    recovery_months: Annotated[float, Field(ge=0.0, le=600.0)] | None = None
    discount_rate: Ratio | None = None
    operating_cost_rate: Ratio | None = None
    capital_cost_rate: Ratio | None = None
    net_assets: Money | None = None
    stakes: Money = 0.0
    small_or_farm: bool = True
    counter_guarantee_rate: Ratio = 0.0
    re_guarantee_fee_rate: Ratio | None = None
    subsidy_rate: Ratio = 0.0
    payout_pause: Ratio | None = None
    expected_payout_budget: Money | None = None
    loss_reserve_held: Money = 0.0
    pools: Annotated[list[_Pool], Field(max_length=10)] = []


@dataclass(frozen=True)
class GuaranteeTerms:
    """Terms with every blank filled. Ratios as ratios, money in yuan, ``recovery_months`` in months.

    ``re_guarantee_fee_rate`` None takes the highest rate by ticket; ``pools`` are first-loss pools in the order they
    pay, party and part of the covered balance. ``assumed`` names the values that came from the rulebook because the
    file left them blank.
    """

    name: str
    authority: str
    exposure: str
    recommendations: tuple[str, ...]
    split: Shares
    bearer: str
    cover: float
    fee_rate: float
    payout_cap: float
    recovery_rate: float
    recovery_months: float
    discount_rate: float
    operating_cost_rate: float
    capital_cost_rate: float
    net_assets: float | None
    stakes: float
    small_or_farm: bool
    counter_guarantee_rate: float
    re_guarantee_fee_rate: float | None
    subsidy_rate: float
    payout_pause: float
    expected_payout_budget: float | None
    loss_reserve_held: float
    pools: tuple[tuple[str, float], ...]
    assumed: tuple[str, ...]


_FROM_RULES = (
    "fee_rate",
    "payout_cap",
    "payout_pause",
    "recovery_rate",
    "recovery_months",
    "discount_rate",
    "operating_cost_rate",
    "capital_cost_rate",
)


def read_terms(path: Path | None, rules: RuleSet) -> GuaranteeTerms:
    """Read guarantee terms.

    Args:
        path: YAML file; None reads the shipped house terms (estimates).
        rules: rules in force, for the blanks and the named splits.

    Returns:
        Complete terms.

    Raises:
        ContractError: the file is not a terms file, names an unknown field, breaks a bound, its
            shares do not add up (``G01``), or the bearer has no share.
    """
    return terms_of(_load(path), rules)


def terms_of(raw: Any, rules: RuleSet) -> GuaranteeTerms:
    """Check raw terms (a mapping as read from YAML) and fill the blanks; errors as `read_terms`."""
    try:
        file = TermsFile.model_validate(raw)
    except ValidationError as error:
        raise ContractError(
            Violation(
                ".".join(str(part) for part in found["loc"]) or "terms",
                str(found["type"]),
                str(found["msg"]),
                "担保条款此项不符合要求",
            )
            for found in error.errors(include_input=False, include_url=False)
        ) from None
    split = _shares(file, rules)
    if split.parts.get(file.bearer, 0) == 0:
        raise ContractError(
            [Violation("bearer", "share", "the bearer has no share in the split", "承担方在分险比例中没有份额")]
        )
    filled = {name: _or_rule(file, name, rules) for name in _FROM_RULES}
    assumed = tuple(name for name in _FROM_RULES if getattr(file, name) is None)
    return GuaranteeTerms(
        name=file.name,
        authority=file.authority,
        exposure=file.exposure,
        recommendations=tuple(file.recommendations),
        split=split,
        bearer=file.bearer,
        cover=file.cover,
        net_assets=file.net_assets,
        stakes=file.stakes,
        small_or_farm=file.small_or_farm,
        counter_guarantee_rate=file.counter_guarantee_rate,
        re_guarantee_fee_rate=file.re_guarantee_fee_rate,
        subsidy_rate=file.subsidy_rate,
        expected_payout_budget=file.expected_payout_budget,
        loss_reserve_held=file.loss_reserve_held,
        pools=tuple((pool.party, pool.size) for pool in file.pools),
        assumed=assumed,
        **filled,
    )


def _load(path: Path | None) -> Any:
    if path is None:
        text = (resources.files("eco_credit.portfolio") / "data" / "house.yaml").read_text(encoding="utf-8")
        return yaml.safe_load(text)
    if not path.is_file():
        raise ContractError([Violation("terms", "file", "there is no such terms file", "担保条款文件不存在")])
    if path.stat().st_size > _LARGEST_FILE:
        raise ContractError([Violation("terms", "size", "a terms file has at most 64 KiB", "担保条款文件过大")])
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ContractError(
            [Violation("terms", "yaml", "the terms file is not YAML in UTF-8", "担保条款文件不是UTF-8编码的YAML")]
        ) from None


def _shares(file: TermsFile, rules: RuleSet) -> Shares:
    if file.mode != "own":
        if file.split is not None:
            raise ContractError(
                [Violation("split", "mode", "a split of your own needs mode: own", "自定分险比例须写 mode: own")]
            )
        return Shares.of(rules.table(f"portfolio.guarantee.{file.mode}"))
    if file.split is None:
        raise ContractError([Violation("split", "missing", "mode own needs a split", "mode: own 须给出分险比例")])
    return Shares.of(file.split)


def _or_rule(file: TermsFile, name: str, rules: RuleSet) -> float:
    value: float | None = getattr(file, name)
    return rules.number(f"portfolio.guarantee.{name}") if value is None else value
