"""Units as they stand on paper, and the exact way from paper to the stored unit and back."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, localcontext
from fractions import Fraction

from eco_credit.contracts.field import Field
from eco_credit.core.units import CUBIC_METRES_PER_WAN, MU_PER_HECTARE, YUAN_PER_WAN

_WAN = 10_000
_WAN_YUAN, _WAN_M3, _MU = int(YUAN_PER_WAN), int(CUBIC_METRES_PER_WAN), int(MU_PER_HECTARE)


@dataclass(frozen=True, slots=True)
class PaperUnit:
    """One unit a number may be written in: one of it is ``factor`` of the stored unit."""

    key: str
    zh: str
    en: str
    factor: Fraction


def _pair(big: tuple[str, str, str], factor: Fraction | int, small: tuple[str, str, str]) -> tuple[PaperUnit, ...]:
    """A unit of paper and the stored unit."""
    return PaperUnit(*big, Fraction(factor)), PaperUnit(*small, Fraction(1))


_CHOICES: dict[str, tuple[PaperUnit, ...]] = {
    "CNY": _pair(("wan", "万元", "10k CNY"), _WAN_YUAN, ("yuan", "元", "CNY")),
    "CNY/year": _pair(("wan", "万元/年", "10k CNY/year"), _WAN_YUAN, ("yuan", "元/年", "CNY/year")),
    "ha": _pair(("mu", "亩", "mu"), Fraction(1, _MU), ("ha", "公顷", "ha")),
    "m3": _pair(("wan", "万m³", "10k m³"), _WAN_M3, ("m3", "m³", "m³")),
    "m3/year": _pair(("wan", "万m³/年", "10k m³/year"), _WAN_M3, ("m3", "m³/年", "m³/year")),
    "m3/day": _pair(("wan", "万m³/日", "10k m³/day"), _WAN_M3, ("m3", "m³/日", "m³/day")),
    "m3/ha": _pair(("mu", "m³/亩", "m³/mu"), _MU, ("ha", "m³/公顷", "m³/ha")),
    "CNY/ha": _pair(("mu", "元/亩", "CNY/mu"), _MU, ("ha", "元/公顷", "CNY/ha")),
    "CNY/ha/year": _pair(("mu", "元/亩·年", "CNY/mu/year"), _MU, ("ha", "元/公顷·年", "CNY/ha/year")),
    "1/ha": _pair(("mu", "株/亩", "per mu"), _MU, ("ha", "株/公顷", "per ha")),
    "day/ha": _pair(("mu", "工日/亩", "days/mu"), _MU, ("ha", "工日/公顷", "days/ha")),
    "kWh/year": _pair(("wan", "万kWh/年", "10k kWh/year"), _WAN, ("kwh", "kWh/年", "kWh/year")),
    "ratio": _pair(("percent", "%", "%"), Fraction(1, 100), ("ratio", "小数", "part of one")),
}
"""Stored unit to the units of paper it may be written in; the unit of paper comes first."""

_ALONE = {
    "month": ("个月", "months"),
    "day": ("天", "days"),
    "year": ("年", "years"),
    "CNY/m3": ("元/m³", "CNY/m³"),
    "CNY/kWh": ("元/kWh", "CNY/kWh"),
    "CNY/day": ("元/工日", "CNY/day"),
    "m3/s": ("m³/s", "m³/s"),
    "deg": ("°", "°"),
    "count": ("", ""),
    "text": ("", ""),
    "code": ("", ""),
}
"""Stored units without a second way to write them."""

_CALENDAR_YEAR = 1_000.0
"""A field in years that may go beyond this holds a year of the calendar, which is written without a unit."""
_SHORTEST = range(6, 18)
"""Significant digits tried for a number on the form; a double needs 17 at most."""
_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?")


def _folded(unit: str) -> str:
    """A printed unit without width, spaces and the words per year."""
    return unicodedata.normalize("NFKC", unit).replace(" ", "").replace("立方米", "m3").removesuffix("/年")


def units_of(field: Field) -> tuple[PaperUnit, ...]:
    """The units a field may be written in, the one printed on its paper first.

    Args:
        field: a number field of a contract.

    Returns:
        At least one unit; the stored unit is always among them.
    """
    choices = _CHOICES.get(field.unit)
    if choices is None:
        zh, en = ("", "") if is_calendar(field) else _ALONE.get(field.unit, (field.unit, field.unit))
        return (PaperUnit("one", zh, en, Fraction(1)),)
    if field.unit_on_paper is None:
        return tuple(sorted(choices, key=lambda unit: unit.factor != 1))
    printed = _folded(field.unit_on_paper)
    return tuple(sorted(choices, key=lambda unit: _folded(unit.zh) != printed))


def is_calendar(field: Field) -> bool:
    """True for a year of the calendar, which takes neither unit nor thousands comma."""
    return field.unit == "year" and (field.maximum or 0.0) > _CALENDAR_YEAR


def unit_named(field: Field, key: str) -> PaperUnit:
    """The unit chosen on the form; an unknown key is the unit of paper."""
    choices = units_of(field)
    return next((unit for unit in choices if unit.key == key), choices[0])


def read_number(text: str, unit: PaperUnit) -> float | None:
    """A number from paper in the stored unit, or None when the text is not a number.

    Full-width digits and thousands commas are accepted. The conversion is exact: it runs on
    fractions and is rounded once.

    Example:
        >>> read_number("1,500", PaperUnit("mu", "亩", "mu", Fraction(1, 15)))
        100.0
        >>> read_number("abc", PaperUnit("yuan", "元", "CNY", Fraction(1))) is None
        True
    """
    folded = unicodedata.normalize("NFKC", text).strip()
    if not folded or len(folded) > 40 or not _NUMBER.fullmatch(folded):
        return None
    try:
        return float(Fraction(Decimal(folded.replace(",", ""))) * unit.factor)
    except InvalidOperation:
        return None


def write_number(value: float, unit: PaperUnit) -> str:
    """A stored value as it is typed on the form in ``unit``: the fewest digits that read as the same value.

    Example:
        >>> write_number(20.0, PaperUnit("mu", "亩", "mu", Fraction(1, 15)))
        '300'
        >>> write_number(100 / 15, PaperUnit("mu", "亩", "mu", Fraction(1, 15)))
        '100'
    """
    exact = Fraction(Decimal(str(value))) / unit.factor
    with localcontext() as context:
        for context.prec in (*_SHORTEST, 28):
            shown = Decimal(exact.numerator) / Decimal(exact.denominator)
            if float(Fraction(shown) * unit.factor) == value:
                break
    text = f"{shown:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
