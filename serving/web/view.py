"""What the form template shows: sections, fields and choices, all read from the contracts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eco_credit.contracts import contract
from eco_credit.contracts.field import Field, Group
from eco_credit.contracts.lists import code_list
from eco_credit.core.errors import Violation
from eco_credit.reports.formats import brief
from eco_credit.reports.page import Translate
from serving.web.form import MAX_MEMBERS, body_of, count_of, joined, shown_fields
from serving.web.paper import PaperUnit, units_of

_LARGEST_SHOWN = 1_000.0
"""Technical bounds above this are not worth a hint."""
_LONG_TEXT = 200
TOPICS = "form_topic"
"""The code list that names the parts optional fields are folded under."""
_YEAR = re.compile(r"\d{4}(?! house)")
"""Editions of published lists start with a year; a list of the house has no paper to look it up on."""
_BOUNDS = ("minimum", "maximum", "exclusive_minimum")
_ABOUT_FILES = ("表头", "header", "存为", "stored as", "×15", "times 15")


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a select or radio group."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Widget:
    """One field on the form.

    Attributes:
        topic: the part of the form it is folded under when it is optional; empty for none.
        path: name it is posted under, the field's path in the application.
        anchor: its id in the page.
        control: ``text``, ``long``, ``number``, ``date``, ``select`` or ``yes_no``.
        suggestions: codes of an open list, offered while typing.
        hint: help, words on the certificate, list and bounds, in one line.
        unit: the unit when there is only one; ``units`` are the choices when there are more.
        error: what is wrong with it; empty when nothing is.
    """

    path: str
    anchor: str
    control: str
    label: str
    required: bool
    value: str
    hint: str
    unit: str
    units: tuple[Choice, ...]
    choices: tuple[Choice, ...]
    suggestions: tuple[Choice, ...]
    max_length: int
    error: str
    topic: str


@dataclass(frozen=True, slots=True)
class Fold:
    """Optional fields of one topic under one line; opened when one of them is wrong."""

    title: str
    widgets: tuple[Widget, ...]
    unfolded: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One fieldset: required fields in sight, the others folded by topic, the records within it below."""

    path: str
    anchor: str
    title: str
    required: tuple[Widget, ...]
    optional: tuple[Widget, ...]
    inner: tuple[Section, ...]
    lists: tuple[MemberList, ...]
    folds: tuple[Fold, ...]


@dataclass(frozen=True, slots=True)
class MemberList:
    """A list of records with buttons to add one and to take the last away."""

    path: str
    anchor: str
    title: str
    members: tuple[Section, ...]
    can_add: bool
    can_drop: bool


def anchor_of(path: str) -> str:
    """The id of the element that holds the field at ``path``.

    Example:
        >>> anchor_of("pledges[0].area")
        'f-pledges-0-area'
    """
    return "f-" + re.sub(r"[^A-Za-z0-9_]+", "-", path).strip("-")


