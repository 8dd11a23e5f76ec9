"""The calculator of the tests: works out a step's working as a person would key it in."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from eco_credit.scoring.appraisal_answer import appraisal_answer
from eco_credit.valuation import PledgeValues

_BINARY: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_CALLS: dict[str, Callable[..., float]] = {"min": min, "max": max}


def worked_out(working: str) -> float:
    """Value of a line such as ``100 × (0.25 + 0.45) ^ 2``."""
    text = working.replace("×", "*").replace("÷", "/").replace("^", "**").replace("−", "-")
    return _value(ast.parse(text.strip(), mode="eval").body)


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_value(node.left), _value(node.right))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _CALLS[node.func.id](*(_value(argument) for argument in node.args))
    raise ValueError(ast.dump(node))


def steps_of(values: PledgeValues, row: int = 0) -> list[dict[str, Any]]:
    """The steps of one pledge as they are answered."""
    steps: list[dict[str, Any]] = appraisal_answer(values.appraisal, row)["steps"]
    return steps


def shown_and_worked(values: PledgeValues, row: int = 0) -> dict[str, tuple[float, float]]:
    """Figure of each answered step that has a working: the figure shown, and what its working comes to."""
    return {s["code"]: (s["value"], worked_out(s["working"])) for s in steps_of(values, row) if s["working"]}
