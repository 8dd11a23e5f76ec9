"""From a tape to arrays: read by contract, refuse what was not known at origination, then derive."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from eco_credit.contracts import Contract, check_columns, contract
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats, day, number, rows_of, take, text
from training.leakage import refuse_late_columns, refuse_leaks
from training.plan import Data, Plan
from training.row_hash import row_hashes, tape_digest, total_of
from training.whole import Whole

if TYPE_CHECKING:
    import pandas as pd

Days = npt.NDArray[np.datetime64]
Words = npt.NDArray[np.object_]
APPLIES = {"forest": "share_forest", "water": "share_water", "order": "share_order"}
"""Reason family to the share that must be above zero for its features to be expected."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input of the models as training needs it.

    Attributes:
        name: column name.
        unit: stored unit.
        monotone: sign on the PD.
        monotone_lvr: sign on the liquidation-value ratio.
        family: reason family.
        zh: label in Chinese.
        en: label in English.
        applies: share feature that must be above zero for this one to be expected, or None.
    """

    name: str
    unit: str
    monotone: int
    monotone_lvr: int
    family: str
    zh: str
    en: str
    applies: str | None = None


@dataclass(frozen=True)
class Tape:
    """Rows to train on, n of them, all labelled.

    Attributes:
        inputs: the inputs of the models, in order.
        columns: one float64 column per input, NaN for unknown.
        target: 1.0 for default, else 0.0.
        weight: sample weights, above 0.
        origination: day of origination.
        borrower: borrower of each row.
        outcome: columns known after default (``lvr``, ``lgd``, ``cured``, ``default_on``,
            ``months_to_resolution``) and the amounts ``exposure`` and ``collateral_value``, where there are any.
        truth: true PD and LGD of a simulator, where there are any.
        contract: the contract the tape was read by.
        digest: SHA-256 over names and values of all columns read.
        synthetic: True when any row is synthetic.
        unlabelled: rows left out because their outcome is unknown.
        places: ``kind`` of pledge and ``area_code``, where the tape has them.
        whole: what is known of all rows where these were read in parts; None for a tape read here as a whole.
    """

    inputs: tuple[Input, ...]
    columns: Columns
    target: Floats
    weight: Floats
    origination: Days
    borrower: Words
    outcome: Columns
    truth: Columns
    contract: Contract
    digest: str
    synthetic: bool
    unlabelled: int
    places: Columns = field(default_factory=dict)
    whole: Whole | None = None

    @property
    def labelled(self) -> int:
        """Labelled rows of the whole tape, of which these may be a sample."""
        return self.whole.labelled if self.whole else len(self.target)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the inputs, in order."""
        return tuple(item.name for item in self.inputs)

    def matrix(self, rows: npt.NDArray[np.intp]) -> Floats:
        """Inputs of some rows as a matrix, shape (rows, inputs)."""
        return np.column_stack([number(self.columns, name)[rows] for name in self.names])

    def part(self, rows: npt.NDArray[np.intp]) -> Columns:
        """Inputs of some rows as columns."""
        return take(self.columns, rows)


OUTCOMES = ("lvr", "lgd", "cured", "default_on", "months_to_resolution", "exposure", "collateral_value")
TRUTHS = ("true_pd", "true_lgd")
PLACES = ("kind", "area_code")
Reader = Callable[[Columns, Plan, Contract], tuple[tuple[Input, ...], Columns]]


def load_tape(plan: Plan, source: Path | Columns) -> Tape:
    """Read a tape for a plan.

    Args:
        plan: the training plan.
        source: Parquet or CSV file, or columns.

    Returns:
        The labelled rows.

    Raises:
        ContractError: a value breaks the contract, an input was not known at origination, or an
            input gives the outcome away.
    """
    made_for = contract(plan.data.contract)
    raw = source if isinstance(source, dict) else read_columns(source, made_for)
    check(made_for, raw)
    tape = tape_of(plan, made_for, raw, digest=digest_of(plan, made_for, raw))
    refuse_leaks(tape.columns, tape.target, tape.weight)
    return tape


def tape_of(plan: Plan, made_for: Contract, raw: Columns, *, digest: str) -> Tape:
    """The labelled rows among checked columns, by the reader of the plan.

    Args:
        plan: the training plan.
        made_for: contract of the columns.
        raw: the columns, shape (n,) each.
        digest: digest of the tape they belong to.

    Raises:
        ContractError: an input was not known at origination.
    """
    from training.readers import readers

    inputs, table = readers()[plan.data.reader](raw, plan, made_for)
    target = number(table, plan.data.target)
    known = np.flatnonzero(~np.isnan(target))
    names = [item.name for item in inputs]
    return Tape(
        inputs=inputs,
        columns={name: np.ascontiguousarray(number(table, name)[known]) for name in names},
        target=target[known],
        weight=number(table, plan.data.weight)[known],
        origination=day(table, plan.data.date)[known],
        borrower=text(table, plan.data.group)[known],
        outcome={name: table[name][known] for name in OUTCOMES if name in table},
        truth={name: number(table, name)[known] for name in TRUTHS if name in table},
        contract=made_for,
        digest=digest,
        synthetic=bool((number(table, "synthetic") == 1.0).any()),
        unlabelled=rows_of(table) - len(known),
        places={name: text(table, name)[known] for name in PLACES if name in table},
    )


