"""Shapes of what goes in and out beside the data contracts; the answers' shapes document the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eco_credit.core.errors import ContractError, Violation
from serving.problems import shown_path

Text = Annotated[str, Field(min_length=1, max_length=120)]
Day = Annotated[dt.date, Field(strict=False)]
Recommendation = Literal["approve", "refer", "decline"]


class Strict(BaseModel):
    """A request shape: nothing extra, no silent conversion, finite numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class OnePledge(Strict):
    """One pledge to be appraised without an application."""

    as_of: Annotated[Day, Field(description="Valuation day")]
    term_months: Annotated[int, Field(ge=1, le=360, description="Term of the loan it would secure, months")] = 12
    pledge: Annotated[dict[str, Any], Field(description="A pledge of the contract of its kind")]


class AccountRequest(Strict):
    """Flows of one area and year to be accounted."""

    norm: Annotated[Text, Field(description="Accounting norm, such as norm-2022")] = "norm-2022"
    year: Annotated[int | None, Field(ge=1900, le=2199, description="Year, when the rows do not say it")] = None
    day: Annotated[Day | None, Field(description="Day the rules are read for; today (UTC) without it")] = None
    samples: Annotated[
        Literal[64, 128, 256, 512, 1024] | None,
        Field(description="Draw the parameters this often and add P10, P50, P90; up to 200 rows"),
    ] = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="Seed of the draws")] = 20251231
    rows: Annotated[
        list[dict[str, Any]],
        Field(min_length=1, max_length=5000, description="Rows of the account table, one flow or measured input each"),
    ]


_RULES = {
    "missing": ("missing", "give a value", "请填写"),
    "extra_forbidden": ("extra", "remove this field; it is not known here", "没有该字段，请删除"),
    "literal_error": ("code", "use one of the codes of the API description", "请使用接口说明中的代码"),
    "string_too_long": ("max_length", "give a shorter text", "文本过长"),
    "string_too_short": ("min_length", "give some text", "不可为空文本"),
    "string_pattern_mismatch": ("pattern", "write it in the form of the API description", "格式不符合接口说明"),
    "greater_than_equal": ("minimum", "give a larger number", "数值过小"),
    "less_than_equal": ("maximum", "give a smaller number; check the unit", "数值过大，请核对单位"),
    "too_short": ("min_items", "give at least one", "至少填写一项"),
    "too_long": ("max_items", "give fewer members", "项数过多"),
}
_TYPE = ("type", "give a value of the type in the API description", "请按接口说明中的类型填写")
_DATE = ("date", "give a calendar day as YYYY-MM-DD", "请按 YYYY-MM-DD 填写真实日期")


def _violation(fault: Mapping[str, Any]) -> Violation:
    """A fault found by pydantic in our stable rules, without the value it mentions."""
    kind = str(fault["type"])
    rule, en, zh = _RULES.get(kind, _DATE if kind.startswith("date") else _TYPE)
    return Violation(shown_path(fault["loc"]), rule, en, zh)


def violations_of(faults: list[Any]) -> list[Violation]:
    """Faults listed by pydantic as violations: field and rule, never the value."""
    return [_violation(fault) for fault in faults]


def read_shape(shape: type[BaseModel], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Check plain data against a shape.

    Args:
        shape: the request shape.
        raw: data as parsed from JSON.

    Returns:
        the same data as JSON types, unset fields left out.

    Raises:
        ContractError: a field breaks a rule; the value is not repeated.
    """
    try:
        return shape.model_validate(dict(raw)).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        raise ContractError(violations_of(error.errors(include_input=False, include_context=False))) from None
