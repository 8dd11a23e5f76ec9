"""One retraining from plan to registered challenger."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import GateNotMet
from eco_credit.core.numbers import Columns
from eco_credit.core.provenance import code_version
from eco_credit.registry import PackageMeta, Store, sign, write_package
from eco_credit.risk import ModelBundle
from eco_credit.rulebook import RuleSet, load
from training.beside_training import beside_training, folds_of, of_training
from training.card import card
from training.challengers import TABLES, compare
from training.datasets import Tape, load_tape, simulated
from training.evaluate import evaluate, reference_of
from training.fit_pd import Grow
from training.fitting import Work, fit
from training.gates import RED, gate_record, look_up
from training.metrics import ranking
from training.package import bundle_files, encode_files
from training.plan import Plan
from training.population import population
from training.split import Rows, Windows, split
from training.unsigned import cost_of_signs
from training.walk_forward import walk_forward

LIBRARIES = ("lightgbm", "numpy", "scikit-learn", "scipy")
TUNING = ("trials", "objective", "spread", "best", "first")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Trained:
    """A package on disk.

    Attributes:
        folder: package folder.
        digest: digest of the package.
        gate: content of ``gate.json``.
        counts: rows per window.
        version: version in the registry; None when it was not registered.
    """

    folder: Path
    digest: str
    gate: Mapping[str, Any]
    counts: Mapping[str, int]
    version: int | None = None


@dataclass(frozen=True)
class Setting:
    """Where a training happens and who does it.

    Attributes:
        store: the store.
        trainer: who signs as trainer; enrolled when new.
        register: log to MLflow as challenger.
        rules_day: day of the rules for master scale and support.
        say: told each step; for progress.
        read: who reads, splits and grows the trees: `training.spread.on_dask`; None for `here`.
    """

    store: Store
    trainer: str = "trainer"
    register: bool = True
    rules_day: str = "2026-11-23"
    say: Say = field(default=lambda _: None)
    read: Reading | None = None


@dataclass(frozen=True)
class Ready:
    """Data to train on.

    Attributes:
        plan: the plan, with everything decided that it left open.
        tape: labelled rows.
        windows: the split.
        grow: who grows the trees of the model; None for this process.
    """

    plan: Plan
    tape: Tape
    windows: Windows
    grow: Grow | None = None


Reading = Callable[[Plan, Path | Columns | None, Say], AbstractContextManager[Ready]]
"""Reads a tape by a plan; what it holds on to is let go of when the context ends."""


@contextmanager
def here(plan: Plan, source: Path | Columns | None, say: Say) -> Iterator[Ready]:
    """Read a tape into this process."""
    tape = load_tape(plan, _source(plan, source))
    yield Ready(plan, tape, split(tape.origination, tape.borrower, plan.split))


def train(plan: Plan, source: Path | Columns | None, setting: Setting) -> Trained:
    """Train by a plan: data, split, fit, calibrate, evaluate, gate, package, sign, register.

    Args:
        plan: the plan.
        source: file, folder or columns; None takes the plan's file or simulates.
        setting: store and people, and who reads.

    Returns:
        The package. The same plan, data and seed give the same digest.

    Raises:
        ContractError: the data breaks its contract, or an input gives the outcome away.
        GateNotMet: a bar of the plan is not met; the package is written, not signed and not registered.
    """
    rules = load().at(setting.rules_day)
    setting.say("data")
    with (setting.read or here)(plan, source, setting.say) as ready:
        plan, tape, windows = ready.plan, ready.tape, ready.windows
        tuning = setting.store.home / "tuning"
        work = fit(plan, tape, windows, rules, say=setting.say, tuning=tuning, grow=ready.grow)
        setting.say("evaluate")
        files = bundle_files(plan, tape, work.models, in_time=windows.in_time, rules=rules)
        gate = finite(gate_record(plan.bars, statistics(work, files, rules), rules))
    setting.say("package")
    folder, digest = _write(work, files, gate, rules=rules, home=setting.store.home)
    if gate["status"] == RED:
        named = ", ".join(str(bar["statistic"]) for bar in gate["missed"])
        raise GateNotMet(f"bars not met: {named}; package written to {folder}", f"未达到计划门槛：{named}")
    sign(folder, "trainer", setting.store.enrol(setting.trainer, "trainer"))
    setting.say("register")
    version = _register(setting.store, folder, gate, plan) if setting.register else None
    return Trained(folder, digest, gate, windows.counts(), version)


def statistics(work: Work, files: Mapping[str, Any], rules: RuleSet) -> dict[str, Any]:
    """Out-of-time statistics of the bundle, with stability, overfit and the comparison with every challenger.

    Args:
        work: everything fitted.
        files: content of the bundle's files.
        rules: ``risk.challenger.least_gain``, the gain in AUC that makes a more complex shape worth it, and what
            `of_training` reads.
    """
    tape, rows = work.tape, work.windows.evaluate
    bundle = ModelBundle.parse(files)
    reference = reference_of(bundle, tape, work.windows.in_time)
    beside = beside_training(work, bundle, rules)
    found = evaluate(bundle, tape, rows, reference=reference, beside=beside)
    in_time = _auc(work, work.windows.in_time)
    least, shape = rules.number("risk.challenger.least_gain"), work.models.choice.shape
    compared = compare(tape, work.windows, work.score, work.rivals, least=least, served=shape)
    walked = walk_forward(tape, work.windows.in_time, work.again, origins=work.plan.walk_forward)
    folds = folds_of(work, found["pd"]["auc"])
    proofs = {name: proof.as_dict() for name, proof in work.models.lgd.proofs.items()}
    read = {} if tape.whole is None else {"spread": tape.whole.as_dict()}
    return found | of_training(work, rules) | folds | read | {
        "unsigned": cost_of_signs(work) if work.plan.evidence.unsigned else {},
        "in_time_auc": in_time,
        "calibration_auc": _auc(work, work.windows.calibrate),
        "overfit": in_time - found["pd"]["auc"]["value"],
        "benchmark": _benchmark(compared),
        "challengers": compared,
        "tuning": {name: work.tuned.record[name] for name in TUNING} if work.tuned else {"trials": 0},
        "collapse_error": work.models.pd.collapse_error,
        "rounds": work.models.pd.rounds,
        "lgd_rows": dict(work.models.lgd.rows),
        "lgd_proofs": proofs,
        "walk_forward": walked,
    }


def _benchmark(compared: Mapping[str, Any]) -> dict[str, Any]:
    """The scorecard beside tables and what they gain over it; a simpler model has nothing simpler to beat (G1e)."""
    gains = {(v["complex"], v["simple"]): v["gain"] for v in compared["verdicts"]}
    found = {"auc": compared["shapes"]["scorecard"]["auc"]} if "scorecard" in compared["shapes"] else {}
    gain = gains.get((TABLES, "scorecard")) if compared["served"] == TABLES else None
    return found if gain is None else found | {"difference": gain}


def _auc(work: Work, rows: Rows) -> float:
    return ranking.auc(work.tape.target[rows], work.score[rows], work.tape.weight[rows]).value


def finite(value: Any) -> Any:
    """The same nested data with numbers that are not finite, and numpy scalars, made plain JSON."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, np.generic):
        return finite(value.item())
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _source(plan: Plan, source: Path | Columns | None) -> Path | Columns:
    if source is not None:
        return source
    return Path(plan.data.file) if plan.data.file else simulated(plan.data, plan.seed)


