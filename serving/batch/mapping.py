"""Other people's headers: a mapping file of one's own, or one of those shipped for known export layouts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from eco_credit.contracts import contract
from eco_credit.contracts.field import Field
from eco_credit.contracts.mapping import Source, TapeMapping, mapping_of, read_mapping
from eco_credit.core.canonical import digest
from eco_credit.core.errors import ContractError, Violation
from serving.batch.cells import Broken, Reading
from serving.batch.rules import violation

CONTRACT = "batch_input"
_LONGEST = 4_096


@dataclass(frozen=True, slots=True)
class Shipped:
    """A mapping that comes with the house.

    Attributes:
        name: what ``--mapping`` takes.
        zh, en: whose export it reads.
        source: where the names of its columns come from.
        mapping: the mapping itself.
    """

    name: str
    zh: str
    en: str
    source: str
    mapping: TapeMapping

    @property
    def lacking(self) -> tuple[str, ...]:
        """Fields every application needs that this layout does not hold: add a column of that name or label."""
        held = {source.field for source in self.mapping.columns.values()} | set(self.mapping.constant)
        return tuple(one.column for one in contract(CONTRACT).fields if one.required and one.column not in held)


@cache
def shipped() -> Mapping[str, Shipped]:
    """Name to mapping of all that are shipped, in the order of their names."""
    found = {}
    for entry in sorted(files("serving.batch").joinpath("mappings").iterdir(), key=lambda each: each.name):
        if entry.name.endswith(".yaml"):
            content = yaml.safe_load(entry.read_text(encoding="utf-8"))
            name = entry.name.removesuffix(".yaml")
            about = content["about"]
            found[name] = Shipped(name, about["zh"], about["en"], about["source"], mapping_of(content["mapping"]))
    return found


def mapping_named(names: Iterable[str]) -> TapeMapping | None:
    """The mapping of one or more files or shipped names, joined; None when none is named.

    Args:
        names: each a shipped name or the path of a YAML file.

    Raises:
        ContractError: no such file or name, a file that is no mapping, a field the contract does not have, or
            one header that two of them read differently.
    """
    found = [_one(name) for name in names]
    if not found:
        return None
    columns: dict[str, Source] = {}
    for mapping in found:
        for header, source in mapping.columns.items():
            if columns.setdefault(header, source) != source:
                raise ContractError([violation(header, "two_columns")])
    constant = {name: value for mapping in found for name, value in mapping.constant.items()}
    drop = tuple(dict.fromkeys(header for mapping in found for header in mapping.drop))
    joined = TapeMapping(contract=CONTRACT, columns=columns, drop=drop, constant=constant)
    _check(joined)
    return joined


def _one(name: str) -> TapeMapping:
    if name in shipped():
        return shipped()[name].mapping
    try:
        mapping = read_mapping(Path(name))
    except (OSError, yaml.YAMLError, ValueError):  # a day that is none is a ValueError of the YAML reader
        known = ", ".join(shipped())
        en, zh = f"no readable mapping file, nor one of {known}", f"映射文件无法读取，也不是内置映射（{known}）"
        raise ContractError([Violation("--mapping", "no_such_file", en, zh)]) from None
    if mapping.contract != CONTRACT:
        en, zh = f"the mapping must be for the contract {CONTRACT}", f"映射须对应契约 {CONTRACT}"
        raise ContractError([Violation("--mapping", "contract", en, zh)])
    return mapping


def _check(mapping: TapeMapping) -> None:
    """Every field that is mapped is one of the contract."""
    known = {one.column for one in contract(CONTRACT).fields}
    named = [*(source.field for source in mapping.columns.values()), *mapping.constant]
    wrong = [
        Violation(name, "unknown_field", "the contract has no such field", "契约没有该字段")
        for name in named
        if name not in known
    ]
    if wrong:
        raise ContractError(wrong)


def mapping_digest(mapping: TapeMapping | None) -> str | None:
    """Digest of a mapping: part of the identity of a run."""
    return None if mapping is None else digest(mapping.model_dump(mode="json"))


def constant_value(field: Field, value: Any) -> Any:
    """A constant as a value of its field, read like a cell in the stored unit: ``否`` is no, and no true word.

    Raises:
        ContractError: it cannot be read; the rule of the cell.
    """
    found = Reading(field, Fraction(1), {}, field.unit == "ratio", _LONGEST).value(value)
    if isinstance(found, Broken):
        raise ContractError([violation(f"constant.{field.column}", found.rule)])
    return found
