"""Check a file against any contract of plain fields, without scoring it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.contracts import check_columns, read_record
from eco_credit.contracts.field import Contract
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
