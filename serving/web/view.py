"""What the form template shows: sections, fields and choices, all read from the contracts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eco_credit.contracts import contract, pledge_kinds
from eco_credit.contracts.field import Field, Group
from eco_credit.contracts.lists import code_list
from eco_credit.core.errors import Violation
from eco_credit.reports.page import Translate
from serving.web.form import MAX_MEMBERS, body_of, count_of, joined, kind_at, shown_fields
from serving.web.hints import Hints, list_name
from serving.web.live import needed
from serving.web.order import Step, steps_of
from serving.web.paper import units_of

_LONG_TEXT = 200
_BY_AREA = {"zh": ("每公顷", "每亩（公顷）"), "en": ("per hectare", "per mu or hectare")}
"""What a label says of a number that may be written for either unit of area."""
TOPICS = "form_topic"
"""The code list that names the parts optional fields are folded under."""

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
        hint: help, bounds and an example, in one line.
        on_paper: the words printed on the certificate where the label does not hold them; Chinese.
        listed: name and edition of its published code list; Chinese.
        unit: the unit when there is only one; ``units`` are the choices when there are more.
        error: what is wrong with it; empty when nothing is.
        needed: names posted to check it while the form is filled in.
        kind: the kind it is checked as: that of its pledge.
    """

    path: str
    anchor: str
    control: str
    label: str
    required: bool
    value: str
    hint: str
    on_paper: str
    listed: str
    unit: str
    units: tuple[Choice, ...]
    choices: tuple[Choice, ...]
    suggestions: tuple[Choice, ...]
    max_length: int
    error: str
    topic: str
    needed: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Fold:
    """Optional fields of one topic under one line; opened when one of them is wrong."""

    title: str
    widgets: tuple[Widget, ...]
    unfolded: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Required fields under one heading; the heading is empty where a section has one part only."""

    title: str
    widgets: tuple[Widget, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One fieldset: required fields in sight, the others folded by topic, the lists within it below.

    Attributes:
        bare: it holds a list alone, whose members have boxes of their own.
        other_kind: kind of a pledge that is not of the kind of the form; empty else.
    """

    path: str
    anchor: str
    title: str
    parts: tuple[Part, ...] = ()
    optional: tuple[Widget, ...] = ()
    lists: tuple[MemberList, ...] = ()
    folds: tuple[Fold, ...] = ()
    other_kind: str = ""

    @property
    def required(self) -> tuple[Widget, ...]:
        """The required fields in page order."""
        return tuple(widget for part in self.parts for widget in part.widgets)

    @property
    def bare(self) -> bool:
        """True where there is nothing but lists."""
        return bool(self.lists) and not self.parts and not self.optional


@dataclass(frozen=True, slots=True)
class MemberList:
    """A list of records with buttons to add one and to take the last away.

    Attributes:
        foldable: it may be left empty and is shown under one line.
        unfolded: that line is open: a member was just added or is wrong.
        others: further kinds of which a member can be added, as the button says it.
    """

    path: str
    anchor: str
    title: str
    members: tuple[Section, ...]
    can_add: bool
    can_drop: bool
    foldable: bool
    unfolded: bool
    others: tuple[Choice, ...] = ()


def anchor_of(path: str) -> str:
    """The id of the element that holds the field at ``path``.

    Example:
        >>> anchor_of("pledges[0].area")
        'f-pledges-0-area'
    """
    return "f-" + re.sub(r"[^A-Za-z0-9_]+", "-", path).strip("-")


