"""What a validation report needs of one evaluation: statistics, gates, curves, and the loans by year."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.core.numbers import Bools, Columns, Floats, number
from eco_credit.registry import Package, Store, open_model
from eco_credit.risk import RiskEstimate
from training import curves
from training.assess import assess
from training.datasets import Tape, load_tape
from training.evaluate import estimate, loss_weight
from training.plan import plan_of
from training.train import finite


@dataclass(frozen=True)
class Validation:
    """One evaluation for a report.

    Attributes:
        package: the verified package.
        answer: what `training.assess.assess` answers.
        evaluation: the same with ``gates`` as a list of mappings, ``curves`` and ``years``; no row is in it.
    """

    package: Package
    answer: dict[str, Any]
    evaluation: dict[str, Any]


def validation(store: Store, model: str, data: Path | Columns, plan: Path | None = None) -> Validation:
    """Evaluate a package on a tape for a report.

    Args:
        store: the store.
        model: ``name@alias``, ``name/version`` or a package folder.
        data: tape by the contract the model was trained for: a file, or columns.
        plan: a plan whose bars are to be met; None sets no bars.

    Returns:
        The package, the evaluation, and what the report reads of it.

    Raises:
        ModelNotServable: the package is not in order.
        ContractError: the tape breaks its contract.
    """
    found = assess(store, model, data, plan)
    package = open_model(store, model)
    tape = load_tape(plan_of(_json(package, "plan.json")), data)
    risk = estimate(package.bundle, tape, np.arange(len(tape.target)))
    drawn = {"gates": found["gate_table"], "curves": curves_of(tape, risk), "years": years_of(tape, risk)}
    return Validation(package, found, found | finite(drawn))


def curves_of(tape: Tape, risk: RiskEstimate) -> dict[str, Any]:
    """Points of every curve of the scored rows; refused rows have no PD and are left out.

    Returns:
        ``roc``, ``ks``, ``reliability``, ``grades`` and ``cox``; ``loss`` and ``floor`` where at least five losses are
        known. Without defaults, or with nothing else, there is no curve.
    """
    scored = ~risk.refused
    y, p, w = tape.target[scored], risk.pd[scored], tape.weight[scored]
    if not (0.0 < y.sum() < len(y)):
        return {}
    found: dict[str, Any] = {
        "roc": curves.roc(y, p, w), "ks": curves.ks(y, p, w), "reliability": curves.reliability(y, p, w),
        "grades": curves.grade_ends(risk.grade[scored], y, w), "cox": curves.cox_line(y, p, w),
    }  # fmt: skip
    return found | _losses(tape, risk)


def _losses(tape: Tape, risk: RiskEstimate) -> dict[str, Any]:
    """Bins of LGD and of the value floor over the defaults whose loss is known."""
    missing = np.full(len(tape.target), np.nan)
    lgd = number(tape.outcome, "lgd") if "lgd" in tape.outcome else missing
    values = number(tape.outcome, "lvr") if "lvr" in tape.outcome else 1.0 - lgd
    weight = loss_weight(tape, np.arange(len(tape.target)))
    found: dict[str, Any] = {}
    if (at := _known(lgd, tape, risk)).sum() >= curves.LEAST:
        found["loss"] = curves.loss_bins(lgd[at], risk.lgd[at], weight[at])
    if (at := _known(values, tape, risk)).sum() >= curves.LEAST:
        held = risk.value_floor[at] <= values[at]
        found["floor"] = curves.floor_bins(held, risk.value_floor[at], weight[at])
    return found


def _known(values: Floats, tape: Tape, risk: RiskEstimate) -> Bools:
    return ~np.isnan(values) & ~risk.refused & (tape.target > 0.0)


def years_of(tape: Tape, risk: RiskEstimate) -> list[dict[str, Any]]:
    """Loans by year of origination: rows, defaults, default rate and mean PD of the scored rows.

    A year with fewer than five rows names its rows only.
    """
    year = tape.origination.astype("datetime64[Y]").astype(int) + 1970
    found = []
    for one in np.unique(year).tolist():
        at = (year == one) & ~risk.refused
        line: dict[str, Any] = {"year": one, "rows": int((year == one).sum())}
        if at.sum() >= curves.LEAST:
            y, w = tape.target[at], tape.weight[at]
            rate, mean = (float(np.average(part, weights=w)) for part in (y, risk.pd[at]))
            line |= {"defaults": int(y.sum()), "default_rate": rate, "mean_pd": mean}
        found.append(line)
    return found


def _json(package: Package, name: str) -> Any:
    return json.loads(package.files[name])
