"""Tensors of the Open Inference Protocol (version 2, JSON) to columns of features, and estimates back to tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import PROBABILITY_DECIMALS, Columns, Floats, rounded
from serving.routes.shapes import Strict

if TYPE_CHECKING:
    from eco_credit.registry import Package
    from eco_credit.risk import RiskEstimate

MOST_ROWS = 1000
GIVEN = ("collateral_value", "exposure")
"""Columns beside the features, CNY: appraised central value of the eligible pledges, and exposure at default."""
RATIOS = ("pd", "pd_low", "pd_high", "lgd", "lgd_low", "lgd_high", "expected_loss_rate")
_NUMBERS = ("FP64", "FP32", "INT64", "INT32")
_Cell = float | int | str | None


class Tensor(Strict):
    """One column: as many values as rows; null is unknown."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    shape: Annotated[list[int], Field(min_length=1, max_length=2, description="[rows] or [rows, 1]")]
    datatype: Literal["FP64", "FP32", "INT64", "INT32", "BYTES"]
    data: Annotated[list[_Cell], Field(max_length=MOST_ROWS)]
    parameters: dict[str, Any] = Field(default_factory=dict, max_length=20)


class Wanted(Strict):
    """One output that is asked for."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    parameters: dict[str, Any] = Field(default_factory=dict, max_length=20)


class InferRequest(Strict):
    """Rows of features to be estimated; nothing is decided or recorded."""

    id: Annotated[str | None, Field(max_length=128)] = None
    parameters: dict[str, Any] = Field(default_factory=dict, max_length=20)
    inputs: Annotated[list[Tensor], Field(min_length=1, max_length=400)]
    outputs: Annotated[list[Wanted] | None, Field(max_length=40)] = None


def inputs_of(package: Package) -> dict[str, str]:
    """Name to datatype of every column the package reads, in order."""
    features = {f.name: "FP64" if f.levels is None else "BYTES" for f in package.bundle.features.features}
    return features | dict.fromkeys(GIVEN, "FP64")


def outputs_of() -> dict[str, str]:
    """Name to datatype of every column an inference gives, in order."""
    return dict.fromkeys((*RATIOS, "score"), "FP64") | {"grade": "BYTES", "refer": "BOOL", "refused": "BOOL"}


def read_columns(inputs: Sequence[Mapping[str, Any]], wanted: Mapping[str, str]) -> Columns:
    """Check tensors against the columns of a package.

    Args:
        inputs: checked `Tensor` shapes as plain data.
        wanted: name to datatype, as `inputs_of` gives it.

    Returns:
        Columns of equal length: float64 with NaN for unknown, or text with None.

    Raises:
        ContractError: a column is missing, unknown, doubled, of another datatype or of another length.
    """
    rows = len(inputs[0]["data"])
    broken = [
        fault for place, tensor in enumerate(inputs) for fault in _faults(f"inputs[{place}]", tensor, wanted, rows)
    ]
    names = [tensor["name"] for tensor in inputs]
    broken += [_fault(f"inputs.{name}", "missing") for name in wanted if name not in names]
    broken += [_fault("inputs", "distinct")] if len(set(names)) != len(names) else []
    if broken:
        raise ContractError(broken)
    return {tensor["name"]: _column(tensor["data"], wanted[tensor["name"]]) for tensor in inputs}


def _faults(where: str, tensor: Mapping[str, Any], wanted: Mapping[str, str], rows: int) -> Iterator[Violation]:
    kind, data = wanted.get(tensor["name"]), tensor["data"]
    if kind is None:
        yield _fault(f"{where}.name", "extra")
        return
    if tensor["datatype"] not in (_NUMBERS if kind == "FP64" else ("BYTES",)):
        yield _fault(f"{where}.datatype", "datatype")
    allowed = (int, float) if kind == "FP64" else (str,)
    if not all(cell is None or isinstance(cell, allowed) for cell in data):
        yield _fault(f"{where}.data", "type")
    if not data or len(data) != rows or tensor["shape"] not in ([rows], [rows, 1]):
        yield _fault(f"{where}.shape", "shape")


_SENTENCES = {
    "missing": ("the model reads this column; see the metadata of the model", "缺少模型所需的列，见模型元数据"),
    "extra": ("the model reads no such column; see the metadata of the model", "模型没有该列，见模型元数据"),
    "distinct": ("give each column once", "每列只能给出一次"),
    "datatype": ("use the datatype of the metadata of the model", "数据类型与模型元数据不符"),
    "type": ("give values of the datatype, or null", "取值与数据类型不符"),
    "shape": ("give [rows] or [rows, 1], the same rows in every column, at least one", "各列行数须一致且至少一行"),
}


def _fault(where: str, rule: str) -> Violation:
    return Violation(where, rule, *_SENTENCES[rule])


def _column(data: Sequence[_Cell], kind: str) -> Any:
    if kind == "BYTES":
        return np.array([*data, None], dtype=object)[:-1]
    return np.array([np.nan if cell is None else cell for cell in data], dtype=np.float64)


def estimate(package: Package, columns: Columns) -> dict[str, list[Any]]:
    """Estimate rows: the same figures, rounded alike, as the answer of ``POST /v1/scores`` for these features.

    Returns:
        Name to values as `outputs_of` lists them; a refused row has null for every figure of the model.
    """
    given: dict[str, Any] = {name: columns[name] for name in GIVEN}
    found: RiskEstimate = package.bundle.estimate({k: v for k, v in columns.items() if k not in GIVEN}, **given)
    columns_out: dict[str, list[Any]] = {
        name: _plain(rounded(getattr(found, name), PROBABILITY_DECIMALS)) for name in RATIOS
    }
    columns_out["score"] = _plain(found.score)
    columns_out["grade"] = [None if grade is None else str(grade) for grade in found.grade]
    return columns_out | {name: [bool(flag) for flag in getattr(found, name)] for name in ("refer", "refused")}


def _plain(values: Floats) -> list[float | None]:
    return [None if value != value else float(value) for value in values]
