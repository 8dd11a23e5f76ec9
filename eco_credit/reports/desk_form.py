"""Numbers as the papers of a bank print them: one place for unit, decimals and rounding of each stored unit.

Money stands in ten thousand yuan (万元) with two decimals, land in 亩 with one or two, standing stock in whole cubic
metres or one decimal, water in 万m³ with two to four, rates and shares in percent with two, forest unit values in whole
元/亩. Everything is rounded half up, on exact decimals: the filling notes of the regulatory returns round that way, and
half to even would move a figure that ends in 5. Letters name an amount in yuan to the cent and in capital numerals.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from eco_credit.core.units import CUBIC_METRES_PER_WAN, MU_PER_HECTARE, YUAN_PER_WAN
from eco_credit.reports import formats

_WAN, _WAN_M3, _MU = int(YUAN_PER_WAN), int(CUBIC_METRES_PER_WAN), int(MU_PER_HECTARE)


@dataclass(frozen=True, slots=True)
class Form:
    """How one stored unit is printed.

    Attributes:
        factor: how many printed units make one stored unit.
        least: decimals that are always printed.
        most: decimals that are printed where they are not zero.
        zh: the printed unit in Chinese.
        en: the printed unit in English.
    """

    factor: Fraction
    least: int
    most: int
    zh: str
    en: str


FORMS: dict[str, Form] = {
    "CNY": Form(Fraction(1, _WAN), 2, 2, "万元", "CNY 10k"),
    "CNY/year": Form(Fraction(1, _WAN), 2, 2, "万元/年", "CNY 10k/year"),
    "ha": Form(Fraction(_MU), 1, 2, "亩", "mu"),
    "m3": Form(Fraction(1), 0, 1, "m³", "m³"),
    "m3/year": Form(Fraction(1, _WAN_M3), 2, 4, "万m³/年", "10k m³/year"),
    "m3/day": Form(Fraction(1, _WAN_M3), 2, 4, "万m³/日", "10k m³/day"),
    "m3/ha": Form(Fraction(1, _MU), 0, 2, "m³/亩", "m³/mu"),
    "1/ha": Form(Fraction(1, _MU), 0, 1, "株/亩", "per mu"),
    "CNY/m3": Form(Fraction(1), 2, 4, "元/m³", "CNY/m³"),
    "CNY/kWh": Form(Fraction(1), 2, 4, "元/kWh", "CNY/kWh"),
    "CNY/ha": Form(Fraction(1, _MU), 0, 0, "元/亩", "CNY/mu"),
    "CNY/ha/year": Form(Fraction(1, _MU), 0, 2, "元/亩·年", "CNY/mu/year"),
    "ratio": Form(Fraction(100), 2, 2, "%", "%"),
}
"""Stored unit to its printed form; a unit that is not here is printed as it is stored, with up to four decimals."""
_AS_STORED = (0, 4)


def desk_number(value: object, unit: str, *, plain: bool = False) -> str:
    """A stored value as the papers print it, without its unit.

    Args:
        value: the value in its stored unit; None where it is not known.
        unit: the stored unit.
        plain: leave needless zeros out, also where the unit prints them.

    Returns:
        Digits with thousands commas, or a dash where the value is not known.

    Example:
        >>> desk_number(1_234_450.0, "CNY"), desk_number(100.0, "ha"), desk_number(0.046, "ratio")
        ('123.45', '1,500.0', '4.60')
    """
    exact = formats.decimal_of(value)
    if exact is None:
        return formats.UNKNOWN
    form = FORMS.get(unit)
    factor, least, most = (form.factor, form.least, form.most) if form else (Fraction(1), *_AS_STORED)
    printed = exact * factor.numerator / factor.denominator
    text = f"{printed.quantize(Decimal(1).scaleb(-most), ROUND_HALF_UP):,f}"
    return _trimmed(text, 0 if plain else least)


def _trimmed(text: str, least: int) -> str:
    """A number without needless zeros behind its ``least`` decimals."""
    whole, _, decimals = text.partition(".")
    kept = decimals[:least] + decimals[least:].rstrip("0")
    return f"{whole}.{kept}" if kept else whole


def desk_unit(unit: str, lang: str) -> str | None:
    """The printed unit of a stored unit, or None where it is printed as stored.

    Example:
        >>> desk_unit("m3/year", "zh"), desk_unit("ha", "en"), desk_unit("year", "zh") is None
        ('万m³/年', 'mu', True)
    """
    form = FORMS.get(unit)
    return None if form is None else form.zh if lang == "zh" else form.en


def letter(yuan: object) -> str:
    """An amount as letters and receipts name it: yuan to the cent with thousands commas.

    Example:
        >>> letter(1_050_000.0)
        '¥1,050,000.00'
    """
    text = formats.number(yuan)
    return text if text == formats.UNKNOWN else f"¥{text}"
