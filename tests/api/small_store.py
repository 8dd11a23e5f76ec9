"""A store with a small hand-made model, signed by two keys and promoted: no training, no MLflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from risk_samples import bundle_files, sample_rows

from eco_credit.contracts import contract
from eco_credit.core.canonical import canonical_json
from eco_credit.registry import PackageMeta, Store, golden_rows, load_package, sign, write_package
from eco_credit.registry.promote import Approval, install
from eco_credit.risk import ModelBundle


def files_of(synthetic: bool, base: float, gate: dict[str, Any] | None = None) -> dict[str, bytes]:
    """All files of the package; ``base`` moves every PD, so that two packages differ."""
    parts: dict[str, Any] = json.loads(json.dumps(bundle_files()))
    parts["pd.json"]["platt"]["intercept"] += base
    # The examples must lie inside the model's experience, so that they get a PD.
    parts["support.json"]["features"]["term_cover"]["high"] = 1000.0
    parts["support.json"]["joint"]["whiten"] = [[0.001, 0.0], [0.0, 0.001]]
    bundle = ModelBundle.parse(parts)
    worth, lent = np.full(5, 2e6), np.full(5, 1e6)
    rows = golden_rows(bundle, sample_rows(), collateral_value=worth, exposure=lent)
    return {name: canonical_json(part) for name, part in parts.items()} | {
        "golden.json": canonical_json(rows),
        "gate.json": canonical_json(gate or {"status": "green", "synthetic": synthetic}),
    }


def add_model(
    home: Path,
    version: int = 1,
    *,
    synthetic: bool = True,
    base: float = 0.0,
    alias: str = "champion",
    gate: dict[str, Any] | None = None,
) -> Store:
    """Write, sign and promote a package in a store; trained by one person, approved by another.

    Red gates in ``gate`` are waived, as for a challenger that lends nothing.
    """
    store = Store(home)
    folder = write_model(home, version, synthetic=synthetic, base=base, gate=gate)
    package = load_package(folder, store.trusted(), require_approval=False, version=str(version))
    install(store, package, Approval("A. Approver", "test", "test" if gate else ""), alias=alias)
    return store


def register(home: Path, folder: Path) -> None:
    """Register a written package in the store's MLflow, under the next version; nothing is promoted."""
    from eco_credit.registry.mlflow import log_package

    log_package(Store(home), folder, metrics={}, params={})


def write_model(
    home: Path, version: int, *, synthetic: bool = True, base: float = 0.0, gate: dict[str, Any] | None = None
) -> Path:
    """Write a package into a store's workshop, signed by its trainer; its folder."""
    store, tape = Store(home), contract("loan_tape")
    trainer = store.enrol("T. Trainer", "trainer")
    store.enrol("A. Approver", "approver")
    meta = PackageMeta(
        name="eco-credit",
        contract={"name": tape.name, "version": tape.version, "digest": tape.digest},
        rules={"day": "2026-11-23", "digest": "0" * 64},
        data={"digest": "0" * 64, "rows": 400},
        seed=version,
        code_version="0",
        libraries={},
        synthetic=synthetic,
    )
    folder = home / "written" / str(version)
    write_package(folder, files_of(synthetic, base, gate), meta)
    sign(folder, "trainer", trainer)
    return folder
