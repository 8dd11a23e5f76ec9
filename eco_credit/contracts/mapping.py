"""From a lender's own tape to the columns of a contract: their names, their units, their words for yes and no.

A mapping is one YAML file that somebody can read aloud::

    contract: loan_tape
    columns:
      借据编号: loan_id
      合同金额: {field: exposure, unit: 万元}
      是否违约: {field: default_12m, codes: {是: true, 否: false}}
    drop: [客户经理]
    constant: {synthetic: false, sample_weight: 1}

A column that the mapping does not mention is taken when its header is the name or label of a field, with its
unit in brackets. Any other column must be dropped by name: nothing of a tape is lost without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from eco_credit.contracts.field import Contract, Field
from eco_credit.contracts.lender_cells import Unreadable, reader_of
from eco_credit.contracts.load import contract
from eco_credit.contracts.paper_units import NEEDS_UNIT, factor, fold, split_label
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, rows_of

MOST = 20
"""Longest list of violations given at once."""


class Source(BaseModel):
    """What one column of theirs is.

    Attributes:
        field: field of the contract.
        unit: unit their numbers are in, as written on paper; needed for money, area and volume.
        codes: their word to ours, for texts, numbers and yes or no.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str
    unit: str | None = None
    codes: dict[str, str | bool | float] | None = None

    @field_validator("codes", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        return {str(key): item for key, item in value.items()} if isinstance(value, dict) else value


class TapeMapping(BaseModel):
    """A mapping file.

    Attributes:
        contract: contract of the tape that is wanted.
        columns: header of theirs to what it is; a bare word is the field.
        drop: headers that are not used.
        constant: field to one value for all rows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    contract: str = "loan_tape"
    columns: dict[str, Source] = {}
    drop: tuple[str, ...] = ()
    constant: dict[str, str | bool | float] = {}

    @field_validator("columns", mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        short = isinstance(value, dict)
        return {k: {"field": v} if isinstance(v, str) else v for k, v in value.items()} if short else value


@dataclass(frozen=True, slots=True)
class Step:
    """One column to take: its header, its field, the factor to the stored unit, the words."""

    header: str
    field: Field
    factor: Fraction
    codes: Mapping[str, str | bool | float] | None


def read_mapping(path: Path) -> TapeMapping:
    """Read a mapping file.

    Raises:
        ContractError: a key is missing, unknown or of the wrong kind.
        FileNotFoundError: there is no such file.
    """
    return mapping_of(yaml.safe_load(path.read_text(encoding="utf-8")))


def mapping_of(content: Any) -> TapeMapping:
    """Check the decoded content of a mapping; errors as in `read_mapping`."""
    try:
        return TapeMapping.model_validate(content)
    except ValidationError as error:
        raise ContractError(
            Violation(".".join(map(str, e["loc"])) or "mapping", e["type"], e["msg"], f"映射文件有误：{e['type']}")
            for e in error.errors()
        ) from error


def read_mapped(path: Path, mapping: TapeMapping) -> Columns:
    """Read a lender's file (.csv, .xlsx or .parquet) and apply a mapping to it.

    Raises:
        ContractError: as in `apply_mapping`; another kind of file.
    """
    return apply_mapping(read_raw(path), mapping)


def read_raw(path: Path) -> Columns:
    """The file as it is: cells of a csv stay text, so that no leading zero is lost.

    Raises:
        ContractError: neither .csv nor .xlsx nor .parquet.
    """
    import pandas as pd

    if path.suffix == ".csv":
        data = path.read_bytes()
        try:
            data.decode("utf-8")
            words = "utf-8-sig"
        except UnicodeDecodeError:
            words = "gb18030"
        frame = pd.read_csv(path, dtype=str, encoding=words, keep_default_na=False)
    elif path.suffix == ".xlsx":
        frame = pd.read_excel(path, dtype=object, engine="calamine")
    elif path.suffix == ".parquet":
        frame = pd.read_parquet(path)
    else:
        en, zh = "a tape is a .csv, .xlsx or .parquet file", "台账须为 .csv、.xlsx 或 .parquet 文件"
        raise ContractError([Violation("file", "format", en, zh)])
    return {str(name): frame[name].to_numpy(dtype=object) for name in frame.columns}


def apply_mapping(table: Columns, mapping: TapeMapping) -> Columns:
    """Their columns as columns of the contract, in its order and in stored units.

    Args:
        table: header to cells as they were written, shape (n,) each.
        mapping: what is what.

    Returns:
        Columns by the contract; fields they do not have are left out. The contract is not checked here.

    Raises:
        ContractError: a column that is not there, is mapped twice or not at all, a unit that does not fit, a cell that
            cannot be read. All headers are looked at before the first cell.
    """
    made_for = contract(mapping.contract)
    steps, wrong = _plan(made_for, list(table), mapping)
    if wrong:
        raise ContractError(wrong[:MOST])
    found = _converted(table, steps)
    rows = rows_of(table)
    fields = {field.name: field for field in made_for.fields}
    fixed = {name: np.full(rows, value, dtype=object) for name, value in mapping.constant.items()}
    found |= _converted(fixed, [Step(name, fields[name], Fraction(1), None) for name in fixed])
    return {field.name: found[field.name] for field in made_for.fields if field.name in found}


def in_their_words(headers: list[str], mapping: TapeMapping) -> dict[str, tuple[str, Field]]:
    """Field to the header it came from and to itself in the unit that header is in: bounds and name of the unit.

    Args:
        headers: headers of their file.
        mapping: a mapping that fits them.
    """
    made_for = contract(mapping.contract)
    steps, _ = _plan(made_for, headers, mapping)
    own = dict(_sources(made_for, headers, mapping))
    told = {step.field.name: (step.header, _in_unit(step, own[step.header].unit)) for step in steps}
    return told | {name: (f"constant.{name}", made_for.field(name)) for name in mapping.constant}


def _in_unit(step: Step, unit: str | None) -> Field:
    """The field with its bounds in the unit of the column; as it is where no unit is stated."""
    if unit is None or not step.field.is_number:
        return step.field
    names = ("minimum", "maximum", "exclusive_minimum")
    bounds: dict[str, Any] = {
        name: None if getattr(step.field, name) is None else float(Fraction(getattr(step.field, name)) / step.factor)
        for name in names
    }
    return replace(step.field, unit=unit, help_en=None, help_zh=None, **bounds)


def _plan(made_for: Contract, headers: list[str], mapping: TapeMapping) -> tuple[list[Step], list[Violation]]:
    """What to do with every column, and everything that is wrong with the mapping."""
    fields = {field.name: field for field in made_for.fields}
    sources = dict(_sources(made_for, headers, mapping))
    wrong = [*_headers_wrong(headers, sources, mapping), *_fields_wrong(fields, sources, mapping)]
    steps = []
    for header, source in sources.items():
        field = fields.get(source.field)
        if field is not None:
            ratio, problem = _factor(header, field, source.unit)
            steps.append(Step(header, field, ratio, source.codes))
            wrong += problem
    return steps, wrong


def _sources(made_for: Contract, headers: list[str], mapping: TapeMapping) -> Iterator[tuple[str, Source]]:
    """The mapping's columns, then those whose header says itself what they are."""
    yield from mapping.columns.items()
    words = ((f.name, word) for f in made_for.fields for word in (f.label_en, f.label_zh, f.name))
    known = {fold(word): name for name, word in words}
    for header in headers:
        if header not in mapping.columns and header not in mapping.drop:
            label, unit = split_label(header)
            name = known.get(label) or known.get(fold(header))
            if name is not None:
                yield header, Source(field=name, unit=unit if label in known else None)


def _headers_wrong(headers: list[str], sources: Mapping[str, Source], mapping: TapeMapping) -> Iterator[Violation]:
    for header in [*sources, *mapping.drop]:
        if header not in headers:
            yield Violation(header, "unknown_column", "the tape has no such column", "台账中没有这一列")
    for header in headers:
        if header not in sources and header not in mapping.drop:
            en = "the mapping does not say what this column is: map it, or name it under `drop`"
            yield Violation(header, "unmapped_column", en, "映射未说明这一列：请映射，或列入 drop")


def _fields_wrong(
    fields: Mapping[str, Field], sources: Mapping[str, Source], mapping: TapeMapping
) -> Iterator[Violation]:
    taken: dict[str, str] = {}
    onto = [(header, source.field) for header, source in sources.items()]
    for header, name in [*onto, *((f"constant.{name}", name) for name in mapping.constant)]:
        if name not in fields:
            yield Violation(header, "unknown_field", f"the contract has no field {name}", f"契约没有字段 {name}")
        elif name in taken:
            en, zh = f"{taken[name]} is mapped onto {name} already", f"{taken[name]} 已映射到 {name}"
            yield Violation(header, "two_columns", en, zh)
        taken.setdefault(name, header)


def _factor(header: str, field: Field, unit: str | None) -> tuple[Fraction, list[Violation]]:
    """Factor to the stored unit, or what is wrong with the unit."""
    if unit is None:
        if not field.is_number or field.unit not in NEEDS_UNIT:
            return Fraction(1), []
        en, zh = f"state the unit of {field.name}, such as {field.unit}", f"请注明 {field.name} 的单位"
        return Fraction(1), [Violation(header, "unit_not_stated", en, zh)]
    found = factor(unit, field.unit) if field.is_number else None
    if found is None:
        en, zh = f"{unit} is no unit of {field.name} ({field.unit})", f"{unit} 不能换算为 {field.name} 的单位"
        return Fraction(1), [Violation(header, "unit_not_convertible", en, zh)]
    return found, []


def _converted(table: Columns, steps: Iterable[Step]) -> Columns:
    """The columns in stored units.

    Raises:
        ContractError: cells that cannot be read, each with its row.
    """
    found: Columns = {}
    wrong: list[Violation] = []
    for step in steps:
        try:
            found[step.field.name] = reader_of(step.field, step.factor, step.codes)(table[step.header])
        except Unreadable as error:
            en, zh = f"{error.rows} cells of {step.field.name} cannot be read", f"{step.field.name} 有无法识别的内容"
            wrong.append(Violation(step.header, "type", en, zh, row=error.first + 1))
    if wrong:
        raise ContractError(wrong[:MOST])
    return found
