"""The work on one chunk: check, part into good rows and rejects, score, put together.

Pure: the same chunk gives the same tables, in this process or on a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eco_credit.contracts.columns import check_columns
from eco_credit.contracts.field import Contract, Field
from eco_credit.contracts.load import contract as contract_of
from eco_credit.contracts.texts import SENTENCES, sentences
from eco_credit.core.errors import EcoCreditError, RuleNotInForce
from eco_credit.core.numbers import Columns, rows_of, take, text
from serving.batch.chunk import KEY, Chunk, starts
from serving.batch.rules import TEXTS

Score = Callable[[Columns], Columns]
"""Scores good flat rows, rows of one application together, and returns one result row per input row."""
REJECT_COLUMNS = ("row", "sheet", "field", "rule", "zh", "en")
_BLANK_WORDS = frozenset({"missing"})


@dataclass(frozen=True)
class Task:
    """What the work on every chunk of a run shares; plain data, so it can travel to a worker.

    Attributes:
        contract: contract of the input rows.
        score: the scorer.
        echo: input columns repeated in the result, before the result's own.
        loan_columns: columns that all rows of an application must agree on.
        scattered: keys of applications whose rows do not stand together.
        oversized: keys of applications with too many rows.
        sheets: the input has several sheets: the result says which sheet a row came from.
    """

    contract: Contract
    score: Score
    echo: tuple[str, ...]
    loan_columns: tuple[str, ...]
    scattered: frozenset[str] = frozenset()
    oversized: frozenset[str] = frozenset()
    sheets: bool = False


@dataclass(frozen=True)
class Done:
    """Result of one chunk: result columns of the good rows, reject lines, and how many rows each holds."""

    result: Columns
    rejects: pa.Table
    rows: int
    good: int
    days: tuple[str, ...]


class Findings:
    """Broken rules by position in a chunk, in the order they were found."""

    def __init__(self, rows: int) -> None:
        """Nothing found yet in a chunk of so many rows."""
        self.lines: list[tuple[int, str, str]] = []
        self.bad = np.zeros(rows, dtype=bool)

    def add(self, positions: npt.NDArray[np.intp], field: str, rule: str) -> None:
        """Blame a field and a rule on rows."""
        self.lines += [(at, field, rule) for at in positions.tolist()]
        self.bad[positions] = True


def work(chunk: Chunk, task: Task) -> Done:
    """Check and score one chunk.

    Args:
        chunk: consecutive rows; no application is cut.
        task: what all chunks share.

    Returns:
        Good rows scored, the others as reject lines; every row is in exactly one of the two.
    """
    findings, told = Findings(len(chunk)), chunk.told()
    _cells(chunk, findings)
    _rules(told, task, findings)
    _applications(told, task, findings)
    good = np.flatnonzero(~findings.bad)
    columns = _rows(told, good)
    result = _scored(columns, good, task=task, findings=findings) if len(good) else {}
    kept = ~findings.bad[good]
    if result:
        result = {"row": chunk.rows[good].astype(np.float64)} | result | _rows(_echo(chunk, task), good)
        if task.sheets and chunk.sheets is not None:
            result["sheet"] = chunk.sheets[good]
        result = _rows(_ordered(result), np.flatnonzero(kept))
    days = [str(day) for day in np.unique(columns["as_of"][kept])] if "as_of" in columns else []
    return Done(result, _reject_table(chunk, findings, task.contract), len(chunk), int(kept.sum()), tuple(days))


def _rows(columns: Columns, index: npt.NDArray[np.intp]) -> Columns:
    """Rows in their order; nothing is copied where all of them are wanted."""
    return columns if len(index) == rows_of(columns) else take(columns, index)


def _cells(chunk: Chunk, findings: Findings) -> None:
    """Cells that could not be read."""
    if chunk.broken:
        for at in np.flatnonzero(np.isin(chunk.rows, list(chunk.broken))):
            for name, rule in chunk.broken[int(chunk.rows[at])]:
                findings.add(np.array([at]), name, rule)


def _rules(columns: Columns, task: Task, findings: Findings) -> None:
    """Rules of the contract; a cell already blamed is not blamed again for being blank."""
    blamed: dict[str, list[int]] = {}
    for at, name, _ in findings.lines:
        blamed.setdefault(name, []).append(at)
    for mask, name, rule in check_columns(task.contract, columns):
        positions = np.flatnonzero(mask)
        if rule in _BLANK_WORDS and name in blamed:
            positions = np.setdiff1d(positions, blamed[name])
        findings.add(positions, name, rule)


def _applications(columns: Columns, task: Task, findings: Findings) -> None:
    """Rules of whole applications: rows together, not too many, of one mind, and all good or none."""
    keys = text(columns, KEY)
    first = starts(keys)
    group = np.cumsum(first) - 1
    begin = np.flatnonzero(first)
    for names, rule in ((task.scattered, "not_contiguous"), (task.oversized, "too_many_pledges")):
        if names:
            hit = np.fromiter((key in names for key in keys[begin]), bool, len(begin))
            findings.add(np.flatnonzero(hit[group]), KEY, rule)
    others = np.flatnonzero(~first)
    for name in task.loan_columns if len(others) else ():
        if name in columns:
            differs = _differs(columns[name][others], columns[name][begin[group[others]]])
            findings.add(others[differs], name, "rows_disagree")
    _whole(group, findings)


def _differs(column: npt.NDArray[np.generic], reference: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Rows whose value is not that of the first row of their application; unknown equals unknown."""
    same = np.asarray(column == reference, dtype=bool)
    if column.dtype.kind == "f":
        same |= np.isnan(column.astype(np.float64)) & np.isnan(reference.astype(np.float64))
    if column.dtype.kind == "M":
        same |= np.isnat(column) & np.isnat(reference)
    return ~same