def read_columns(path: Path, made_for: Contract) -> Columns:
    """Read a file into columns by a contract; columns the contract does not name are refused.

    Raises:
        ContractError: an unknown column, or a cell that cannot be read as its type.
        ValueError: neither Parquet nor CSV.
    """
    import pandas as pd

    if path.suffix not in (".parquet", ".csv"):
        raise ValueError(f"a tape is a .parquet or .csv file, not {path.suffix!r}")
    codes = {field.name: str for field in made_for.fields if field.type == "text"}
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype=codes)
    return columns_of(frame, made_for)


def columns_of(frame: pd.DataFrame, made_for: Contract) -> Columns:
    """The columns of a frame by a contract; errors as in `read_columns`."""
    kinds = {field.name: field.type for field in made_for.fields}
    unknown = sorted(set(map(str, frame.columns)) - set(kinds))
    if unknown:
        named = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        raise ContractError(
            [Violation("columns", "unknown_column", f"{made_for.name} does not name {named}", f"契约未定义：{named}")]
        )
    return {str(name): column(frame[name], kinds[str(name)]) for name in frame.columns}


def column(series: object, kind: str) -> npt.NDArray[np.generic]:
    """One column by the type its contract names: days, texts with None for a blank, or float64."""
    import pandas as pd

    values = pd.Series(series)
    if kind == "date":
        return pd.to_datetime(values).to_numpy("datetime64[D]")
    if kind == "text":
        # a blank cell is unknown
        return np.array([None if cell is None or cell != cell or cell == "" else cell for cell in values], dtype=object)
    return pd.to_numeric(values).to_numpy(np.float64, na_value=np.nan)


def check(made_for: Contract, columns: Columns, most: int = 20) -> None:
    """Check columns against their contract.

    Raises:
        ContractError: with one violation per broken rule, naming the first row.
    """
    broken = [
        (field, rule, int(mask.sum()), int(np.argmax(mask)) + 1)
        for mask, field, rule in check_columns(made_for, columns)
    ]
    refuse_broken(broken[:most])


def refuse_broken(broken: Sequence[tuple[str, str, int, int]]) -> None:
    """Refuse a tape that breaks rules.

    Args:
        broken: field, rule, rows that break it, number of the first of them (1 is the first row).

    Raises:
        ContractError: there is any.
    """
    if broken:
        raise ContractError(
            Violation(field, rule, f"{rows} rows break {rule}", f"{rows} 行不符合 {rule}", first)
            for field, rule, rows, first in broken
        )


def digest_of(plan: Plan, made_for: Contract, raw: Columns) -> str:
    """Digest of a tape: over its columns, or over its rows in any order where the plan may be trained in parts."""
    if plan.dask is None:
        return columns_digest(raw)
    return tape_digest(made_for.digest, rows_of(raw), total_of(row_hashes(raw)))


def columns_digest(columns: Columns) -> str:
    """SHA-256 over the names and values of columns, in name order."""
    total = hashlib.sha256()
    for name in sorted(columns):
        column = columns[name]
        plain = column.dtype != object
        data = np.ascontiguousarray(column).tobytes() if plain else "\x1f".join(map(str, column)).encode()
        total.update(name.encode() + b"\x1e" + data + b"\x1d")
    return total.hexdigest()


def tape_reader(raw: Columns, plan: Plan, made_for: Contract) -> tuple[tuple[Input, ...], Columns]:
    """Take the inputs straight from a tape: every origination column with a reason family, or those named.

    Raises:
        ContractError: the plan names a column that was not known at origination.
    """
    named = plan.data.features or tuple(f.name for f in made_for.fields if f.family and f.known_at == "origination")
    refuse_late_columns(made_for, named)
    fields = {field.name: field for field in made_for.fields}
    inputs = tuple(
        Input(name, fields[name].unit, fields[name].monotone, fields[name].monotone_lvr, str(fields[name].family),
              fields[name].label_zh, fields[name].label_en, APPLIES.get(str(fields[name].family)))
        for name in named
    )  # fmt: skip
    return inputs, raw


def simulated(data: Data, seed: int) -> Columns:
    """The tape a plan asks to be simulated.

    Raises:
        ContractError: the plan names neither a file nor a number of rows to simulate.
    """
    from training.simulate import simulate_tape

    if not data.simulate:
        raise ContractError([Violation("data.file", "required", "give the data with --data", "请用 --data 指定数据")])
    return simulate_tape(data.simulate, seed=seed)


def families(inputs: Sequence[Input]) -> dict[str, dict[str, str]]:
    """Words of the families the inputs belong to.

    Raises:
        KeyError: a family without words.
    """
    from importlib import resources

    import yaml

    words = yaml.safe_load((resources.files("training") / "families.yaml").read_text(encoding="utf-8"))
    return {item.family: dict(words[item.family]) for item in inputs}
