"""Check a file against any contract of plain fields, without scoring it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.contracts import check_columns, read_record
from eco_credit.contracts.field import Contract
from eco_credit.contracts.mapping import TapeMapping, apply_mapping, in_their_words, read_raw
from eco_credit.contracts.texts import SENTENCES, sentences
from eco_credit.core.errors import ContractError
from serving.batch.chunk import Chunk
from serving.batch.rules import TEXTS
from serving.batch.settings import Limits
from serving.batch.source import open_source

MOST = 1_000
"""Findings listed at most."""


def check_file(contract: Contract, path: Path) -> list[dict[str, Any]]:
    """Broken rules of a file: row, field, rule and sentences, never a value.

    Args:
        contract: a contract of plain fields for parquet, csv and xlsx; any contract for JSON.
        path: the file.

    Returns:
        At most `MOST` findings in file order; empty when the file is accepted.

    Raises:
        ContractError: the file or its header is refused as a whole.
    """
    if path.suffix.lower() == ".json":
        return _json(contract, path)
    found: list[dict[str, Any]] = []
    for block in open_source(path, contract.fields, Limits()).blocks():
        found += findings(contract, block)
        if len(found) >= MOST:
            break
    return found[:MOST]


def check_mapped(contract: Contract, path: Path, mapping: TapeMapping) -> list[dict[str, Any]]:
    """Broken rules of a lender's own file, read by a mapping as training reads it.

    Args:
        contract: the contract of the mapping.
        path: .csv, .xlsx or .parquet.
        mapping: their columns, units and words.

    Returns:
        At most `MOST` findings; ``column`` is their header, and a bound is told in the unit of that column.
    """
    try:
        raw = read_raw(path)
        columns = apply_mapping(raw, mapping)
    except ContractError as error:
        return [_said(v.row, None, v.field, (v.rule, v.en, v.zh)) for v in error.violations][:MOST]
    theirs = in_their_words(list(raw), mapping)
    own = {field.name: field for field in contract.fields}
    lines = [_said(None, f.name, None, ("missing_column", *TEXTS["missing_column"])) for f in contract.fields
             if f.required and f.name not in columns]  # fmt: skip
    for mask, name, rule in check_columns(contract, columns):
        if rule == "missing" and name not in columns:
            continue  # said once above, not for every row
        header, field = theirs.get(name, (None, own.get(name)))
        en, zh = sentences(rule, field) if rule in SENTENCES else (rule, rule)
        lines += [_said(int(row) + 1, name, header, (rule, en, zh)) for row in np.flatnonzero(mask)[:MOST]]
    return sorted(lines, key=lambda line: line["row"] or 0)[:MOST]


def _said(row: int | None, field: str | None, column: str | None, said: tuple[str, str, str]) -> dict[str, Any]:
    rule, en, zh = said
    return {"row": row, "field": field, "column": column, "rule": rule, "en": en, "zh": zh}


def findings(contract: Contract, block: Chunk) -> list[dict[str, Any]]:
    """Broken rules of some rows, in the order of the rows: row, field, rule and sentences, never a value."""
    fields = {field.name: field for field in contract.fields}
    lines = [(row, name, rule) for row, breaks in block.broken.items() for name, rule in breaks]
    known = {(row, name) for row, name, _ in lines}
    for mask, name, rule in check_columns(contract, block.columns):
        rows = (int(row) for row in block.rows[np.flatnonzero(mask)])
        lines += [(row, name, rule) for row in rows if (row, name) not in known]
    found = []
    for row, name, rule in sorted(lines, key=lambda line: line[0]):
        en, zh = (
            TEXTS[rule] if rule in TEXTS else sentences(rule, fields.get(name)) if rule in SENTENCES else (rule, rule)
        )
        found.append({"row": row, "field": name, "rule": rule, "en": en, "zh": zh})
    return found


def _json(contract: Contract, path: Path) -> list[dict[str, Any]]:
    """One JSON record against a nested contract."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        read_record(contract.name, data)
    except ContractError as error:
        return [{"row": v.row, "field": v.field, "rule": v.rule, "en": v.en, "zh": v.zh} for v in error.violations][
            :MOST
        ]
    except (ValueError, OSError):
        return [
            {
                "row": None,
                "field": path.name,
                "rule": "unreadable",
                "en": TEXTS["unreadable"][0],
                "zh": TEXTS["unreadable"][1],
            }
        ]
    return []
