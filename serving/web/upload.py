"""From a workbook to the values of a form: what was read, and every complaint with its cell."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path

from eco_credit.contracts import excel_template
from eco_credit.contracts.field import Field
from eco_credit.core.errors import Violation
from serving.batch.one import One
from serving.batch.rules import violation
from serving.web.desk import checked, first_values
from serving.web.form import Raw, write_form
from serving.web.live import spot
from serving.web.paper import units_of, write_number

_OF_A_NEW_SHEET = ("application_id", "as_of")
"""What a new form already says, where the workbook does not say it."""


@cache
def template(kind: str) -> bytes:
    """The workbook people fill in, the same as ``eco-credit batch template KIND``."""
    with tempfile.TemporaryDirectory(prefix="eco-credit-") as folder:
        path = Path(folder, "template.xlsx")
        excel_template([kind], path)
        return path.read_bytes()


def form_values(kind: str, read: One, now: datetime) -> Raw:
    """A workbook as form values, numbers in the units of its headers where the form knows them.

    Args:
        kind: collateral kind.
        read: what the workbook holds.
        now: the time in UTC, for the day and number of a new form.

    Returns:
        Names and texts as a browser would post them. A text that cannot be read stands there too, so that it
        can be mended; a number that has lost digits does not.
    """
    fresh = first_values(now)
    raw = {name: fresh[name] for name in _OF_A_NEW_SHEET} | write_form(kind, read.application)
    for path, factor in read.factors.items():
        found = spot(kind, path)
        if found is not None and found.one.is_number and path in raw:
            raw |= _in_unit(found.one, path, value=_value(read, path), factor=Fraction(factor))
    return raw | {one.path: one.text for one in read.complaints if one.text and spot(kind, one.path) is not None}


def _value(read: One, path: str) -> float:
    """The stored value at a path of the application."""
    found = read.application
    for step in path.replace("]", "").replace("[", ".").split("."):
        found = found[int(step)] if step.isdigit() else found[step]  # type: ignore[index]
    return float(found)  # type: ignore[arg-type]


def _in_unit(one: Field, path: str, *, value: float, factor: Fraction) -> Raw:
    """A number in the unit of its header, when the form offers that unit."""
    unit = next((unit for unit in units_of(one) if unit.factor == factor), None)
    return {path: write_number(value, unit), f"unit:{path}": unit.key} if unit else {}


def complaints(kind: str, read: One, raw: Mapping[str, str], today: date | None = None) -> list[Violation]:
    """What is wrong with a workbook: cells that cannot be read, then what the contract says about the rest."""
    found = [violation(one.path, one.rule) for one in read.complaints]
    known = {one.field for one in found}
    return found + [one for one in checked(kind, raw, today).violations if one.field not in known]
