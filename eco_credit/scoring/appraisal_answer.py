"""The appraisal of one pledge as plain data: value, range, method, steps with numbers, assumptions, drivers."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats, rounded_number
from eco_credit.valuation.appraisal import LEADING, Appraisal, Part
from eco_credit.valuation.approach import Step
from eco_credit.valuation.case import Case
from eco_credit.valuation.parameter import Parameter, Span

STEP_DECIMALS = 6
"""Steps are shown with more digits than money, so that a person can follow them with a calculator."""
SHOWN_DIGITS = 12
"""Significant digits of a number filled into a working."""


def appraisal_answer(appraisal: Appraisal, row: int) -> dict[str, Any]:
    """Method, steps and the drivers that matter most of one pledge.

    Args:
        appraisal: the appraisal of a table.
        row: the pledge.

    Returns:
        ``approach`` with its names and reference, ``steps`` in order, ``drivers`` (each with the value at its two ends,
        the one that matters most first, two of them).
    """
    part, at = appraisal.place(row)
    approach = part.approach
    return {
        "approach": approach.code,
        "approach_zh": approach.zh,
        "approach_en": approach.en,
        "ref": approach.ref,
        "steps": [step_answer(step, part, at) for step in approach.steps if _shown(step, part, at)],
        "drivers": _drivers(part, at, LEADING),
    }


def appraisal_details(appraisal: Appraisal, row: int) -> dict[str, Any]:
    """What an appraisal report shows beyond the answer of one pledge.

    Returns:
        ``assumptions`` (each parameter with low, central and high, and whether it was stated or read from a rule), all
        ``drivers``, the ``cash_flows`` behind a value by income, and ``checks``: figures an assumption is held against.
    """
    part, at = appraisal.place(row)
    used = [p for p in part.approach.parameters if _used(p, part, at)]
    return {
        "assumptions": [_assumption(p, part.spans[p.name], at) for p in used],
        "drivers": _drivers(part, at, len(part.approach.drivers)),
        "cash_flows": _cash_flows(part, at),
        "checks": _checks(part, at, appraisal.case.part(np.array([row]))),
    }


def _shown(step: Step, part: Part, at: int) -> bool:
    """A step is shown where it has a number, and where the figure it depends on is there."""
    values = part.values_of(at)
    if step.when is not None and not _is_there(values[step.when]):
        return False
    return not math.isnan(values[step.figure])


def _is_there(value: float) -> bool:
    return not math.isnan(value) and value != 0.0


def _used(parameter: Parameter, part: Part, at: int) -> bool:
    """A parameter is shown where it is known, and where it moves the value or stands in a step that is shown."""
    if math.isnan(part.value_of(parameter.name, at)):
        return False
    if parameter.moves and part.swing[part.approach.drivers.index(parameter.moved_by), at] > 0.0:
        return True
    return any(parameter.name in step.reads for step in part.approach.steps if _shown(step, part, at))


def step_answer(step: Step, part: Part, at: int) -> dict[str, Any]:
    """One step: its value, its formula in symbols, and the formula with the numbers filled in."""
    values = part.values_of(at)
    return {
        "code": step.figure,
        "zh": step.zh,
        "en": step.en,
        "unit": step.unit,
        "value": rounded_number(values[step.figure], STEP_DECIMALS),
        "formula": step.formula,
        "working": step.working.format_map({name: plain(values[name]) for name in step.reads}),
    }


def plain(value: float) -> str:
    """A number as a calculator takes it: no exponent, no thousands mark, at most 12 significant digits.

    Example:
        >>> plain(np.float64(10_575_000.0)), plain(np.float64(0.0450)), plain(np.float64(-1 / 3))
        ('10575000', '0.045', '(-0.333333333333)')
    """
    text = format(value, f".{SHOWN_DIGITS}g")
    if "e" in text:
        text = format(Decimal(text), "f")
    return f"({text})" if value < 0.0 else text


def _at(column: Floats, row: int) -> float:
    return float(column[row if len(column) > 1 else 0])


def _assumption(parameter: Parameter, span: Span, at: int) -> dict[str, Any]:
    stated = span.stated is None or bool(span.stated[at if len(span.stated) > 1 else 0])
    return {
        "name": parameter.name,
        "zh": parameter.zh,
        "en": parameter.en,
        "unit": parameter.unit,
        "low": rounded_number(_at(span.low, at), STEP_DECIMALS),
        "central": rounded_number(_at(span.central, at), STEP_DECIMALS),
        "high": rounded_number(_at(span.high, at), STEP_DECIMALS),
        "stated": stated,
        "rule": None if stated else parameter.rule,
        "driver": parameter.moved_by if parameter.moves else None,
    }


def _checks(part: Part, at: int, case: Case) -> list[dict[str, Any]]:
    """Figures an assumption is held against, with the assumption beside them; a figure that is unknown is left out."""
    found = [(check, float(check.of(case)[0])) for check in part.approach.checks]
    return [
        {"code": check.code, "zh": check.zh, "en": check.en, "unit": check.unit,
         "value": rounded_number(value, STEP_DECIMALS),
         "stated": None if check.beside is None else rounded_number(part.value_of(check.beside, at), STEP_DECIMALS)}
        for check, value in found
        if not math.isnan(value)
    ]  # fmt: skip


def _cash_flows(part: Part, at: int) -> list[dict[str, Any]]:
    """Payments behind the value, in order of time."""
    if part.approach.cash is None:
        return []
    central = dict(part.values_of(at))
    if any(math.isnan(central[p.name]) for p in part.approach.parameters if p.rule is not None):
        return []
    flows = sorted(part.approach.cash(central), key=lambda flow: flow.year)
    return [
        {"year": round(f.year, 2), "years": round(f.years, 2), "amount": rounded_number(f.amount),
         "zh": f.zh, "en": f.en}
        for f in flows
        if not math.isnan(f.amount) and f.amount != 0.0
    ]


def _drivers(part: Part, at: int, most: int) -> list[dict[str, Any]]:
    """Drivers that move the value, the strongest first, at most so many, with the value at their low and high end."""
    names, namers = part.approach.drivers, part.approach.namers
    return [
        {
            "name": names[j],
            "zh": namers[names[j]].zh,
            "en": namers[names[j]].en,
            "value_at_low": rounded_number(float(part.alone[2 * j, at])),
            "value_at_high": rounded_number(float(part.alone[2 * j + 1, at])),
        }
        for j in part.order[:most, at].tolist()
        if part.swing[j, at] > 0.0
    ]