def _write(
    work: Work, files: Mapping[str, Any], gate: Mapping[str, Any], *, rules: RuleSet, home: Path
) -> tuple[Path, str]:
    """Write the package under its own digest; one that is there already is left as it is."""
    bundle, tape = ModelBundle.parse(files), work.tape
    encoded = encode_files(files, work.models) | {
        "gate.json": canonical_json(gate),
        "plan.json": canonical_json(work.plan.content()),
        "population.json": canonical_json(finite(population(bundle, tape, work.windows.in_time, rules))),
        "scorecard.json": canonical_json(finite(work.rivals.scorecard.as_json())),
        "card.md": card(work.plan, tape, work.windows, gate).encode(),
    }
    if work.tuned:
        encoded["tuning.json"] = canonical_json(finite(work.tuned.record))
    root = home / "packages" / work.plan.name
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".training-") as temporary:
        fresh = Path(temporary) / "package"
        digest = write_package(fresh, encoded, _meta(work, rules))
        folder = root / digest
        if not folder.exists():
            fresh.replace(folder)
    return folder, digest


def _meta(work: Work, rules: RuleSet) -> PackageMeta:
    tape, starts = work.tape, work.models.lgd.starts
    made_for = {"name": tape.contract.name, "version": tape.contract.version, "digest": tape.contract.digest}
    return PackageMeta(
        name=work.plan.name,
        contract=made_for,
        rules={"day": rules.day.isoformat(), "digest": rules.digest},
        data={"digest": tape.digest, "rows": tape.labelled, "windows": work.windows.counts()}
        | ({} if tape.whole is None else {"spread": tape.whole.as_dict()}),
        seed=work.plan.seed,
        code_version=code_version(),
        libraries={name: metadata.version(name) for name in (*LIBRARIES, *_extras(work))},
        synthetic=tape.synthetic,
        plan={"digest": work.plan.digest, "lvr_starts": dict(starts)},
    )


def _extras(work: Work) -> list[str]:
    """Libraries of the extras that had a part in the package."""
    binned = work.rivals.scorecard.binning == "optbinning"
    spread = ["dask", "distributed"] if work.tape.whole else []
    return ["optbinning"] * binned + ["optuna"] * (work.tuned is not None) + spread


def _register(store: Store, folder: Path, gate: Mapping[str, Any], plan: Plan) -> int:
    """Log to MLflow as challenger; only here is mlflow imported."""
    from eco_credit.registry.mlflow import log_package

    figures = {"auc": "pd.auc.value", "auc_low": "pd.auc.low", "brier": "pd.brier.value", "ks": "pd.ks",
               "benchmark_difference": "benchmark.difference.value", "lgd_mae": "lgd.mae.value"}  # fmt: skip
    found = {name: look_up(gate["statistics"], path) for name, path in figures.items()}
    params = {"plan": plan.digest, "seed": plan.seed, "rounds": gate["statistics"]["rounds"]}
    return log_package(store, folder, metrics={n: v for n, v in found.items() if v is not None}, params=params)
