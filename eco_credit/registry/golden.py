"""Golden rows: inputs with the figures they must give, to the bit, wherever the package is loaded.

Sums of tables use only additions and must agree to the last bit on every machine (``float.hex``).
Figures that go through exp or log are compared as they are answered, to 1e-8: processors differ in
the last bit of those functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eco_credit.core.errors import ModelNotServable
from eco_credit.core.numbers import PROBABILITY_DECIMALS, Columns, Floats, rounded
from eco_credit.risk import ModelBundle, RiskEstimate
from eco_credit.risk.checks import mapping, member, sequence

EXACT = ("logit", "value_ratio", "value_floor")
ANSWERED = ("pd", "pd_low", "pd_high", "lgd", "lgd_low", "lgd_high", "expected_loss_rate", "score")
WHERE = "golden.json"


def golden_rows(
    bundle: ModelBundle, features: Columns, *, collateral_value: Floats | None = None, exposure: Floats | None = None
) -> dict[str, Any]:
    """The content of ``golden.json``: a few rows and what the bundle makes of them.

    Args:
        bundle: the package's own bundle, parsed from the bytes that are written.
        features: inputs, shape (n,) each; made-up rows, never a customer's. Include unknown values.
        collateral_value: yuan, shape (n,), as in `ModelBundle.estimate`.
        exposure: yuan, shape (n,), likewise.

    Returns:
        Plain data; floats as hexadecimal text.
    """
    inputs = {name: features[name] for name in bundle.features.names}
    given: Columns = {}
    if collateral_value is not None and exposure is not None:
        given = {"collateral_value": collateral_value, "exposure": exposure}
    return {
        "features": {name: _written(column) for name, column in inputs.items()},
        "given": {name: _written(column) for name, column in given.items()},
        "expected": _figures(bundle.estimate(features, **_floats(given))),
    }


def check_golden(bundle: ModelBundle, value: Any) -> None:
    """Run the golden rows and compare every figure.

    Raises:
        ModelNotServable: no rows, or a figure that is not the expected one.
    """
    data = mapping(value, WHERE)
    expected = mapping(member(data, "expected", WHERE), WHERE)
    inputs, given = (
        {name: _read(item) for name, item in mapping(member(data, part, WHERE), WHERE).items()}
        for part in ("features", "given")
    )
    try:
        figures = _figures(bundle.estimate(inputs, **_floats(given)))
    except (KeyError, ValueError, TypeError) as error:
        raise ModelNotServable("the golden rows cannot be scored", "校验样例无法评分") from error
    if not figures["grade"] or figures != expected:
        raise ModelNotServable("the golden rows do not give the expected figures", "校验样例结果与预期不符")


def _floats(given: Columns) -> dict[str, Any]:
    if not set(given) <= {"collateral_value", "exposure"}:
        raise ModelNotServable("the golden rows are not well formed", "校验样例格式无效")
    return dict(given)


def _figures(estimate: RiskEstimate) -> dict[str, Any]:
    exact = {name: _hex(getattr(estimate, name)) for name in EXACT}
    answered = {name: _hex(rounded(getattr(estimate, name), PROBABILITY_DECIMALS)) for name in ANSWERED}
    return exact | answered | {"grade": list(estimate.grade), "refer": [bool(flag) for flag in estimate.refer]}


def _hex(values: Floats) -> list[str]:
    return [float(value).hex() for value in values]


def _written(column: Any) -> dict[str, Any]:
    if column.dtype == object:
        return {"text": [None if item is None else str(item) for item in column]}
    return {"hex": _hex(column.astype(np.float64))}


def _read(value: Any) -> Any:
    data = mapping(value, WHERE)
    if "text" in data:
        return np.array([*sequence(data["text"], WHERE), None], dtype=object)[:-1]
    try:
        return np.array([float.fromhex(item) for item in sequence(member(data, "hex", WHERE), WHERE)], np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ModelNotServable("the golden rows are not well formed", "校验样例格式无效") from error
