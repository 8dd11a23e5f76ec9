"""A number read back in its other unit, so that yuan for ten thousand yuan, or hectares for mu, are seen at once."""

from __future__ import annotations

from collections.abc import Mapping

from eco_credit.contracts.field import Field
from eco_credit.reports.formats import brief, capitals, number
from serving.web.paper import PaperUnit, read_number, unit_named, units_of

_NOT_READ_BACK = ("ratio",)
"""Units whose other way of writing tells nothing more."""
_CAPITALS_FROM = 10_000.0


def read_back(one: Field, path: str, raw: Mapping[str, str], lang: str) -> str:
    """A posted number in the unit that was not chosen, money also in capital numerals; empty where there is nothing.

    Args:
        one: the field.
        path: its path.
        raw: posted names and texts.
        lang: language of the page; capital numerals are Chinese.

    Example:
        >>> from eco_credit.contracts import contract
        >>> amount = contract("application").field("amount_requested")
        >>> read_back(amount, "a", {"a": "200", "unit:a": "wan"}, "zh")
        '＝ 2,000,000.00 元（贰佰万元整）'
        >>> read_back(amount, "a", {"a": "2000000", "unit:a": "yuan"}, "en")
        '= 200 10k CNY'
    """
    if not one.is_number or one.many or one.unit in _NOT_READ_BACK:
        return ""
    choices, chosen = units_of(one), unit_named(one, raw.get(f"unit:{path}", ""))
    value = read_number(raw.get(path, ""), chosen)
    others = [unit for unit in choices if unit.key != chosen.key]
    if value is None or not others or value <= 0.0:
        return ""
    return _said(value, others[0], lang, money=one.unit == "CNY")


def _said(value: float, unit: PaperUnit, lang: str, *, money: bool) -> str:
    shown = value / float(unit.factor)
    text = number(shown) if money and unit.factor == 1 else brief(shown)
    words = f"（{capitals(value)}）" if money and lang == "zh" and value >= _CAPITALS_FROM else ""
    return f"{'＝' if lang == 'zh' else '='} {text} {getattr(unit, lang)}{words}"
