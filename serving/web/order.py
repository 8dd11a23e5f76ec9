"""In which order the form asks, and under which headings: data of ``order.yaml`` over the fields of the contracts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True, slots=True)
class Step:
    """One heading of the form and the fields asked under it.

    Attributes:
        code: its name in the page; ``other`` for what no step names.
        zh, en: the heading; empty for ``other``.
        fields: names of fields, or dotted paths from the top of an application.
    """

    code: str
    zh: str
    en: str
    fields: tuple[str, ...]


@cache
def _all() -> dict[str, tuple[Step, ...]]:
    data = yaml.safe_load(files("serving.web").joinpath("order.yaml").read_text(encoding="utf-8"))
    return {name: tuple(Step(s["code"], s["zh"], s["en"], tuple(s["fields"])) for s in found) for name, found in
            data.items()}


def steps_of(name: str, fields: Iterable[str]) -> tuple[Step, ...]:
    """The steps of a record with the fields it has, and a last one for fields that no step names.

    Args:
        name: ``application``, or a kind of pledge; a kind from outside has no steps of its own.
        fields: the fields to be asked, named as in ``order.yaml``.

    Returns:
        Steps that hold at least one field; every field stands in exactly one.

    Example:
        >>> [(step.code, step.fields) for step in steps_of("water_right", ["fish_pass", "disputed", "permit_no"])]
        [('title', ('permit_no', 'disputed')), ('other', ('fish_pass',))]
    """
    left = dict.fromkeys(fields)
    found = []
    for step in _all().get(name, ()):
        held = tuple(field for field in step.fields if field in left)
        for field in held:
            del left[field]
        found += [Step(step.code, step.zh, step.en, held)] if held else []
    return (*found, Step("other", "", "", tuple(left))) if left else tuple(found)