def _whole(group: npt.NDArray[np.intp], findings: Findings) -> None:
    """An application with one rejected row is rejected whole: half a security is not scored."""
    if not findings.bad.any():
        return
    hit = np.zeros(int(group[-1]) + 1, dtype=bool)
    hit[group[findings.bad]] = True
    findings.add(np.flatnonzero(hit[group] & ~findings.bad), KEY, "application_rejected")


def _scored(columns: Columns, good: npt.NDArray[np.intp], *, task: Task, findings: Findings) -> Columns:
    """Score good rows; when a group cannot be scored it is halved until the applications at fault are found."""
    pending = [np.arange(len(good))]
    parts: list[tuple[npt.NDArray[np.intp], Columns]] = []
    while pending:
        at = pending.pop(0)
        try:
            parts.append((at, task.score(_rows(columns, at))))
        except EcoCreditError as error:
            if getattr(error, "code", "") == "model_not_servable":
                raise
            halves = _halves(columns[KEY][at].astype(object), at)
            if not halves:
                rule = "rule_not_in_force" if isinstance(error, RuleNotInForce) else "not_scored"
                findings.add(good[at], KEY, rule)
            pending = halves + pending
    return _in_order(parts, len(good))


def _halves(keys: npt.NDArray[np.object_], at: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    """Two halves that cut no application; empty when there is only one application."""
    borders = np.flatnonzero(starts(keys))
    if len(borders) < 2:
        return []
    cut = int(borders[len(borders) // 2])
    return [at[:cut], at[cut:]]


def _in_order(parts: Sequence[tuple[npt.NDArray[np.intp], Columns]], rows: int) -> Columns:
    """Scored parts as one table of all good rows; rows that were not scored hold the first part's first row."""
    if not parts:
        return {}
    if len(parts) == 1 and len(parts[0][0]) == rows:
        return parts[0][1]
    source = np.zeros(rows, dtype=np.intp)
    source[np.concatenate([at for at, _ in parts])] = np.arange(sum(len(at) for at, _ in parts))
    joined = {name: np.concatenate([part[name] for _, part in parts]) for name in parts[0][1]}
    return take(joined, source)


def _echo(chunk: Chunk, task: Task) -> Columns:
    """Input columns repeated in the result."""
    return {name: chunk.columns[name] for name in task.echo if name in chunk.columns}


def _ordered(result: Columns) -> Columns:
    """Columns in the order of the contract of the result; what it does not name comes last."""
    names = [field.column for field in contract_of("batch_output").fields]
    return {name: result[name] for name in (*names, *result) if name in result}


def _reject_table(chunk: Chunk, findings: Findings, contract: Contract) -> pa.Table:
    """Reject lines by row; field, rule and sentences, never a value."""
    fields: dict[str, Field] = {field.name: field for field in contract.fields}
    lines = sorted(findings.lines, key=lambda line: line[0])
    texts = {(name, rule): _sentence(fields.get(name), rule) for _, name, rule in lines}
    return pa.table(
        {
            "row": pa.array([int(chunk.rows[at]) for at, _, _ in lines], pa.int64()),
            "sheet": pa.array([None if chunk.sheets is None else chunk.sheets[at] for at, _, _ in lines], pa.string()),
            "field": pa.array([name for _, name, _ in lines], pa.string()),
            "rule": pa.array([rule for _, _, rule in lines], pa.string()),
            "zh": pa.array([texts[name, rule][1] for _, name, rule in lines], pa.string()),
            "en": pa.array([texts[name, rule][0] for _, name, rule in lines], pa.string()),
        }
    )


def _sentence(field: Field | None, rule: str) -> tuple[str, str]:
    """Sentences of a rule of the contract or of the file."""
    if rule in TEXTS:
        return TEXTS[rule]
    return sentences(rule, field) if rule in SENTENCES else (rule, rule)
