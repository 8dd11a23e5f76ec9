"""Fields of a contract in words: by their code list and unit, in the units of paper, personal ones masked."""

from __future__ import annotations

from typing import Any

from eco_credit.contracts import Field, code_list, contract
from eco_credit.reports import formats
from eco_credit.reports.desk_form import desk_number, desk_unit
from eco_credit.reports.page import Translate, money, money_text

PERSONAL = 4
"""From this level of privacy on a value is masked on a page that leaves the desk."""
SENSITIVE = 5
SHOWN_AT_END = 4
"""Letters shown of a sensitive value."""
HIDDEN = "＊＊"
_CALENDAR_YEAR = 1_000.0
"""A field in years that may go beyond this holds a year of the calendar, which is written without a unit."""
_PAPER = frozenset(("ha", "m3/ha", "1/ha", "CNY/ha", "CNY/ha/year", "m3/year", "m3/day"))
"""Stored units that Chinese paper prints in a unit of its own, in the form of :mod:`~eco_credit.reports.desk_form`."""


def label(field: Field, lang: str, *, on_certificate: bool = True) -> str:
    """Name of a field.

    Args:
        field: the field.
        lang: ``zh`` or ``en``.
        on_certificate: take the label the certificate prints, where it prints one; it prints them in Chinese.
    """
    if lang != "zh":
        return field.label_en
    name = (field.label_on_certificate if on_certificate else None) or field.label_zh
    # the value stands beside it in the unit of paper
    return name.replace("每公顷", "每亩") if field.unit in _PAPER else name


def kind_label(kind: str, lang: str) -> str:
    """The name of a collateral kind as its contract prints it."""
    printed = contract(kind)
    return str(printed.label_zh if lang == "zh" else printed.label_en)


def unit_words(unit: str, t: Translate) -> str:
    """A stored unit in words; the unit itself where the words have none."""
    try:
        return t(f"stored_unit.{unit}")
    except KeyError:
        return unit


def written(value: Any, field: Field, *, lang: str, t: Translate) -> Any:
    """One value of an application in words, in its stored unit.

    Args:
        value: as submitted.
        field: its field.
        lang: ``zh`` or ``en``.
        t: words of that language.

    Returns:
        Text, or money with the yuan on hover.
    """
    if field.unit.startswith("CNY") and field.is_number and field.unit in ("CNY", "CNY/year"):
        return money(value, t, "unit.per_year" if field.unit == "CNY/year" else "")
    return in_words(value, field, lang=lang, t=t)


def in_words(value: Any, field: Field, *, lang: str, t: Translate) -> str:
    """The same as one line of text."""
    if isinstance(value, bool):
        return t("provenance.yes") if value else t("provenance.no")
    if field.list_id:
        return code_list(field.list_id).text(str(value), lang)
    if not field.is_number:
        return formats.day(value, lang) if field.type == "date" else str(value)
    if field.unit == "ratio":
        return formats.percent(value)
    if field.unit == "year" and (field.maximum or 0.0) > _CALENDAR_YEAR:
        return f"{int(value)}"
    if field.unit == "CNY":
        return money_text(value, t)
    return f"{formats.brief(value)} {unit_words(field.unit, t)}".strip()


def on_paper(value: Any, field: Field, *, lang: str, t: Translate) -> str:
    """One value as the paper of its language prints it: in Chinese land by 亩 and water by 万m³.

    Args:
        value: as submitted, in the stored unit.
        field: its field.
        lang: ``zh`` or ``en``.
        t: words of that language.
    """
    if lang != "zh" or not field.is_number or field.unit not in _PAPER:
        return in_words(value, field, lang=lang, t=t)
    return f"{desk_number(value, field.unit, plain=True)} {desk_unit(field.unit, lang)}"


def masked(text: str, field: Field) -> str:
    """Hide what is personal: of sensitive fields the last four letters are left, of other personal ones the first.

    Args:
        text: the value in words.
        field: its field, which says how personal it is.

    Returns:
        The text, masked from privacy level 4 on.
    """
    if field.privacy < PERSONAL:
        return text
    if field.privacy >= SENSITIVE:
        return HIDDEN + text[-SHOWN_AT_END:] if len(text) > 2 * SHOWN_AT_END else HIDDEN
    return text[:1] + HIDDEN if field.type == "text" and not field.list_id else HIDDEN
