"""One application from a workbook: its values, and every complaint with the cell it is about.

The header search, the units and the reading of cells are those of the batch; here a column that cannot be read costs
its own values only, since a person looks at the form afterwards. Nothing is guessed and nothing repaired.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from eco_credit.contracts import contract
from eco_credit.contracts.field import Field
from eco_credit.contracts.template import sheet_fields
from eco_credit.core.errors import ContractError
from serving.batch.cells import Broken, Reading, folded
from serving.batch.chunk import KEY
from serving.batch.layout import HEADER_ROWS, Layout, Vocabulary, find_header, headers_of, layout_of
from serving.batch.rows import Line
from serving.batch.rules import refusal
from serving.batch.settings import MEBIBYTE, Limits
from serving.batch.sheets import Sheet, read_sheets
from serving.batch.table import data_lines

UPLOAD = Limits(
    rows_per_application=20, file_bytes=2 * MEBIBYTE, table_bytes=64 * MEBIBYTE, members=200, sheet_rows=20_000,
    sheet_cells=4_000_000, text_length=30_000,
)
"""A workbook with one application is small; its longest text is the outline of a parcel."""
_CONTRACTED = "gep_contracted_cny"


@dataclass(frozen=True, slots=True)
class Complaint:
    """One cell, or one header, that cannot be taken over."""

    path: str
    rule: str
    cell: str
    text: str = ""


@dataclass(slots=True)
class One:
    """An application as a workbook holds it.

    Attributes:
        application: nested, in stored units; what is unknown or cannot be read is left out.
        cells: path of a field to the cell it was read from, also where that is blank.
        factors: path to the factor of the unit in its header, a fraction such as ``1/15``.
        complaints: what cannot be taken over.
        ignored: headers that lead to no field.
        hidden: hidden sheets, which are not read.
    """

    application: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, str] = field(default_factory=dict)
    factors: dict[str, str] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)


def column_name(place: int) -> str:
    """Letters of a column.

    Example:
        >>> column_name(0), column_name(25), column_name(26), column_name(701), column_name(702)
        ('A', 'Z', 'AA', 'ZZ', 'AAA')
    """
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(65 + rest) + name
    return name


def read_one(kind: str, path: Path, limits: Limits = UPLOAD) -> One:
    """Read the one application of a workbook; several rows of it are several pledges.

    Args:
        kind: collateral kind whose template was filled in.
        path: workbook, already sniffed.
        limits: bounds of size.

    Returns:
        Values and complaints.

    Raises:
        ContractError: the workbook is damaged or holds a formula without value, no sheet has a header, no row
            holds data, or there is more than one application.
    """
    sheets, hidden = read_sheets(path, limits)
    fields = [replace(one, required=False) for one in sheet_fields(contract(kind))]
    vocabulary = Vocabulary.of(fields)
    made = One(hidden=hidden)
    tables = list(_tables(made, sheets, vocabulary, limits))
    if not tables:
        raise refusal(path.name, "header_not_found")
    rows = [row for sheet, layout in tables for row in _rows(sheet, layout)]
    _check_rows(path.name, rows, limits, kind=kind)
    _take(made, kind, rows)
    return made


@dataclass(frozen=True, slots=True)
class _Row:
    """One data row: column name to how it is read, its cell and what the cell holds."""

    found: Mapping[str, tuple[Reading, str, Any]]
    unstated: frozenset[str]

    def value(self, column: str) -> Any:
        """Value of a column in the stored unit, None, or the rule its cell breaks."""
        if column not in self.found:
            return None
        reading, _, cell = self.found[column]
        value = reading.value(cell)
        if not isinstance(value, float):
            return value
        if not isfinite(value):
            return Broken("number_form")
        return Broken("D01") if column in self.unstated and value > 1.0 else value


def _tables(
    made: One, sheets: Sequence[Sheet], vocabulary: Vocabulary, limits: Limits
) -> Iterator[tuple[Sheet, Layout]]:
    """Sheets that have a header, with how they are read; a column whose header is wrong is complained about."""
    for sheet in sheets:
        head = [list(row) for row in sheet.rows[:HEADER_ROWS]]
        places = find_header(head, vocabulary)
        if not places:
            continue
        try:
            layout = layout_of(head, places, vocabulary=vocabulary, limits=limits)
        except ContractError as error:
            wrong = {one.field: one.rule for one in error.violations}
            _leave_out(made, sheet, head, places=places, wrong=wrong, vocabulary=vocabulary)
            layout = layout_of(head, places, vocabulary=vocabulary, limits=limits)
        made.ignored += layout.ignored
        yield sheet, layout


def _leave_out(
    made: One, sheet: Sheet, head: list[list[Any]], *, places: Sequence[int], wrong: Mapping[str, str],
    vocabulary: Vocabulary,
) -> None:
    """Blank the headers that are wrong and say so at their fields."""
    for place, header in enumerate(headers_of(head, places)):
        found = vocabulary.find(header)
        if found is None or found[0].column not in wrong:
            continue
        column = found[0].column
        made.complaints.append(Complaint(column, wrong[column], _address(sheet.name, place, places[0] + 1)))
        for row in places:
            head[row][place : place + 1] = [None]


def _address(sheet: str, place: int, row: int) -> str:
    """A cell as a spreadsheet program names it."""
    return f"{sheet}!{column_name(place)}{row}"


def _rows(sheet: Sheet, layout: Layout) -> Iterator[_Row]:
    """Data rows of a sheet; totals, footers and blank rows are left out, merged cells filled in loan columns."""
    filled = _filled(sheet, layout)
    below = enumerate(filled[layout.header_row :], start=layout.header_row + 1)
    lines = (Line(row, sheet.name, cells) for row, cells in below)
    for line in data_lines(lines, layout, Counter()):
        found = {
            reading.field.column: (
                reading,
                _address(sheet.name, place, line.row),
                line.cells[place] if place < len(line.cells) else None,
            )
            for place, reading in layout.columns.items()
        }
        yield _Row(found, layout.unstated)


def _filled(sheet: Sheet, layout: Layout) -> list[list[Any]]:
    """Cells merged downwards in a column of the loan hold for all its rows."""
    loan = {one.column for one in contract("application").fields}
    rows = [list(cells) for cells in sheet.rows]
    for first, last, column in sheet.merged:
        reading = layout.columns.get(column)
        if reading is not None and reading.field.column in loan and first >= layout.header_row:
            for row in range(first + 1, min(last + 1, len(rows))):
                rows[row][column] = rows[first][column]
    return rows


def _check_rows(name: str, rows: Sequence[_Row], limits: Limits, *, kind: str) -> None:
    """There is one application, of the kind asked for, with pledges a form can show."""
    if not rows:
        raise refusal(name, "no_rows")
    own = contract(kind)
    words = {folded(word) for word in (kind, own.label_zh, own.label_en)}
    for row in rows:
        said = row.value("kind")
        if said is not None and (isinstance(said, Broken) or folded(said) not in words):
            raise refusal(name, "other_kind_of_file")
    keys = {row.value(KEY) for row in rows}
    if len(keys) > 1 or (len(rows) > 1 and None in keys):
        raise refusal(name, "several_applications")
    if len(rows) > limits.rows_per_application:
        raise refusal(name, "too_many_pledges")


def _take(made: One, kind: str, rows: Sequence[_Row]) -> None:
    """Put the values at their places in an application."""
    application = contract("application")
    headers = {one.path: one for one in made.complaints}
    made.complaints = []
    for one in application.fields:
        record = made.application.setdefault(one.group, {}) if one.group else made.application
        _put(made, record, one, path=f"{one.group}.{one.name}".strip("."), row=rows[0], headers=headers)
        _agree(made, one, rows)
    made.application["pledges"] = [_pledge(made, kind, place, row, headers) for place, row in enumerate(rows)]


def _pledge(made: One, kind: str, place: int, row: _Row, headers: Mapping[str, Complaint]) -> dict[str, Any]:
    """One row as a pledge with its ecosystem flows."""
    pledge: dict[str, Any] = {"kind": kind}
    for one in contract(kind).root.fields:
        if one.name != "kind":
            _put(made, pledge, one, path=f"pledges[{place}].{one.name}", row=row, headers=headers)
    flows = list(_flows(made, f"pledges[{place}].gep_flows", row))
    if flows:
        pledge["gep_flows"] = flows
    return pledge


def _put(
    made: One, record: dict[str, Any], one: Field, *, path: str, row: _Row, headers: Mapping[str, Complaint]
) -> None:
    """One value at its place, or the complaint about its cell or its header."""
    if one.column in headers:
        made.complaints.append(replace(headers[one.column], path=path))
        made.cells[path] = headers[one.column].cell
        return
    if one.column not in row.found:
        return
    reading, made.cells[path], cell = row.found[one.column]
    value = row.value(one.column)
    if isinstance(value, Broken):
        # a page cannot show a day that is none, and must not show a number that is not the one on the paper
        shown = "" if value.rule == "digits_lost" or one.type == "date" else str(cell).strip()[: one.max_length]
        made.complaints.append(Complaint(path, value.rule, made.cells[path], shown))
    elif value is not None:
        record[one.name] = _plain(one, value)
        made.factors[path] = str(reading.factor)


def _plain(one: Field, value: Any) -> Any:
    """A value as JSON holds it."""
    if one.type == "boolean":
        return bool(value)
    if one.type == "integer" and float(value).is_integer():
        return int(value)
    return value.isoformat() if one.type == "date" else value


def _agree(made: One, one: Field, rows: Sequence[_Row]) -> None:
    """Later rows say the same about borrower and loan, or nothing."""
    first = rows[0].value(one.column)
    for row in rows[1:]:
        value = row.value(one.column)
        if value is not None and value != first:
            path = f"{one.group}.{one.name}".strip(".")
            made.complaints.append(Complaint(path, "rows_disagree", row.found[one.column][1]))


def _flows(made: One, path: str, row: _Row) -> Iterator[dict[str, Any]]:
    """Yearly values by service; a contracted part that is not all of them has no place on the form."""
    values: dict[str, float] = {}
    for column, (_, cell, _) in row.found.items():
        if not column.startswith("gep_") or column == _CONTRACTED:
            continue
        value = row.value(column)
        if isinstance(value, Broken):
            made.complaints.append(Complaint(path, value.rule, cell))
        elif value is not None:
            made.cells[f"{path}[{len(values)}].value_cny"] = cell
            values[column.removeprefix("gep_").removesuffix("_cny")] = value
    contracted = row.value(_CONTRACTED)
    whole = not isinstance(contracted, Broken) and bool(values) and contracted == sum(values.values())
    if contracted and not whole:
        made.complaints.append(Complaint(path, "contracted_part", row.found[_CONTRACTED][1]))
    for service, value in values.items():
        yield {"service": service, "value_cny": value} | ({"contracted": True} if whole else {})
