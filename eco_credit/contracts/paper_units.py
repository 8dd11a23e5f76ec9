"""Units written in headers, and the exact factor to the stored unit."""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

from eco_credit.core.units import CUBIC_METRES_PER_WAN, MU_PER_HECTARE, YUAN_PER_WAN

_WAN = Fraction(int(YUAN_PER_WAN))
_WAN_M3 = Fraction(int(CUBIC_METRES_PER_WAN))
_MU = Fraction(int(MU_PER_HECTARE))
_YI = Fraction(100_000_000)

MONEY: dict[str, Fraction] = {
    "元": Fraction(1),
    "人民币元": Fraction(1),
    "cny": Fraction(1),
    "yuan": Fraction(1),
    "千元": Fraction(1000),
    "万元": _WAN,
    "亿元": _YI,
}
AREA: dict[str, Fraction] = {
    "公顷": Fraction(1),
    "ha": Fraction(1),
    "hm2": Fraction(1),
    "亩": 1 / _MU,
    "mu": 1 / _MU,
    "万亩": 10_000 / _MU,
    "平方米": Fraction(1, 10_000),
    "m2": Fraction(1, 10_000),
}
VOLUME: dict[str, Fraction] = {
    "m3": Fraction(1),
    "立方米": Fraction(1),
    "万m3": _WAN_M3,
    "万立方米": _WAN_M3,
    "万方": _WAN_M3,
    "亿m3": _YI,
    "亿立方米": _YI,
}
RATIO: dict[str, Fraction] = {"%": Fraction(1, 100), "‰": Fraction(1, 1000), "ratio": Fraction(1), "比例": Fraction(1)}
_PLAIN: dict[str, dict[str, Fraction]] = {
    "month": {"月": Fraction(1), "个月": Fraction(1), "month": Fraction(1), "months": Fraction(1), "年": Fraction(12)},
    "year": {"年": Fraction(1), "year": Fraction(1), "years": Fraction(1)},
    "day": {"天": Fraction(1), "日": Fraction(1), "day": Fraction(1), "days": Fraction(1)},
    "m": {"m": Fraction(1), "米": Fraction(1), "km": Fraction(1000)},
    "km": {
        "km": Fraction(1),
        "公里": Fraction(1),
        "千米": Fraction(1),
        "m": Fraction(1, 1000),
        "米": Fraction(1, 1000),
    },
    "cm": {"cm": Fraction(1), "厘米": Fraction(1)},
    "deg": {"°": Fraction(1), "度": Fraction(1), "deg": Fraction(1), "十进制度": Fraction(1)},
    "count": {
        "次": Fraction(1),
        "个": Fraction(1),
        "人": Fraction(1),
        "count": Fraction(1),
        "级": Fraction(1),
        "顺位": Fraction(1),
    },
}


def _per(top: dict[str, Fraction], bottom: dict[str, Fraction]) -> dict[str, Fraction]:
    """Names and factors of a quotient: ``元/亩`` is 15 yuan per hectare."""
    return {f"{a}/{b}": x / y for a, x in top.items() for b, y in bottom.items()}


def _yearly(top: dict[str, Fraction]) -> dict[str, Fraction]:
    """A yearly amount, with or without the year written."""
    return top | {f"{name}/{year}": factor for name, factor in top.items() for year in ("年", "year", "a")}


def _daily(top: dict[str, Fraction]) -> dict[str, Fraction]:
    """An amount per day."""
    return {f"{name}/{day}": factor for name, factor in top.items() for day in ("日", "天", "day", "d")}


_STEMS = {"株": Fraction(1), "根": Fraction(1), "1": Fraction(1)}
_LABOUR = {"工日": Fraction(1), "day": Fraction(1)}
_POWER = {"千瓦时": Fraction(1), "度": Fraction(1), "kwh": Fraction(1), "万千瓦时": _WAN, "万kwh": _WAN}
_OF_UNIT: dict[str, dict[str, Fraction]] = {
    **_PLAIN,
    "CNY": MONEY,
    "CNY/year": _yearly(MONEY),
    "ha": AREA,
    "m3": VOLUME,
    "m3/year": _yearly(VOLUME),
    "ratio": RATIO,
    "CNY/m3": _per(MONEY, VOLUME),
    "CNY/ha": _per(MONEY, AREA),
    "CNY/ha/year": _yearly(_per(MONEY, AREA)),
    "m3/ha": _per(VOLUME, AREA),
    "CNY/kWh": _per(MONEY, _POWER),
    "CNY/day": _per(MONEY, _LABOUR),
    "m3/day": _daily(VOLUME),
    "1/ha": _per(_STEMS, AREA),
    "day/ha": _per(_LABOUR, AREA),
    "kWh/year": _yearly(_POWER),
    "m3/s": {"m3/s": Fraction(1), "立方米/秒": Fraction(1)},
    "1/year": {"%": Fraction(1, 100)},
    "CNY/t": _per(MONEY, {"t": Fraction(1), "吨": Fraction(1)}),
    "kW": {"kw": Fraction(1), "千瓦": Fraction(1)},
}
NEEDS_UNIT = frozenset(name for name in _OF_UNIT if name.startswith(("CNY", "ha", "m3", "kWh")) or name.endswith("/ha"))
"""Stored units whose columns must state their unit under a label: money, area, volume, energy, density."""
_ALL_WORDS = frozenset(word for table in _OF_UNIT.values() for word in table)
_BRACKET = re.compile(r"^(.*?)[\[(【〔]([^\])】〕]*)[\])】〕]$")


def fold(label: object) -> str:
    """A label as compared: NFKC, no blanks or line breaks, lower case, no mark of a required field."""
    text = unicodedata.normalize("NFKC", str(label)).replace("³", "3").replace("²", "2")
    return re.sub(r"[\s*]+", "", text).casefold()


def split_label(label: object) -> tuple[str, str | None]:
    r"""Part a header into its label and the unit in brackets at its end, both folded.

    A bracket that holds no unit word belongs to the label.

    Example:
        >>> split_label("贷款金额\n（万元）"), split_label("分险比例（直担）")
        (('贷款金额', '万元'), ('分险比例(直担)', None))
    """
    whole = fold(label)
    found = _BRACKET.match(whole)
    if found and found.group(2).removeprefix("单位:") in _ALL_WORDS:
        return found.group(1), found.group(2).removeprefix("单位:")
    return whole, None


def factor(word: str, stored: str) -> Fraction | None:
    """Factor from a unit written in a header to a stored unit; None when it does not fit.

    Example:
        >>> factor("亩", "ha"), factor("万元", "CNY"), factor("亩", "CNY")
        (Fraction(1, 15), Fraction(10000, 1), None)
    """
    return _OF_UNIT.get(stored, {}).get(fold(word))
