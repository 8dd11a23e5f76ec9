"""What is wrong with a form: one complaint a field, and the summary above the form in its order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eco_credit.core.errors import Violation
from serving.web.hints import said_in
from serving.web.view import MemberList, Section, Widget


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


def summary(
    sections: Iterable[Section], errors: Mapping[str, Violation], lang: str, cells: Mapping[str, str] | None = None
) -> list[Complaint]:
    """The error summary in the order of the form; complaints about a list or the whole come last.

    Args:
        sections: the form.
        errors: what is wrong, by path.
        lang: language of the page.
        cells: path of a field to the cell of the workbook it was read from.
    """
    sections, cells = tuple(sections), cells or {}
    widgets = {widget.path: widget for widget in _widgets(sections)}
    lists = {members.path: members for members in _lists(sections)}
    lines = [Complaint(w.anchor, f"{w.label}{_member(w.path)}", w.error) for w in widgets.values() if w.error]
    for path, broken in errors.items():
        if path in lists:
            place = f"{lists[path].title} {cells[path]}" if path in cells else lists[path].title
            lines.append(Complaint(lists[path].anchor, place, said_in(broken, lang)))
        elif path not in widgets:
            lines.append(Complaint("", cells.get(path, path), said_in(broken, lang)))
    return lines


def _member(path: str) -> str:
    """Which member of a list a field belongs to, from the second on."""
    numbers = [int(number) + 1 for number in re.findall(r"\[(\d+)\]", path)]
    return f" ({'.'.join(map(str, numbers))})" if any(number > 1 for number in numbers) else ""


def _widgets(sections: Iterable[Section]) -> Iterable[Widget]:
    """All fields of the form in page order."""
    for section in sections:
        yield from section.required
        for fold in section.folds:
            yield from fold.widgets
        for members in section.lists:
            yield from _widgets(members.members)


def _lists(sections: Iterable[Section]) -> Iterable[MemberList]:
    """All lists of the form, outer ones first."""
    for section in sections:
        for members in section.lists:
            yield members
            yield from _lists(members.members)
