"""The loans to look at, whatever they were read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.contracts import Contract, columns_of_frame
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Columns, Floats
from training.datasets import Days, Words, check

KEYS = ("decision_id", "loan_id", "application_id")
"""Columns that name a prediction, the most exact first."""


@dataclass(frozen=True)
class Current:
    """Predictions on n loans or applications.

    Attributes:
        form: ``tape``, ``result`` or ``log``.
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
        left_out: records of a decision log that were not looked at, by why.
        decided: what a person decided by the log itself; None where nobody did.
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
    left_out: Mapping[str, int] = field(default_factory=dict)
    decided: Words | None = None

    @property
    def kind(self) -> Words | None:
        """Kind that makes up most of the value of each row; None where the file does not say."""
        return self.groups.get("kind")

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
    raise refused("file", "format", "use a .parquet or .csv file", "请使用 .parquet 或 .csv 文件")


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


def refused(field: str, rule: str, en: str, zh: str) -> ContractError:
    """One broken rule of a file."""
    return ContractError([Violation(field, rule, en, zh)])
