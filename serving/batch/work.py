"""The work on one chunk: check, part into good rows and rejects, score, put together.

Pure: the same chunk gives the same tables, in this process or on a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from eco_credit.contracts.columns import check_columns
from eco_credit.contracts.field import Contract, Field
from eco_credit.contracts.load import contract as contract_of
from eco_credit.contracts.texts import SENTENCES, sentences
from eco_credit.core.errors import EcoCreditError, RuleNotInForce
from eco_credit.core.numbers import Columns, take
from serving.batch.chunk import KEY, Chunk, key_hash, starts
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
        scattered: hashes of applications whose rows do not stand together.
        oversized: hashes of applications with too many rows.
        sheets: the input has several sheets: the result says which sheet a row came from.
    """

    contract: Contract
    score: Score
    echo: tuple[str, ...]
    loan_columns: tuple[str, ...]
    scattered: frozenset[int] = frozenset()
    oversized: frozenset[int] = frozenset()
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

    def add(self, positions: Iterable[int], field: str, rule: str) -> None:
        """Blame a field and a rule on rows."""
        for at in positions:
            self.lines.append((int(at), field, rule))
            self.bad[int(at)] = True


def work(chunk: Chunk, task: Task) -> Done:
    """Check and score one chunk.

    Args:
        chunk: consecutive rows; no application is cut.
        task: what all chunks share.

    Returns:
        Good rows scored, the others as reject lines; every row is in exactly one of the two.
    """
    findings = Findings(len(chunk))
    _cells(chunk, findings)
    _rules(chunk, task, findings)
    _applications(chunk, task, findings)
    good = np.flatnonzero(~findings.bad)
    columns = take(chunk.columns, good)
    result = _scored(columns, good, task=task, findings=findings) if len(good) else {}
    kept = ~findings.bad[good]
    if result:
        result = {"row": chunk.rows[good].astype(np.float64)} | result | _echo(columns, task)
        if task.sheets and chunk.sheets is not None:
            result["sheet"] = chunk.sheets[good]
        result = take(_ordered(result), np.flatnonzero(kept))
    days = sorted({str(day) for day in columns["as_of"][kept]}) if "as_of" in columns else []
    return Done(result, _reject_table(chunk, findings, task.contract), len(chunk), int(kept.sum()), tuple(days))


def _cells(chunk: Chunk, findings: Findings) -> None:
    """Cells that could not be read."""
    if chunk.broken:
        for at, row in enumerate(chunk.rows):
            for name, rule in chunk.broken.get(int(row), ()):
                findings.add([at], name, rule)


def _rules(chunk: Chunk, task: Task, findings: Findings) -> None:
    """Rules of the contract; a cell already blamed is not blamed again for being blank."""
    blamed = {(at, name) for at, name, _ in findings.lines}
    for mask, name, rule in check_columns(task.contract, chunk.columns):
        at = np.flatnonzero(mask)
        findings.add((int(i) for i in at if rule not in _BLANK_WORDS or (int(i), name) not in blamed), name, rule)


def _applications(chunk: Chunk, task: Task, findings: Findings) -> None:
    """Rules of whole applications: rows together, not too many, of one mind, and all good or none."""
    keys = chunk.columns[KEY].astype(object)
    first = starts(keys)
    group = np.cumsum(first) - 1
    if task.scattered or task.oversized:
        codes = [key_hash(key) if key is not None else None for key in keys[first]]
        for hashes, rule in ((task.scattered, "not_contiguous"), (task.oversized, "too_many_pledges")):
            hit = np.array([code in hashes for code in codes], dtype=bool)[group]
            findings.add(np.flatnonzero(hit), KEY, rule)
    for name in task.loan_columns:
        column = chunk.columns.get(name)
        if column is not None:
            findings.add(np.flatnonzero(_differs(column, np.flatnonzero(first)[group])), name, "rows_disagree")
    _whole(group, findings)


def _differs(column: npt.NDArray[np.generic], first: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Rows whose value is not that of the first row of their application; unknown equals unknown."""
    reference = column[first]
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
            parts.append((at, task.score(take(columns, at))))
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


def _echo(columns: Columns, task: Task) -> Columns:
    """Input columns repeated in the result."""
    return {name: columns[name] for name in task.echo if name in columns}


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
