"""Headers of an account table: names, labels and synonyms of the contract, units in brackets, inputs of services."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

from eco_credit.contracts import contract
from eco_credit.contracts.field import Field
from eco_credit.contracts.lists import code_list
from eco_credit.contracts.paper_units import factor, fold
from eco_credit.core.errors import ContractError, Violation
from eco_credit.gep import measure, services
from eco_credit.gep.reading import IGNORED_COLUMNS, SYNONYMS, number_columns, text_columns
from serving.batch.cells import Reading, folded
from serving.batch.rules import violation
from serving.gep import parts_of_one

MOST_TEXT = 500
MONEY_COLUMNS = ("value_cny", "low", "high")
"""Columns of money: a label must state its unit in brackets."""
PERCENTILES = ("p10", "p50", "p90")
"""Columns of a finished account that are drawn again, never read."""
MEASURED = {"physical": "physical_unit", "price": "price_unit"}
"""Columns whose unit may stand in the brackets of the header instead of a column of its own."""
VALUE_UNIT_LABELS = frozenset({"价值量单位", "价值单位", "value_unit"})
_UNIT_OF_INPUT = {"hectare": "ha", "m**3/year": "m3/year", "m**3": "m3", "dimensionless": "ratio",
                  "kW*h/year": "kWh/year"}
"""Units of inputs whose words in other units are known from the batch files."""
_BRACKET = re.compile(r"^(.*?)[\[(（【〔]([^\[\](（）)【】〔〕]*)[\])）】〕]$", re.DOTALL)
_PER_YEAR = re.compile(r"/(年|a|year)$")


@dataclass(frozen=True, slots=True)
class Column:
    """How one column of a file is read.

    Attributes:
        name: column of the account.
        reading: how its cells are read.
        unit: unit the header states for a physical amount or a price, written into every row; or None.
    """

    name: str
    reading: Reading
    unit: str | None = None


def columns_of(header: Sequence[Any], upper: Sequence[Any] | None = None) -> dict[int, Column]:
    """Place of each column to how it is read.

    Args:
        header: cells of the header row; of the row of names where there are two.
        upper: the row of labels above a row of names, which states the units.

    Returns:
        Columns by place, from 0; columns without a header are not read.

    Raises:
        ContractError: ``D01`` a label of a money or measured column without a unit; ``unit_mismatch``;
            ``two_columns`` for one column of the account; ``unknown_column``.
    """
    found: dict[int, Column] = {}
    broken: list[Violation] = []
    with_unit_column = bool(VALUE_UNIT_LABELS & {fold(cell) for cell in header})
    for place, cell in enumerate(header):
        if cell is None or not str(cell).strip():
            continue
        above = upper[place] if upper is not None and place < len(upper) else None
        label = above if above is not None and name_of(above) == name_of(cell) else cell
        try:
            column = _column(label, own_unit=with_unit_column)
        except ContractError as error:
            broken += error.violations
            continue
        if column.name in {other.name for other in found.values()}:
            broken.append(violation(column.name, "two_columns"))
        found[place] = column
    if broken:
        raise ContractError(broken)
    return found


def name_of(header: Any) -> str | None:
    """Column a header leads to; None when it is not known."""
    if header is None:
        return None
    label, _ = split(header)
    return _names().get(fold(header)) or _labels().get(fold(header)) or _labels().get(fold(label))


def known_share(cells: Sequence[Any]) -> float:
    """Part of the filled cells of a row that are headers."""
    filled = [cell for cell in cells if cell is not None and str(cell).strip()]
    return sum(name_of(cell) is not None for cell in filled) / len(filled) if len(filled) > 1 else 0.0


def all_names(cells: Sequence[Any]) -> bool:
    """Whether a row holds nothing but column names."""
    filled = [fold(cell) for cell in cells if cell is not None and str(cell).strip()]
    return bool(filled) and all(cell in _names() for cell in filled)


def split(header: Any) -> tuple[str, str | None]:
    r"""A header as its label and what stands in brackets at its end.

    Example:
        >>> split("价值量\n（亿元）"), split("功能量")
        (('价值量', '亿元'), ('功能量', None))
    """
    whole = str(header).strip()
    found = _BRACKET.match(whole)
    return (found.group(1).strip(), found.group(2).strip()) if found else (whole, None)


@cache
def _names() -> Mapping[str, str]:
    names = {*text_columns(), *number_columns(), *IGNORED_COLUMNS, *PERCENTILES}
    return {name.casefold(): name for name in names} | SYNONYMS


@cache
def _labels() -> Mapping[str, str]:
    """Folded labels and synonyms to columns; a label that two columns share is known to neither."""
    claims: dict[str, set[str]] = {}
    for name, label in _all_labels():
        claims.setdefault(fold(label), set()).add(name)
    return {label: next(iter(owners)) for label, owners in claims.items() if len(owners) == 1}


def _all_labels() -> Iterator[tuple[str, str]]:
    for field in contract("gep_account").fields:
        yield from ((field.name, label) for label in (field.label_zh, field.label_en, *field.synonyms) if label)
    for label in VALUE_UNIT_LABELS:
        yield "value_unit", label
    yield from (("group", label) for label in ("类别", "产品类别"))
    for service in services().values():
        for one in service.inputs:
            yield from ((one.column, label) for label in (one.zh, one.en))


def _column(header: Any, *, own_unit: bool) -> Column:
    name = name_of(header)
    if name is None:
        raise ContractError([Violation(str(header).strip()[:60], "unknown_column",
                                       "this column is not part of the account table", "账户表没有该列")])
    by_name = fold(header) in _names()
    bracket = None if by_name or fold(header) in _labels() else split(header)[1]
    if own_unit and name == "value_cny" and bracket is None:
        return Column("value", _reading("value_cny"))
    if name in MEASURED:
        return Column(name, _reading(name), _PER_YEAR.sub("", bracket) if bracket and name == "physical" else bracket)
    return Column(name, replace(_reading(name), factor=_factor(name, bracket, by_name=by_name)))


def _factor(name: str, bracket: str | None, *, by_name: bool) -> Fraction:
    """Factor from the unit of a header to the unit of the column."""
    unit = _input_units().get(name)
    if name not in MONEY_COLUMNS and unit is None:
        return Fraction(1)
    if bracket is None:
        if by_name or unit in ("text", "dimensionless"):
            return Fraction(1)
        raise ContractError([violation(name, "D01")])
    found = _money(bracket) if unit is None else _input_factor(bracket, unit)
    if found is None:
        raise ContractError([violation(name, "unit_mismatch")])
    return found


def _money(bracket: str) -> Fraction | None:
    try:
        return Fraction(measure.money(_PER_YEAR.sub("", bracket)))
    except ContractError:
        return None


def _input_factor(bracket: str, unit: str) -> Fraction | None:
    return Fraction(1) if bracket == unit else factor(bracket, _UNIT_OF_INPUT.get(unit, unit))


@cache
def _input_units() -> Mapping[str, str]:
    return {field.column: field.unit for service in services().values() for field in service.inputs}


@cache
def _reading(name: str) -> Reading:
    """How the cells of a column are read; inputs of services are read like the contract's own columns."""
    fields = {field.name: field for field in contract("gep_account").fields}
    plain = fields["physical"] if name in number_columns() else fields["source"]
    field = fields.get(name) or replace(plain, name=name, column=name)
    return Reading(field, Fraction(1), _codes(field), name in parts_of_one(), MOST_TEXT)


def _codes(field: Field) -> Mapping[str, str]:
    """Folded codes and their names, of the lists a row may name in words."""
    if field.list_id is None or field.name not in ("service", "price_kind"):
        return {}
    texts = code_list(field.list_id).texts
    return {folded(word): code for code, words in texts.items() for word in (code, *words.values())}
