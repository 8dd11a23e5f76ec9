"""Numbers and days as the desk writes them.

Money is stored in yuan and read in ten thousand yuan with two decimals, rounded half up; ratios
are stored as parts of one and read in percent with two decimals; thousands carry a comma. What is
not known is written as a dash, never as zero.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from eco_credit.core.units import YUAN_PER_WAN

UNKNOWN = "—"
"""What stands where a value is not known."""

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")


def decimal_of(value: object) -> Decimal | None:
    """The value as an exact decimal, or None when it is unknown or no number."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def number(value: object, places: int = 2) -> str:
    """A number with thousands commas, rounded half up to ``places`` decimals.

    Example:
        >>> number(1234567.125), number(float("nan"))
        ('1,234,567.13', '—')
    """
    exact = decimal_of(value)
    if exact is None:
        return UNKNOWN
    return f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,f}"


def brief(value: object, places: int = 4) -> str:
    """A number with thousands commas and no needless zeros behind the point.

    Example:
        >>> brief(300.0), brief(0.125), brief(14.0 / 3.0)
        ('300', '0.125', '4.6667')
    """
    text = number(value, places)
    return text.rstrip("0").rstrip(".") if "." in text else text


def wan(yuan: object) -> str:
    """Yuan written in ten thousand yuan with two decimals.

    Example:
        >>> wan(1_234_550.0)
        '123.46'
    """
    exact = decimal_of(yuan)
    return UNKNOWN if exact is None else number(exact / Decimal(int(YUAN_PER_WAN)))


def percent(ratio: object, places: int = 2) -> str:
    """A part of one written in percent.

    Example:
        >>> percent(0.03456)
        '3.46%'
    """
    exact = decimal_of(ratio)
    return UNKNOWN if exact is None else number(exact * 100, places) + "%"


def day(value: object, lang: str) -> str:
    """An ISO day as printed on paper in zh, as in files in en.

    Example:
        >>> day("2026-11-23", "zh"), day("2026-11-23", "en")
        ('2026年11月23日', '2026-11-23')
    """
    try:
        parsed = date.fromisoformat(str(value)[:10])
    except ValueError:
        return UNKNOWN
    return f"{parsed.year}年{parsed.month}月{parsed.day}日" if lang == "zh" else parsed.isoformat()


def _group_words(group: int) -> str:
    """Up to four digits in capital numerals, such as 壹仟零伍."""
    words, pending = "", False
    for place in (3, 2, 1, 0):
        digit = group // 10**place % 10
        if digit == 0:
            pending = bool(words)
            continue
        words += ("零" if pending else "") + _DIGITS[digit] + _PLACES[place]
        pending = False
    return words


def _whole_words(whole: int) -> str:
    """A whole number of yuan in capital numerals without the word 元."""
    words, gap = "", False
    for place in (3, 2, 1, 0):
        group = whole // 10_000**place % 10_000
        if group == 0:
            gap = bool(words)
            continue
        words += ("零" if words and (gap or group < 1_000) else "") + _group_words(group) + _GROUPS[place]
        gap = False
    return words or "零"


def capitals(yuan: object) -> str:
    """An amount in yuan in capital numerals (大写), as letters and approvals print it.

    Example:
        >>> capitals(1_050_000.0), capitals(10_001.25)
        ('壹佰零伍万元整', '壹万零壹元贰角伍分')
    """
    exact = decimal_of(yuan)
    if exact is None or exact < 0 or exact >= 10**16:
        return UNKNOWN
    fen_total = int((exact * 100).quantize(Decimal(1), ROUND_HALF_UP))
    whole, fen = divmod(fen_total, 100)
    words = _whole_words(whole) + "元"
    if fen == 0:
        return words + "整"
    tenths, hundredths = divmod(fen, 10)
    words += (_DIGITS[tenths] + "角") if tenths else "零"
    return words + (_DIGITS[hundredths] + "分" if hundredths else "整")
