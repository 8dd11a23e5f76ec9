"""The loans to look at: a loan tape estimated anew, or the result file of a batch as it was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts import Contract, columns_of_frame, contract
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Columns, Floats, day, is_yes, number, rows_of, take, text
from eco_credit.risk import ModelBundle
from training.datasets import OUTCOMES, Days, Tape, Words, check, columns_digest
from training.evaluate import estimate
from training.metrics.calibration import logit
from training.plan import Plan
from training.readers import readers

RESULT = "batch_output"
KEYS = ("decision_id", "loan_id", "application_id")
"""Columns that name a prediction, the most exact first."""
WIDE = 0.05
"""A PD range wider than this and than the PD itself is too wide, as `RiskEstimate.wide` has it."""


@dataclass(frozen=True)
class Current:
    """Predictions on n loans or applications.

    Attributes:
        form: ``tape`` or ``result``.
        keys: names of the rows by column of `KEYS`.
        opened: day of payout on a tape, of application in a result file.
        weight: sample weights, above 0.
        pd, pd_low, pd_high: probability of default and its range; NaN where the model gave none.
        logit: calibrated logit; NaN where the model gave none.
        grade: grade code; None likewise.
        inputs: inputs of the model; empty for a result file, which does not hold them.
        layers: layer of the decision policy to the rows it caught.
        recommendation: ``approve``, ``refer``, ``decline``; None on a tape.
        kinds: kinds of pledge there are, second pledges included; None where the file does not say.
        groups: columns that loans concentrate in.
        amount: yuan at stake, for concentration; zero where unknown.
        digest: SHA-256 of what was read.
        synthetic: rows or model are synthetic.
    """

    form: str
    keys: Mapping[str, Words]
    opened: Days
    weight: Floats
    pd: Floats
    pd_low: Floats
    pd_high: Floats
    logit: Floats
    grade: Words
    inputs: Columns
    layers: Mapping[str, Bools]
    recommendation: Words
    kinds: frozenset[str] | None
    groups: Mapping[str, Words]
    amount: Floats
    digest: str
    synthetic: bool

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.pd)

    @property
    def scored(self) -> Bools:
        """Rows with a PD."""
        known: Bools = ~np.isnan(self.pd)
        return known


GROUPS = ("area_code", "region", "county", "basin", "buyer_id", "kind")
"""Columns concentration is measured in, where a file has them. Their values are never written out."""


def read_current(bundle: ModelBundle, plan: Plan, path: Path) -> Current:
    """Read a loan tape or a batch result file; a file with the column ``recommendation`` is a result.

    Args:
        bundle: the models, for a tape.
        plan: the plan of the model; it says by which contract a tape is read.
        path: ``.parquet`` or ``.csv``.

    Returns:
        One row per loan or application.

    Raises:
        ContractError: a column or value breaks the contract, there are no rows, or a loan stands twice.
    """
    frame = read_frame(path)
    result = "recommendation" in frame.columns
    made_for = contract(RESULT if result else plan.data.contract)
    raw = checked(made_for, frame) | _named(frame)
    found = of_result(raw) if result else of_tape(bundle, plan, raw, made_for)
    if not len(found):
        raise _refused("rows", "empty", "the file holds no rows", "文件没有数据行")
    for name, keys in found.keys.items():
        known = [key for key in keys.tolist() if key is not None]
        if len(set(known)) < len(known):
            raise _refused(name, "unique", "a row stands twice", "编号重复")
    return found


def read_frame(path: Path) -> Any:
    """A table file as a data frame; codes with leading zeros stay text in CSV.

    Raises:
        ContractError: neither Parquet nor CSV.
    """
    import pandas as pd

    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    if path.suffix == ".csv":
        named = dict.fromkeys((*KEYS, *GROUPS, "borrower_id"), str)
        return pd.read_csv(path, dtype=named, encoding="utf-8-sig")
    raise _refused("file", "format", "use a .parquet or .csv file", "请使用 .parquet 或 .csv 文件")


def checked(made_for: Contract, frame: Any) -> Columns:
    """The columns a contract names, checked; other columns are not read.

    Raises:
        ContractError: a value breaks the contract or a required column is missing.
    """
    known = {field.column for field in made_for.fields}
    raw = columns_of_frame(made_for, frame[[name for name in frame.columns if name in known]])
    absent = [field.column for field in made_for.fields if field.required and field.column not in raw]
    if absent:
        raise ContractError(Violation(name, "missing", "is missing", "缺失") for name in absent)
    check(made_for, raw)
    return raw


def _named(frame: Any) -> Columns:
    """Numbers of predictions, also where the contract of the file does not name them (``decision_id``)."""
    cells = {name: frame[name] for name in KEYS if name in frame.columns}
    return {
        name: np.array([None if gone else str(cell) for cell, gone in zip(column, column.isna(), strict=True)], object)
        for name, column in cells.items()
    }


def of_tape(bundle: ModelBundle, plan: Plan, raw: Columns, made_for: Contract) -> Current:
    """Estimate every row of a tape, labelled or not."""
    inputs, table = readers()[plan.data.reader](raw, plan, made_for)
    names = [item.name for item in inputs]
    rows = rows_of(raw)
    nothing = np.full(rows, np.nan)
    synthetic = bool(is_yes(number(table, "synthetic")).any())
    tape = Tape(
        inputs=inputs, columns={name: number(table, name) for name in names}, target=nothing,
        weight=number(table, plan.data.weight), origination=day(table, plan.data.date),
        borrower=text(table, plan.data.group), outcome={n: table[n] for n in OUTCOMES if n in table}, truth={},
        contract=made_for, digest=columns_digest(raw), synthetic=synthetic, unlabelled=rows,
    )  # fmt: skip
    found = estimate(bundle, tape, np.arange(rows))
    seen = found.support
    layers = {
        "outside": seen.outside, "unseen": seen.unseen, "thin": seen.thin, "odd": seen.odd, "novel": seen.novel,
        "out_of_scope": found.out_of_scope, "wide": found.wide & ~found.refused,
    }  # fmt: skip
    return Current(
        form="tape", keys=_keys(raw), opened=tape.origination, weight=tape.weight, pd=found.pd, pd_low=found.pd_low,
        pd_high=found.pd_high, logit=found.logit, grade=found.grade, inputs=tape.columns, layers=layers,
        recommendation=np.full(rows, None, dtype=object), kinds=_kinds(raw), groups=_groups(raw),
        amount=np.nan_to_num(number(table, "exposure")), digest=tape.digest, synthetic=synthetic,
    )  # fmt: skip


def of_result(raw: Columns) -> Current:
    """Take the answers of a batch as they stand, one row per application."""
    digest = columns_digest(raw)
    names, first, group = np.unique(text(raw, "application_id").astype(str), return_index=True, return_inverse=True)
    eligible = np.zeros(len(names))
    np.maximum.at(eligible, group.reshape(-1), is_yes(number(raw, "eligible")).astype(np.float64))
    one = take(raw, first.astype(np.intp))
    pd, low, high = (number(one, name) for name in ("pd", "pd_low", "pd_high"))
    scored = ~np.isnan(pd)
    layers = {
        "ineligible": eligible == 0.0, "novel": ~scored, "out_of_scope": is_yes(number(one, "out_of_scope")) | ~scored,
        "wide": np.where(scored, high - low, 0.0) > np.where(scored, np.maximum(WIDE, pd), 1.0),
    }  # fmt: skip
    return Current(
        form="result", keys=_keys(one), opened=day(one, "as_of"), weight=np.ones(len(names)), pd=pd, pd_low=low,
        pd_high=high, logit=np.where(scored, logit(np.where(scored, pd, 0.5)), np.nan), grade=text(one, "grade"),
        inputs={}, layers=layers, recommendation=text(one, "recommendation"), kinds=_kinds(raw),
        groups=_groups(one),
        amount=np.nan_to_num(number(one, "max_loan")), digest=digest,
        synthetic=bool(is_yes(number(one, "synthetic_model")).any()),
    )  # fmt: skip


def _keys(raw: Columns) -> dict[str, npt.NDArray[np.object_]]:
    return {name: text(raw, name) for name in KEYS if name in raw}


def _kinds(raw: Columns) -> frozenset[str] | None:
    if "kind" not in raw:
        return None
    return frozenset(str(kind) for kind in set(text(raw, "kind").tolist()) if kind is not None)


def _groups(raw: Columns) -> dict[str, npt.NDArray[np.object_]]:
    return {name: text(raw, name) for name in GROUPS if name in raw}


def _refused(field: str, rule: str, en: str, zh: str) -> ContractError:
    return ContractError([Violation(field, rule, en, zh)])
