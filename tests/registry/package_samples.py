"""A small signed package for the tests of the registry."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from risk_samples import bundle_files, sample_rows

from eco_credit.core.canonical import canonical_json
from eco_credit.registry import PackageMeta, Store, golden_rows, sign, write_package
from eco_credit.registry.package import running_contract
from eco_credit.risk import ModelBundle

TRAINER = "li-trainer"
APPROVER = "王批准"


def meta(**changes: object) -> PackageMeta:
    base = PackageMeta(
        name="eco-credit",
        contract={"name": "loan_tape", "version": "1.0.0", "digest": running_contract("loan_tape")},
        rules={"day": "2026-11-23", "digest": "r" * 64},
        data={"digest": "d" * 64, "rows": 400},
        seed=7,
        code_version="0.1.0",
        libraries={"numpy": "2"},
        synthetic=True,
    )
    return replace(base, **changes)


def package_files(slope: float = 1.1, status: str = "green") -> dict[str, bytes]:
    parts = bundle_files()
    parts["pd.json"]["platt"]["slope"] = slope
    value = np.full(5, 100.0)
    golden = golden_rows(ModelBundle.parse(parts), sample_rows(), collateral_value=value, exposure=value)
    whole = parts | {"golden.json": golden, "gate.json": {"status": status}}
    return {name: canonical_json(part) for name, part in whole.items()} | {"card.md": b"# card\n"}


def make_package(folder: Path, store: Store, slope: float = 1.1, status: str = "green") -> Path:
    write_package(folder, package_files(slope, status), meta())
    sign(folder, "trainer", store.signer(TRAINER, "trainer"))
    return folder
