"""The rows of an account and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass

from eco_credit.core.errors import Violation


@dataclass(frozen=True, slots=True)
class ServiceFlow:
    """One ecosystem service of one place in one year: never a stock.

    Attributes:
        place: parcel or sub-area inside the account's area; None for the area as a whole.
        service: code of the service.
        item: part of the service, as the row names it.
        physical: physical amount in `physical_unit` per year; None where only a value is known.
        physical_unit: unit of the physical amount.
        price: price in `price_unit`; None where only a value is known.
        price_unit: unit of the price.
        value_cny: value, CNY per year.
        low: low end of the range, CNY per year.
        high: high end of the range, CNY per year.
        method: valuation method.
        source: where the numbers come from.
        counted: whether the norm counts it in the total.
    """

    place: str | None
    service: str
    item: str | None
    physical: float | None
    physical_unit: str | None
    price: float | None
    price_unit: str | None
    value_cny: float
    low: float
    high: float
    method: str
    source: str
    counted: bool


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning on an account.

    Attributes:
        rule: stable code.
        en: sentence in English; on double counting it says what is counted twice.
        zh: the same in Chinese.
        rows: rows it is about, 1 is the first data row; empty for the whole account.
    """

    rule: str
    en: str
    zh: str
    rows: tuple[int, ...] = ()

    def violation(self) -> Violation:
        """The same finding as a refusal."""
        return Violation("service", self.rule, self.en, self.zh, self.rows[0] if self.rows else None)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row kept in the table and not counted, with the reason.

    Attributes:
        place: place of the row.
        service: code of the service.
        item: item of the row.
        value_cny: value not counted, CNY per year.
        en: the reason in English.
        zh: the reason in Chinese.
    """

    place: str | None
    service: str
    item: str | None
    value_cny: float
    en: str
    zh: str