@dataclass(frozen=True, slots=True)
class FormView:
    """Builds the sections of the form of one kind from contract, posted values and complaints."""

    kind: str
    lang: str
    t: Translate
    raw: Mapping[str, str]
    errors: Mapping[str, Violation]

    def sections(self) -> tuple[Section, ...]:
        """All fieldsets in the officer's order: application, borrower, loan, then the pledges."""
        root = self.section(contract("application").root, "", self.t("form.application"))
        return (root,)

    def section(self, group: Group, path: str, title: str) -> Section:
        """One record and the records within it."""
        widgets = [self.widget(one, joined(path, one.name)) for one in shown_fields(group)]
        single = [inner for inner in group.groups if not inner.many]
        many = [inner for inner in group.groups if inner.many]
        optional = tuple(w for w in widgets if not w.required)
        return Section(
            path=path,
            anchor=anchor_of(path or "application"),
            title=title,
            required=tuple(w for w in widgets if w.required),
            optional=optional,
            inner=tuple(self.section(inner, joined(path, inner.name), self.label(inner)) for inner in single),
            lists=tuple(self.member_list(inner, joined(path, inner.name)) for inner in many),
            folds=self.folds(optional),
        )

    def folds(self, optional: tuple[Widget, ...]) -> tuple[Fold, ...]:
        """Optional fields by topic: those without a topic first, then the topics in the order of their list."""
        listed = code_list(TOPICS)
        names = dict.fromkeys(("", *listed.codes, *(w.topic for w in optional)))
        parts = ((name, tuple(w for w in optional if w.topic == name)) for name in names)
        return tuple(self.fold(listed.text(name, self.lang), part) for name, part in parts if part)

    def fold(self, topic: str, widgets: tuple[Widget, ...]) -> Fold:
        """One line that opens on the fields of a topic."""
        said = {"topic": topic, "count": len(widgets)}
        title = self.t("form.fold", **said) if topic else self.t("form.optional", count=len(widgets))
        return Fold(title, widgets, any(w.error for w in widgets))

    def member_list(self, group: Group, path: str) -> MemberList:
        """The members of a list as far as the form shows them."""
        body, count = body_of(group, self.kind), count_of(group, path, self.raw)
        title = self.label(contract(self.kind)) if group.variants else self.label(group)
        least = max(group.min_items, 1 if group.variants else 0)
        return MemberList(
            path=path,
            anchor=anchor_of(path),
            title=title,
            members=tuple(
                self.section(body, f"{path}[{place}]", self.t("form.member", title=title, number=place + 1))
                for place in range(count)
            ),
            can_add=count < min(MAX_MEMBERS, group.max_items),
            can_drop=count > least,
        )

    def label(self, named: Any) -> str:
        """The label of a field, group or contract in the language of the page."""
        return str(named.label_zh if self.lang == "zh" else named.label_en) or str(named.name)

    def widget(self, one: Field, path: str) -> Widget:
        """One field with its value, unit, choices and complaint."""
        units = units_of(one) if one.is_number and not one.many else ()
        chosen = self.raw.get(f"unit:{path}", "")
        if chosen not in {unit.key for unit in units}:
            chosen = units[0].key if units else ""
        names = [Choice(unit.key, getattr(unit, self.lang), unit.key == chosen) for unit in units]
        return Widget(
            path=path,
            anchor=anchor_of(path),
            control=control_of(one),
            label=self.label(one),
            required=one.required,
            value=self.raw.get(path, ""),
            hint=self.hint(one),
            unit=names[0].label if len(names) == 1 else "",
            units=tuple(names) if len(names) > 1 else (),
            choices=self.choices(one, self.raw.get(path, "")),
            suggestions=self.suggestions(one),
            max_length=one.max_length,
            error=self.complaint(one, self.errors[path]) if path in self.errors else "",
            topic=one.topic or "",
        )

    def complaint(self, one: Field, broken: Violation) -> str:
        """What is wrong, bounds in the unit of paper; other rules in the words of the contract."""
        bound = getattr(one, broken.rule, None) if broken.rule in _BOUNDS else None
        if bound is not None and one.is_number:
            unit = units_of(one)[0]
            said = {"bound": _bound(bound, unit), "unit": getattr(unit, self.lang)}
            return self.t(f"form.{broken.rule}", **said).strip()
        return self.t("form.missing") if broken.rule == "missing" else said_in(broken, self.lang)

    def choices(self, one: Field, value: str) -> tuple[Choice, ...]:
        """Codes with their texts, or yes and no."""
        if one.type == "boolean":
            return tuple(Choice(key, self.t(f"form.{key}"), key == value) for key in ("yes", "no"))
        if not one.codes or one.many:
            return ()
        texts = code_list(one.list_id) if one.list_id else None
        return tuple(
            Choice(code, texts.text(code, self.lang) if texts else code, code == value) for code in one.codes
        )

    def suggestions(self, one: Field) -> tuple[Choice, ...]:
        """Codes of an open list: offered while typing, others are taken too."""
        if one.codes or not one.list_id:
            return ()
        texts = code_list(one.list_id)
        return tuple(Choice(code, texts.text(code, self.lang), False) for code in texts.codes)

    def hint(self, one: Field) -> str:
        """Help of the contract, the words on the certificate, the code list and the bounds."""
        parts = [self.help(one)]
        if one.label_on_certificate and one.label_on_certificate != self.label(one):
            parts.append(self.t("form.on_certificate", words=one.label_on_certificate))
        if one.list_id and self.lang == "zh" and _YEAR.match(code_list(one.list_id).edition):
            listed = code_list(one.list_id)
            parts.append(self.t("form.code_list", name=f"{listed.name} {listed.edition[:4]}"))
        parts.append(self.bounds(one))
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
        low_shown, high_shown = _bound(low, unit), _bound(one.maximum, unit)
        return self.t("form.bounds", low=low_shown, high=high_shown, unit=getattr(unit, self.lang)).strip()


def control_of(one: Field) -> str:
    """Which control a field is filled in with."""
    if one.type == "boolean":
        return "yes_no"
    if one.codes and not one.many:
        return "select"
    if one.many or one.is_number:
        return "text" if one.many else "number"
    if one.type == "date":
        return "date"
    return "long" if one.max_length >= _LONG_TEXT else "text"


def _bound(bound: float, unit: PaperUnit) -> str:
    """A bound in the unit of paper."""
    return brief(bound / float(unit.factor))


def said_in(broken: Violation, lang: str) -> str:
    """The sentence of a violation in one language."""
    return broken.zh if lang == "zh" else broken.en


def by_path(violations: Iterable[Violation]) -> dict[str, Violation]:
    """What is wrong, by field path; the first complaint about a field stands."""
    said: dict[str, Violation] = {}
    for one in violations:
        said.setdefault(one.field, one)
    return said


@dataclass(frozen=True, slots=True)
class Complaint:
    """One line of the error summary; ``anchor`` is empty when no field of the form is to blame."""

    anchor: str
    label: str
    text: str


def summary(sections: Iterable[Section], errors: Mapping[str, Violation], lang: str) -> list[Complaint]:
    """The error summary in the order of the form, complaints without a field last."""
    widgets = {widget.path: widget for widget in _widgets(sections)}
    lines = [Complaint(w.anchor, w.label, w.error) for w in widgets.values() if w.error]
    return lines + [Complaint("", path, said_in(v, lang)) for path, v in errors.items() if path not in widgets]


def _widgets(sections: Iterable[Section]) -> Iterable[Widget]:
    """All fields of the form in page order."""
    for section in sections:
        yield from section.required
        for fold in section.folds:
            yield from fold.widgets
        yield from _widgets(section.inner)
        for members in section.lists:
            yield from _widgets(members.members)
