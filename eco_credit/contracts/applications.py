"""Applications as columns: from nested records, from flat rows, and back to flat rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts.columns import Shape, blank_column, column_of, columns_of, folded, shape_of
from eco_credit.contracts.field import Field
from eco_credit.contracts.lists import code_list
from eco_credit.contracts.load import contract, pledge_kinds
from eco_credit.core.numbers import Columns, Floats, rows_of

CONTRACTED = "gep_contracted_cny"
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Applications:
    """Applications in columns, the one form the pipeline works on.

    Attributes:
        loans: one row per application: its borrower and loan fields, in order of first appearance.
        pledges: kind to a table of its pledges in the order submitted, for kinds that occur. Beside
            the fields of the kind: ``application_row`` (row in ``loans``), ``position`` (place
            within its application, from 0), ``gep_<service>_cny`` and ``gep_contracted_cny``
            (yuan per year).
    """

    loans: Columns
    pledges: dict[str, Columns]

    def __len__(self) -> int:
        """Number of applications."""
        return rows_of(self.loans)


@cache
def flow_columns() -> tuple[str, ...]:
    """Names of the yearly value columns, one per ecosystem service, in the order of the list."""
    return tuple(f"gep_{service}_cny" for service in code_list("gep_service").codes)


def flatten(applications: Sequence[Record]) -> Applications:
    """Nested applications as columns.

    Args:
        applications: validated records, as `eco_credit.contracts.read_application` returns them.

    Returns:
        The same applications in columns; identifiers are folded, see `eco_credit.core.identifiers`.
        Several flows of one service add up in the order given.
    """
    loans: Columns = {}
    for group, shape in _loan_shapes():
        loans |= columns_of(shape, [record.get(group) or {} for record in applications] if group else applications)
    rows: dict[str, list[tuple[int, int, Record]]] = {}
    for row, record in enumerate(applications):
        for position, pledge in enumerate(record["pledges"]):
            rows.setdefault(pledge["kind"], []).append((row, position, pledge))
    return Applications(loans, {kind: _pledge_table(kind, rows[kind]) for kind in pledge_kinds() if kind in rows})


def applications_from_columns(columns: Columns) -> Applications:
    """Flat rows as applications: rows that share ``application_id`` form one.

    Args:
        columns: columns of the contract ``batch_input``, n checked rows; a column that is not there
            is all unknown.

    Returns:
        The applications in order of first appearance; the first row of each gives its borrower and
        loan fields, and its pledges keep the order of the rows. The arrays equal those of `flatten`
        on the nested form.
    """
    first, application_row, position = _groups(columns["application_id"])
    loans: Columns = {}
    for _, fields in _loan_fields():
        loans.update({field.name: taken(field, columns, first) for field in fields})
    pledges: dict[str, Columns] = {}
    kinds = columns["kind"]
    for kind in pledge_kinds():
        index = np.flatnonzero(kinds == kind)
        if len(index) == 0:
            continue
        table = {field.name: taken(field, columns, index) for field in contract(kind).root.fields}
        table |= {"application_row": application_row[index], "position": position[index]}
        for name in (*flow_columns(), CONTRACTED):
            table[name] = columns[name][index] if name in columns else np.full(len(index), np.nan)
        pledges[kind] = table
    return Applications(loans, pledges)


nest = applications_from_columns


def to_flat(applications: Sequence[Record]) -> Columns:
    """Nested applications as flat rows, one per pledge, in all columns of ``batch_input``.

    Args:
        applications: validated records.

    Returns:
        n rows, n the number of pledges; texts as given (not folded).
    """
    rows = [_flat_row(record, pledge) for record in applications for pledge in record["pledges"]]
    fields = contract("batch_input").fields
    return {field.column: column_of(field, [row.get(field.column) for row in rows]) for field in fields}


@cache
def _loan_fields() -> tuple[tuple[str, tuple[Field, ...]], ...]:
    root = contract("application").root
    inner = ((group.name, group.fields) for group in root.groups if not group.many)
    return (("", root.fields), *inner)


@cache
def _loan_shapes() -> tuple[tuple[str, Shape], ...]:
    return tuple((group, shape_of(fields)) for group, fields in _loan_fields())


@cache
def _pledge_shape(kind: str) -> Shape:
    return shape_of(contract(kind).root.fields)


def _pledge_table(kind: str, rows: Sequence[tuple[int, int, Record]]) -> Columns:
    records = [record for _, _, record in rows]
    table = columns_of(_pledge_shape(kind), records)
    sums, names = [flow_sums(record.get("gep_flows") or ()) for record in records], (*flow_columns(), CONTRACTED)
    places = [[row for row, _, _ in rows], [position for _, position, _ in rows]]
    flows = [[total.get(name, np.nan) for total in sums] for name in names]
    added = np.array([*places, *flows], dtype=np.float64)
    return table | dict(zip(("application_row", "position", *names), added, strict=True))


def flow_sums(flows: Iterable[Record]) -> dict[str, float]:
    """Yearly value by flow column, and the contracted part; empty without flows.

    Example:
        >>> flow_sums([{"service": "carbon", "value_cny": 3.0}, {"service": "carbon", "value_cny": 1.0}])
        {'gep_contracted_cny': 0.0, 'gep_carbon_cny': 4.0}
    """
    sums: dict[str, float] = {}
    for flow in flows:
        name, value = f"gep_{flow['service']}_cny", float(flow["value_cny"])
        sums.setdefault(CONTRACTED, 0.0)
        sums[name] = sums.get(name, 0.0) + value
        if flow.get("contracted"):
            sums[CONTRACTED] += value
    return sums


def _flat_row(record: Record, pledge: Record) -> dict[str, Any]:
    row: dict[str, Any] = dict(flow_sums(pledge.get("gep_flows") or ()))
    for group, fields in _loan_fields():
        source = (record.get(group) or {}) if group else record
        row.update({field.column: source.get(field.name) for field in fields})
    row.update({field.column: pledge.get(field.name) for field in contract(pledge["kind"]).root.fields})
    return row


def taken(field: Field, columns: Columns, index: npt.NDArray[np.intp]) -> npt.NDArray[np.generic]:
    """Some rows of one field of a flat table, identifiers folded; all unknown when the column is not there.

    Args:
        field: the field.
        columns: flat, checked columns.
        index: the rows wanted, shape (m,).

    Returns:
        shape (m,).
    """
    column = columns.get(field.column)
    if column is None:
        return blank_column(field, len(index))
    rows = column[index]
    return column_of(field, folded(field, rows.tolist())) if field.format is not None else rows


def _groups(ids: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.intp], Floats, Floats]:
    """First row of each application; number and place of each row."""
    listed = ids.tolist()
    number = dict(zip(dict.fromkeys(listed), range(len(listed)), strict=False))
    rows = np.fromiter(map(number.__getitem__, listed), np.intp, len(listed))
    order = np.argsort(rows, kind="stable")
    first = order[np.searchsorted(rows[order], np.arange(len(number)))]
    position = np.empty(len(rows))
    position[order] = np.arange(len(rows)) - np.searchsorted(rows[order], rows[order])
    return first, rows.astype(np.float64), position
