"""Rules between fields, each written once for a single record and for a million rows.

* ``not_after`` / ``at_most``: the first field is at most the second, where both are known.
* ``at_most_times``: the first field is at most ``factor`` times the second, give or take ``tolerance``
  (a part of that bound: papers round), where both are known.
* ``sum_at_most``: the known fields add up to at most ``limit``.
* ``sum_at_most_field``: the known fields before the last add up to at most the last, where that is known.
* ``required_with``: the first field must be given when the second is.
* ``identifier``: the first field must pass the format that the field ``by`` selects.
* ``unique``: no two members of one list, or rows of one application, share the field.
* ``kind_columns``: in a flat file, the columns of the row's own kind that must be given are given,
  and those of other kinds are blank.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts.field import Broken, Check, Field
from eco_credit.core.identifiers import FORMATS
from eco_credit.core.numbers import Bools, Columns, Floats, number

SUM_TOLERANCE = 1e-9
"""Parts written with finite digits may add up to a few ulp above the whole; relative where the whole is a field."""
_Found = Iterator[Broken]
Get = Callable[[str], Any]
"""Name of a field to its value in one record, None where it is unknown."""
Settled = Callable[[Get], bool]


def broken(check: Check, columns: Columns, fields: Sequence[Field]) -> list[Broken]:
    """Rows that break one rule.

    Args:
        check: the rule.
        columns: all columns the rule reads, typed, n rows.
        fields: the fields of the contract.

    Returns:
        One entry for each field at fault.
    """
    return list(_RULES[check.rule](check, columns, fields))


def given(column: npt.NDArray[Any]) -> Bools:
    """True where a value is known."""
    if column.dtype.kind == "O":
        known: Bools = np.asarray(column != np.array(None, dtype=object), dtype=bool)  # one pass in C
        return known
    blank: Bools = np.isnat(column) if column.dtype.kind == "M" else np.isnan(column)
    return ~blank


def _ordered(check: Check, columns: Columns, fields: Sequence[Field]) -> _Found:
    first, second = (columns[name] for name in check.fields)
    with np.errstate(invalid="ignore"):
        yield Broken(np.greater(first, second), check.fields[0], check.rule)


def _at_most_times(check: Check, columns: Columns, fields: Sequence[Field]) -> _Found:
    first, second = (number(columns, name) for name in check.fields)
    most = (check.factor or 1.0) * (1.0 + (check.tolerance or 0.0))
    with np.errstate(invalid="ignore", over="ignore"):
        yield Broken(np.greater(first, second * most), check.fields[0], check.rule)


def _total(names: Sequence[str], columns: Columns) -> Floats:
    total = np.zeros(len(columns[names[0]]))
    for name in names:
        total = total + np.where(given(columns[name]), columns[name], 0.0)
    return total


def _sum_at_most(check: Check, columns: Columns, fields: Sequence[Field]) -> _Found:
    total = _total(check.fields, columns)
    yield Broken(total > (check.limit or 0.0) + SUM_TOLERANCE, check.fields[0], check.rule)


def _sum_at_most_field(check: Check, columns: Columns, fields: Sequence[Field]) -> _Found:
    *parts, whole = check.fields
    with np.errstate(invalid="ignore"):
        over = np.greater(_total(parts, columns), number(columns, whole) * (1.0 + SUM_TOLERANCE))
    yield Broken(over, check.fields[0], check.rule)


def _required_with(check: Check, columns: Columns, fields: Sequence[Field]) -> _Found:
    needed, cause = (columns[name] for name in check.fields)
    yield Broken(given(cause) & ~given(needed), check.fields[0], check.rule)


def _identifier(check: Check, columns: Columns, fields: Sequence[Field]) -> _Found:
    name = check.fields[0]
    wrong = np.zeros(len(columns[name]), dtype=bool)
    for code, form in check.formats:
        rows = np.flatnonzero((columns[check.by or ""] == code) & given(columns[name]))
        texts = columns[name][rows].tolist()
        refused = FORMATS[form].refused(list(set(texts))) if form in FORMATS else ()
        if refused:
            wrong[rows] = [text in refused for text in texts]
    yield Broken(wrong, name, check.rule)


def _unique(check: Check, columns: Columns, fields: Sequence[Field]) -> _Found:
    named = [columns[name].tolist() for name in check.fields]
    mask = np.zeros(len(named[0]), dtype=bool)
    if all(len(set(values)) < len(values) for values in named):
        seen: set[tuple[Any, ...]] = set()
        for place, row in enumerate(zip(*named, strict=True)):
            mask[place] = row in seen
            seen.add(row)
    yield Broken(mask, check.fields[-1], check.rule)


def _kind_columns(check: Check, columns: Columns, fields: Sequence[Field]) -> _Found:
    kinds = columns[check.fields[0]]
    of_kind = {kind: np.asarray(kinds == kind, dtype=bool) for kind in set(kinds.tolist()) - {None}}
    nothing = np.zeros(len(kinds), dtype=bool)
    for field in fields:
        if not field.kinds:
            continue
        known = given(columns[field.column]) if field.column in columns else nothing
        for kind, rows in of_kind.items():
            if kind in field.required_kinds:
                yield Broken(rows & ~known, field.name, "missing")
            elif kind not in field.kinds and known is not nothing:
                yield Broken(rows & known, field.name, "other_kind")


_RULES: dict[str, Callable[[Check, Columns, Sequence[Field]], _Found]] = {
    "not_after": _ordered,
    "at_most": _ordered,
    "at_most_times": _at_most_times,
    "sum_at_most": _sum_at_most,
    "sum_at_most_field": _sum_at_most_field,
    "required_with": _required_with,
    "identifier": _identifier,
    "unique": _unique,
    "kind_columns": _kind_columns,
}


def settler(check: Check) -> Settled:
    """Make the question whether a rule plainly holds for one record, so that it needs no look at the columns.

    Nearly every record is in order, and columns of one row cost more than this question. Where the answer
    is not plain, the rule itself decides.

    Args:
        check: the rule.

    Returns:
        a function from what gets a field of a record by its name, None where unknown, to True where the rule
        plainly holds.
    """
    make = _SETTLERS.get(check.rule)
    return _never if make is None else make(check)


def _never(get: Get) -> bool:
    return False


def _settle_required_with(check: Check) -> Settled:
    needed, cause = check.fields
    return lambda get: get(cause) is None or get(needed) is not None


def _settle_ordered(check: Check) -> Settled:
    """``first <= second``; days are texts of one form in a record, which sort like days."""
    first, second = check.fields

    def holds(get: Get) -> bool:
        less, more = get(first), get(second)
        return less is None or more is None or bool(less <= more)

    return holds


def _settle_times(check: Check) -> Settled:
    (first, second), factor = check.fields, check.factor or 1.0

    def holds(get: Get) -> bool:
        less, more = get(first), get(second)
        return less is None or more is None or bool(less <= more * factor)

    return holds


def _settle_sum(check: Check) -> Settled:
    *parts, last = check.fields
    whole = last if check.rule == "sum_at_most_field" else None
    added, limit = parts if whole else check.fields, check.limit or 0.0

    def holds(get: Get) -> bool:
        most = get(whole) if whole else limit
        return most is None or sum(get(name) for name in added if get(name) is not None) <= most

    return holds


def _settle_identifier(check: Check) -> Settled:
    name, by, formats = check.fields[0], check.by or "", dict(check.formats)

    def holds(get: Get) -> bool:
        value, form = get(name), FORMATS.get(formats.get(get(by), ""))
        return value is None or form is None or form.check(value).valid

    return holds


_SETTLERS: dict[str, Callable[[Check], Settled]] = {
    "required_with": _settle_required_with,
    "not_after": _settle_ordered,
    "at_most": _settle_ordered,
    "at_most_times": _settle_times,
    "sum_at_most": _settle_sum,
    "sum_at_most_field": _settle_sum,
    "identifier": _settle_identifier,
}
