"""What stands below a field: help, bounds, an example and the code list, in the unit of paper."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from eco_credit.contracts.field import Field
from eco_credit.contracts.lists import code_list
from eco_credit.core.errors import Violation
from eco_credit.reports.formats import brief
from eco_credit.reports.page import Translate
from serving.web.examples import example
from serving.web.form import write_form
from serving.web.live import spot
from serving.web.paper import PaperUnit, is_calendar, units_of

_LARGEST_SHOWN = 1_000.0
"""Technical bounds above this are not worth a hint."""
_BOUNDS = ("minimum", "maximum", "exclusive_minimum")
_ABOUT_FILES = ("表头", "header", "存为", "stored as", "×15", "times 15")
_OF_THE_HOUSE = "house"
"""Editions with this word belong to lists that have no paper to look them up on."""
_SHOWN_EDITION = re.compile(r"\d{4}|[\u4e00-\u9fff]")
_PERSONAL = 4
"""From this level of privacy on a field gets no example."""
_PLACE = re.compile(r"\[\d+\]")
_LONGEST_EXAMPLE = 40
_INVENTED = "EX-"
"""Numbers of the lender's own that begin like this stand in the examples alone and show no form to follow."""


@cache
def _examples(kind: str) -> Mapping[str, str]:
    """Form values of the shipped example."""
    return write_form(kind, example(kind) or {})


def list_name(one: Field) -> str:
    """Name and edition of the published code list of a field; empty where there is none.

    The name is Chinese in both languages: it is what stands on the list.
    """
    if not one.list_id:
        return ""
    listed = code_list(one.list_id)
    if _OF_THE_HOUSE in listed.edition:
        return ""
    edition = listed.edition if _SHOWN_EDITION.match(listed.edition) else ""
    return f"{listed.name}（{edition.split(' ')[0]}）" if edition else listed.name


def said_in(broken: Violation, lang: str) -> str:
    """The sentence of a violation in one language."""
    return broken.zh if lang == "zh" else broken.en


@dataclass(frozen=True, slots=True)
class Hints:
    """The words below the fields of one form."""

    kind: str
    lang: str
    t: Translate

    def hint(self, one: Field, path: str) -> str:
        """Help of the contract, the bounds and an example, in one line."""
        parts = (self.help(one), self.bounds(one), self.sample(one, path))
        return self.t("form.hint_joint").join(part for part in parts if part)

    def help(self, one: Field) -> str:
        """Help of the contract, except what is written for files: here the unit stands beside the number."""
        text = (one.help_zh if self.lang == "zh" else one.help_en) or ""
        return "" if any(word in text for word in _ABOUT_FILES) else text

    def bounds(self, one: Field) -> str:
        """The bounds of a number in the unit of paper, when they tell anything."""
        if not one.is_number or one.maximum is None:
            return ""
        unit = units_of(one)[0]
        low = one.minimum if one.minimum is not None else one.exclusive_minimum
        if low is None or one.maximum / float(unit.factor) > _LARGEST_SHOWN:
            return ""
        said = {"low": bound_on_paper(low, unit), "high": bound_on_paper(one.maximum, unit)}
        return self.t("form.bounds", **said, unit=getattr(unit, self.lang)).strip()

    def sample(self, one: Field, path: str) -> str:
        """How a number or a code is written, taken from the shipped example; none for personal fields and rows."""
        if one.privacy >= _PERSONAL or path.count("[") > 1 or not (one.is_number or one.format or one.pattern):
            return ""
        value = _examples(self.kind).get(_PLACE.sub("[0]", path), "")
        if value in ("", "0", "1") or len(value) > _LONGEST_EXAMPLE or value.startswith(_INVENTED):
            return ""
        unit = getattr(units_of(one)[0], self.lang) if one.is_number else ""
        unit = f"× {unit}" if unit[:1].isdigit() else unit
        return self.t("form.sample", value=value, unit=unit).strip()

    def complaint(self, one: Field, broken: Violation) -> str:
        """What is wrong, bounds in the unit of paper; other rules in the words of the contract."""
        bound = getattr(one, broken.rule, None) if broken.rule in _BOUNDS else None
        if bound is not None and one.is_number:
            unit = units_of(one)[0]
            shown = f"{bound:.0f}" if is_calendar(one) else bound_on_paper(bound, unit)
            said = {"bound": shown, "unit": getattr(unit, self.lang)}
            return self.t(f"form.{broken.rule}", **said).strip()
        if broken.rule == "missing":
            return self.t("form.missing")
        if broken.rule == "pattern":
            told = (self.t("form.pattern"), self.sample(one, broken.field), self.help(one))
            return self.t("form.hint_joint").join(part for part in told if part)
        others, text = self.compared(broken), said_in(broken, self.lang)
        return self.t("form.compared", text=text, labels=self.t("form.joint").join(others)) if others else text

    def compared(self, broken: Violation) -> list[str]:
        """Labels of the fields that a rule between fields compares the blamed one with."""
        found = spot(self.kind, broken.field)
        if found is None:
            return []
        checks = [check for check in found.group.checks if check.rule == broken.rule and check.group is None]
        names = [name for check in checks if check.fields[0] == found.one.name for name in check.fields[1:]]
        labels = {one.name: one.label_zh if self.lang == "zh" else one.label_en for one in found.group.fields}
        return [labels[name] for name in dict.fromkeys(names)]


def bound_on_paper(bound: float, unit: PaperUnit) -> str:
    """A bound in the unit of paper."""
    return brief(bound / float(unit.factor))
