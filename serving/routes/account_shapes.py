"""Shape of the answer of ``POST /v1/gep/accounts``, for the API description."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from serving.routes.answers import Shape

YearlyMoney = Annotated[float, Field(description="CNY per year")]


class AccountRow(Shape):
    """One flow: a service and item of one place in one year."""

    place: str | None
    service: str
    item: str | None
    physical: float | None
    physical_unit: str | None
    price: float | None
    price_unit: str | None
    value_cny: YearlyMoney
    low: YearlyMoney
    high: YearlyMoney
    method: str
    source: str
    counted: Annotated[bool, Field(description="Whether the norm counts the row in the total")]


class LeftOutRow(Shape):
    """A row that stays in the table and outside the total, with the reason."""

    place: str | None
    service: str
    item: str | None
    value_cny: YearlyMoney
    en: str
    zh: str


class AccountWarning(Shape):
    """A finding that does not stop the account; ``rows`` counts from 1, empty for the whole account."""

    rule: str
    en: str
    zh: str
    rows: list[int]


class AccountAnswer(Shape):
    """A GEP account. The total is not collateral value."""

    norm: str
    edition: str
    account_year: int | None
    price_year: int | None
    price_kind: str | None
    area_code: str | None
    area_name: str | None
    currency: Literal["CNY"]
    total_cny: YearlyMoney
    by_group: dict[str, YearlyMoney]
    by_service: dict[str, YearlyMoney]
    rows: list[AccountRow]
    left_out: list[LeftOutRow]
    warnings: list[AccountWarning]
    rules_day: str
    rules_hash: str