@dataclass(frozen=True, slots=True)
class FormView:
    """Builds the sections of the form of one kind from contract, posted values and complaints.

    Attributes:
        cells: path of a field to the cell of the workbook it was read from.
    """

    kind: str
    lang: str
    t: Translate
    raw: Mapping[str, str]
    errors: Mapping[str, Violation]
    cells: Mapping[str, str] = field(default_factory=dict)

    def sections(self) -> tuple[Section, ...]:
        """All fieldsets in the officer's order: borrower, record, purpose, cash, then the pledges."""
        root = contract("application").root
        widgets = {path: self.widget(one, path) for path, one in _plain_fields(root, "")}
        steps = steps_of("application", widgets)
        numbered = [self.step(number, step, widgets) for number, step in enumerate(steps, 1)]
        lists = [inner for inner in root.groups if inner.many]
        for number, inner in enumerate(lists, len(steps) + 1):
            title = self.t("form.step", number=number, title=self.label(inner))
            numbered.append(Section(inner.name, f"s-{inner.name}", title, lists=(self.member_list(inner, inner.name),)))
        return tuple(numbered)

    def step(self, number: int, step: Step, widgets: Mapping[str, Widget]) -> Section:
        """One step of the application: its required fields, the others folded."""
        held = [widgets[path] for path in step.fields]
        optional = tuple(w for w in held if not w.required)
        title = self.t("form.step", number=number, title=getattr(step, self.lang) or self.t("form.other"))
        required = tuple(w for w in held if w.required)
        parts = (Part("", required),) if required else ()
        return Section(step.code, f"s-{step.code}", title, parts, optional, folds=self.folds(optional))

    def section(self, group: Group, path: str, title: str) -> Section:
        """One record of a list and the lists within it."""
        widgets = {one.name: self.widget(one, joined(path, one.name)) for one in shown_fields(group)}
        optional = tuple(w for w in widgets.values() if not w.required)
        steps = steps_of(self.kind_of(path), [name for name, w in widgets.items() if w.required])
        parts = tuple(
            Part(
                (getattr(step, self.lang) or self.t("form.other")) if len(steps) > 1 else "",
                tuple(widgets[name] for name in step.fields),
            )
            for step in steps
        )
        lists = tuple(self.member_list(inner, joined(path, inner.name)) for inner in group.groups if inner.many)
        other = self.kind_of(path) if path.count("[") == 1 and self.kind_of(path) != self.kind else ""
        return Section(path, anchor_of(path), title, parts, optional, lists, self.folds(optional), other)

    def kind_of(self, path: str) -> str:
        """The kind of the pledge at a path, or of the form."""
        return kind_at(self.kind, path, self.raw)

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
        filled = sum(bool(w.value) for w in widgets)
        title += self.t("form.filled_in", count=filled) if filled else ""
        return Fold(title, widgets, any(w.error for w in widgets))

    def member_list(self, group: Group, path: str) -> MemberList:
        """The members of a list as far as the form shows them."""
        count = count_of(group, path, self.raw)
        title = self.label(contract(self.kind)) if group.variants else self.label(group)
        least = max(group.min_items, 1 if group.variants else 0)
        return MemberList(
            path=path,
            anchor=anchor_of(path),
            title=title,
            members=tuple(
                self.member(group, f"{path}[{place}]", place + 1) for place in range(count)
            ),
            can_add=count < min(MAX_MEMBERS, group.max_items),
            can_drop=count > least,
            foldable=least == 0,
            unfolded=f"open:{path}" in self.raw or any(wrong.startswith(path) for wrong in self.errors),
            others=tuple(
                Choice(f"{path}:{kind}", self.label(contract(kind)), False)
                for kind in (pledge_kinds() if group.variants else ()) if kind != self.kind
            ),
        )

    def member(self, group: Group, path: str, number: int) -> Section:
        """One member of a list, a pledge with the fields and the name of its own kind."""
        kind = self.kind_of(path)
        named: Any = contract(kind) if group.variants else group
        title = self.t("form.member", title=self.label(named), number=number)
        return self.section(body_of(group, kind), path, title)

    def complaint(self, one: Field, path: str) -> str:
        """What is wrong with a field, with the cell it was read from; empty when nothing is."""
        if path not in self.errors:
            return ""
        text = self.hints(path).complaint(one, self.errors[path])
        return self.t("form.in_cell", text=text, cell=self.cells[path]) if path in self.cells else text

    def hints(self, path: str) -> Hints:
        """The words below a field."""
        return Hints(self.kind_of(path), self.lang, self.t)

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
            label=self.label(one).replace(*_BY_AREA[self.lang]) if len(units) > 1 else self.label(one),
            required=one.required,
            value=self.raw.get(path, ""),
            hint=self.hints(path).hint(one, path),
            on_paper=_on_paper(one),
            listed=list_name(one),
            unit=names[0].label if len(names) == 1 else "",
            units=tuple(names) if len(names) > 1 else (),
            choices=self.choices(one, self.raw.get(path, "")),
            suggestions=self.suggestions(one),
            max_length=one.max_length,
            error=self.complaint(one, path),
            topic=one.topic or "",
            needed=needed(self.kind_of(path), path),
            kind=self.kind_of(path),
        )

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


def _on_paper(one: Field) -> str:
    """The words on the certificate where the label does not hold them."""
    words = one.label_on_certificate or ""
    return "" if words in one.label_zh else words


def _plain_fields(group: Group, prefix: str) -> Iterable[tuple[str, Field]]:
    """Fields of a record and of the single records within it, by path."""
    for one in shown_fields(group):
        yield joined(prefix, one.name), one
    for inner in group.groups:
        if not inner.many:
            yield from _plain_fields(inner, joined(prefix, inner.name))
