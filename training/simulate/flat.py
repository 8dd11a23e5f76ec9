"""Simulated applications as flat rows, one per pledge: input for batch scoring."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eco_credit.contracts import Applications, Field, contract
from eco_credit.core.numbers import Columns, number


def flat_rows(applications: Applications) -> Columns:
    """Write applications as the columns of the contract ``batch_input``.

    Args:
        applications: as made by `simulate_applications`.

    Returns:
        n rows, n the number of pledges, by application and place within it.
    """
    kinds = list(applications.pledges)
    rows = np.concatenate([number(applications.pledges[kind], "application_row") for kind in kinds]).astype(np.intp)
    place = np.concatenate([number(applications.pledges[kind], "position") for kind in kinds])
    order = np.lexsort((place, rows))
    result: Columns = {}
    for field in contract("batch_input").fields:
        loan = applications.loans.get(_own_name(field, "application"))
        if loan is not None and not field.kinds:
            result[field.column] = loan[rows][order]
        else:
            parts = [_part(applications.pledges[kind], field, kind) for kind in kinds]
            result[field.column] = np.concatenate(parts)[order]
    return result


def _own_name(field: Field, name: str) -> str:
    """Name of a field in its own contract, where a flat file calls it otherwise."""
    if name == "application":
        groups = contract(name).root.groups
        fields = [*contract(name).root.fields, *(f for group in groups if not group.many for f in group.fields)]
    else:
        fields = list(contract(name).root.fields)
    return next((own.name for own in fields if own.column == field.column), field.name)


def _part(table: Columns, field: Field, kind: str) -> npt.NDArray[np.generic]:
    """One column of the pledges of one kind; blank where the kind has no such field."""
    name = _own_name(field, kind)
    if name in table and (not field.kinds or kind in field.kinds):
        return table[name]
    rows = len(table["pledge_id"])
    if field.type == "text":
        return np.full(rows, None, dtype=object)
    if field.type == "date":
        return np.full(rows, np.datetime64("NaT", "D"), dtype="datetime64[D]")
    return np.full(rows, np.nan)
