"""Reading decoded JSON with suspicion: every defect is named and the package is not served."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eco_credit.core.errors import ModelNotServable
from eco_credit.core.numbers import Floats

MAX_CELLS = 4_000_000
"""Most numbers one array of a package may hold; a larger one is a mistake or an attack."""


def defect(where: str, en: str, zh: str) -> ModelNotServable:
    """Make the error that names the place of a defect and says what is wrong there."""
    return ModelNotServable(f"model file, {where}: {en}", f"模型文件 {where}：{zh}")


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Take an object with text keys, or raise `ModelNotServable`."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise defect(where, "an object was expected", "应为对象")
    return value


def sequence(value: Any, where: str) -> Sequence[Any]:
    """Take a list, or raise `ModelNotServable`."""
    if not isinstance(value, list | tuple):
        raise defect(where, "a list was expected", "应为列表")
    if len(value) > MAX_CELLS:
        raise defect(where, "the list is too long", "列表过长")
    return value


def member(value: Mapping[str, Any], key: str, where: str) -> Any:
    """Take a member that must be there, or raise `ModelNotServable`."""
    if key not in value:
        raise defect(f"{where}.{key}", "is missing", "缺失")
    return value[key]


def word(value: Any, where: str) -> str:
    """Take a text of 1 to 200 characters, or raise `ModelNotServable`."""
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise defect(where, "a short text was expected", "应为短文本")
    return value


def real(value: Any, where: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Take a finite number within ``[low, high]`` (a boolean is not a number), or raise `ModelNotServable`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        raise defect(where, "a finite number was expected", "应为有限数值")
    if not low <= value <= high:
        raise defect(where, f"lies outside [{low:g}, {high:g}]", f"超出区间 [{low:g}, {high:g}]")
    return float(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def reals(value: Any, where: str, length: int | None = None) -> Floats:
    """Take a list of finite numbers as float64, of the given length where one is given, or raise `ModelNotServable`."""
    items = sequence(value, where)
    if length is not None and len(items) != length:
        raise defect(
            where, f"{length} numbers expected, {len(items)} found", f"应有 {length} 个数，实有 {len(items)} 个"
        )
    return np.array([real(item, where) for item in items], dtype=np.float64)


def rising(values: Floats, where: str, *, strict: bool = True) -> Floats:
    """Take numbers in rising order (strictly so by default), or raise `ModelNotServable`."""
    steps = np.diff(values)
    if not bool((steps > 0.0).all() if strict else (steps >= 0.0).all()):
        raise defect(where, "the numbers are not in rising order", "数值未按升序排列")
    return values
