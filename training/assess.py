"""Evaluate a packaged model on a tape, by its own plan or another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store, open_model
from training.datasets import load_tape
from training.evaluate import evaluate
from training.gates import gates, missed
from training.plan import plan_of, read_plan
from training.train import finite


def assess(store: Store, model: str, data: Path, plan: Path | None = None) -> dict[str, Any]:
    """Statistics of a packaged model on all labelled rows of a tape.

    Args:
        store: the store.
        model: ``name@alias``, ``name/version`` or a package folder.
        data: tape by the contract the model was trained for.
        plan: a plan whose bars are to be met; None reads the tape by the model's own plan and sets no bars.

    Returns:
        ``model``, ``data``, ``statistics``, ``gates`` and ``missed`` bars.

    Raises:
        ModelNotServable: the package is not in order, or was made by other means than a plan.
        ContractError: the tape breaks its contract.
    """
    package = open_model(store, model)
    if "plan.json" not in package.files:
        raise ModelNotServable("the package holds no training plan", "模型包中没有训练计划")
    own = plan_of(json.loads(package.files["plan.json"]))
    used = read_plan(plan) if plan is not None else own
    tape = load_tape(own, data)
    population = json.loads(package.files.get("population.json", b"null"))
    found = finite(evaluate(package.bundle, tape, np.arange(len(tape.target)), reference=population))
    result: dict[str, Any] = finite({
        "model": {"name": package.name, "version": package.version, "digest": package.digest},
        "data": {"digest": tape.digest, "rows": len(tape.target), "unlabelled": tape.unlabelled},
        "statistics": found,
        "gates": {gate.gate: gate.light for gate in gates(found)},
        "missed": missed(used.bars, found) if plan is not None else [],
    })  # fmt: skip
    return result
