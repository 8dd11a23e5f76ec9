"""Evaluate a packaged model on a tape, by its own plan or another."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.core.errors import ModelNotServable
from eco_credit.core.numbers import Columns, Floats
from eco_credit.registry import Package, Store, open_model, served
from eco_credit.registry.pointer import Pointer
from eco_credit.registry.store import ALIASES, pointed
from eco_credit.rulebook import load
from training.datasets import Tape, load_tape
from training.evaluate import estimate, evaluate
from training.evidence import Beside, people
from training.gates import AMBER, RED, gates, missed
from training.plan import plan_of, read_plan
from training.train import finite

ONLY_TRAINING = ("in_period", "unsigned")
"""Statistics that no evaluation can give: they are those of the record of the training (gates G2f and G4b)."""


def assess(
    store: Store, model: str, data: Path | Columns, plan: Path | None = None, *, beside: Beside | None = None
) -> dict[str, Any]:
    """Statistics of a packaged model on all labelled rows of a tape.

    Args:
        store: the store.
        model: ``name@alias``, ``name/version`` or a package folder.
        data: tape by the contract the model was trained for: a file, or columns.
        plan: a plan whose bars are to be met; None reads the tape by the model's own plan and sets no bars.
        beside: what else the caller has; first validation, champion and people are filled in from the store where
            they are left open.

    Returns:
        ``model``, ``data``, ``statistics``, ``gates`` (id to colour), ``gate_table`` (every gate in full) and
        ``missed`` bars. The statistics of the training are taken as the first validation, the promotion record of
        the package, where there is one, as the record of people.

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
    rows = np.arange(len(tape.target))
    filled = _filled(beside or Beside(), store, package, tape)
    found = finite(evaluate(package.bundle, tape, rows, reference=population, beside=filled))
    # what only the training could measure stands beside what is measured now
    record = package.gate.get("statistics") or {}
    found |= {name: record.get(name) or {} for name in ONLY_TRAINING}
    judged = gates(found, load().at(str(package.manifest["rules"]["day"])))
    result: dict[str, Any] = finite({
        "model": {"name": package.name, "version": package.version, "digest": package.digest},
        "data": {"digest": tape.digest, "rows": len(tape.target), "unlabelled": tape.unlabelled},
        "statistics": found,
        "gates": {gate.id: gate.colour for gate in judged},
        "gate_table": [gate.as_dict() for gate in judged],
        "missed": missed(used.bars, found) if plan is not None else [],
    })  # fmt: skip
    return result


def _filled(beside: Beside, store: Store, package: Package, tape: Tape) -> Beside:
    """What the store knows, where the caller left it open."""
    return replace(
        beside,
        initial=package.gate.get("statistics") if beside.initial is None else beside.initial,
        champion=_champion(store, package, tape) if beside.champion is None else beside.champion,
        people=_people(store, package) if beside.people is None else beside.people,
    )


def _champion(store: Store, package: Package, tape: Tape) -> Floats | None:
    """PD of the model in service under the same name on the same rows; None where there is none to compare with."""
    try:
        other = served(store, package.name)
        if other.digest == package.digest:
            return None
        return estimate(other.bundle, tape, np.arange(len(tape.target))).pd
    except ModelNotServable:
        return None


def _people(store: Store, package: Package) -> dict[str, Any] | None:
    """Who proposed and who approved, from the signed pointer to this very package; None where there is none."""
    pointer = pointer_to(store, package)
    if pointer is None:
        return None
    open_gates = [gate["gate"] for gate in package.gate.get("gates", []) if gate["light"] in (AMBER, RED)]
    return people(package.trainer, pointer.approver, reason=pointer.reason, at=pointer.at, accepted=open_gates)


def pointer_to(store: Store, package: Package) -> Pointer | None:
    """The signed pointer of any alias to this very package; None where nobody promoted it."""
    for alias in ALIASES:
        try:
            pointer = pointed(store, package.name, alias)
        except ModelNotServable:
            continue
        if pointer.digest == package.digest:
            return pointer
    return None
