"""Search for the parameters of the PD model by Optuna, on walk-forward folds inside the in-time window.

The value of a trial is ``min over trees of (mean_k L_k + spread SD_k L_k)``, L_k the weighted log-loss of fold k: a set
of parameters that is good on average but unsteady over time loses. The out-of-time window is never touched.

Trials are stored in SQLite, so a stopped search goes on where it stopped. Trial k is drawn by a sampler seeded with
``seed + k`` from the finished trials before it: stopped or not, the same plan, data and seed give the same parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.core.canonical import digest
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Floats
from training.datasets import Tape
from training.extra import library
from training.fit_pd import dataset, parameters
from training.plan import PdFit, Plan, Tuning
from training.search_lock import only_search
from training.split import Rows
from training.walk_forward import WORKERS, forward_folds

Say = Callable[[str], None]
Folds = list[tuple[Rows, Rows]]
STARTUP = 10
"""Trials drawn at random before the sampler learns."""
LOGARITHMIC = ("learning_rate", "l2", "min_rows")
SEARCHED = ("depth", "learning_rate", "min_rows", "l2", "feature_fraction", "max_bin")


@dataclass(frozen=True)
class Tuned:
    """The outcome of a search.

    Attributes:
        fit: the plan's parameters of the PD model with the found ones in their place.
        record: what the package keeps of it, as plain data; ``trials`` counts what was tried.
    """

    fit: PdFit
    record: Mapping[str, Any]


def tune(tape: Tape, in_time: Rows, plan: Plan, *, folder: Path, say: Say = lambda _: None) -> Tuned:
    """Try ``plan.tune.trials`` parameter sets, or go on with a search that was stopped.

    Args:
        tape: labelled rows.
        in_time: rows that may be looked at.
        plan: the plan; its ``pd`` is the first set tried.
        folder: where the trials are stored, one SQLite file per plan, data and seed.
        say: told each trial.

    Returns:
        The best parameters.

    Raises:
        ContractError: the extra ``train`` is not installed, or no fold has five defaults on both sides.
        SearchRunning: the same search runs already.
    """
    optuna = library("optuna")
    folds = forward_folds(tape, in_time, plan.tune.folds)
    if not folds:
        en, zh = "no fold has five defaults on both sides", "没有任何一折前后各有五笔违约"
        raise ContractError([Violation("tune.folds", "too_few_defaults", en, zh)])
    name = identity(tape, plan, optuna.__version__)
    folder.mkdir(parents=True, exist_ok=True)
    with only_search(folder / f"{name}.lock"):
        return _searched(optuna, _study(optuna, folder, name), plan, work=(tape, folds), say=say)


def _searched(optuna: Any, study: Any, plan: Plan, *, work: tuple[Tape, Folds], say: Say) -> Tuned:
    """Try what is left to try."""
    done = _finished(optuna, study)
    if done and len(done) < plan.tune.trials:
        say(f"tune: going on after {len(done)} of {plan.tune.trials} trials")
    while len(done) < plan.tune.trials:
        best = f", best so far {min(t.value for t in done):.5f}" if done else ""
        say(f"tune {len(done) + 1}/{plan.tune.trials}{best}")
        _one(optuna, study, len(done), plan, work=work)
        done = _finished(optuna, study)
    return _outcome(done[: plan.tune.trials], plan, work[1])


def identity(tape: Tape, plan: Plan, version: str) -> str:
    """Name of a search: digest of all that decides the value of a trial. More trials go on with the same search."""
    tuning = plan.tune.model_dump(mode="json", exclude={"trials"})
    fixed = {"pd": plan.pd.model_dump(mode="json"), "tune": tuning, "split": plan.split.model_dump(mode="json")}
    inputs = [[item.name, item.monotone] for item in tape.inputs]
    return digest(fixed | {"data": tape.digest, "inputs": inputs, "seed": plan.seed, "optuna": version})


def _study(optuna: Any, folder: Path, name: str) -> Any:
    """Open the stored search, or begin it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(f"sqlite:///{(folder / f'{name}.db').as_posix()}")
    return optuna.create_study(study_name=name, storage=storage, load_if_exists=True, direction="minimize")


def _finished(optuna: Any, study: Any) -> list[Any]:
    """Finished trials in order."""
    return list(study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)))


def _one(optuna: Any, study: Any, k: int, plan: Plan, *, work: tuple[Tape, Folds]) -> None:
    """Draw, measure and store trial k; one that was cut off before is set aside."""
    states = optuna.trial.TrialState
    for trial in study.get_trials(deepcopy=False, states=(states.RUNNING,)):
        study.tell(trial.number, state=states.FAIL)
    if k == 0 and not study.get_trials(deepcopy=False, states=(states.WAITING,)) and _within(plan):
        study.enqueue_trial({name: getattr(plan.pd, name) for name in SEARCHED})
    study.sampler = optuna.samplers.TPESampler(seed=(plan.seed + k) % 2**32, n_startup_trials=STARTUP)
    trial = study.ask()
    fit = plan.pd.model_copy(update=draw(trial, plan.tune))
    losses = fold_losses(*work, fit, seed=plan.seed)
    values = objective(losses, plan.tune.spread)
    trees = int(np.argmin(values))
    trial.set_user_attr("trees", trees + 1)
    trial.set_user_attr("folds", losses[:, trees].tolist())
    study.tell(trial, float(values[trees]))


def _within(plan: Plan) -> bool:
    """True where the spans hold the plan's own parameters."""
    lists = all(getattr(plan.pd, name) in getattr(plan.tune, name) for name in ("depth", "max_bin"))
    spans = [(getattr(plan.tune, name), getattr(plan.pd, name)) for name in (*LOGARITHMIC, "feature_fraction")]
    return lists and all(low <= value <= high for (low, high), value in spans)


def draw(trial: Any, spans: Tuning) -> dict[str, Any]:
    """One set of parameters from a trial of Optuna."""
    return {
        "depth": trial.suggest_categorical("depth", list(spans.depth)),
        "learning_rate": trial.suggest_float("learning_rate", *spans.learning_rate, log=True),
        "min_rows": trial.suggest_int("min_rows", *spans.min_rows, log=True),
        "l2": trial.suggest_float("l2", *spans.l2, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", *spans.feature_fraction),
        "max_bin": trial.suggest_categorical("max_bin", list(spans.max_bin)),
    }


def objective(losses: Floats, spread: float) -> Floats:
    """``mean_k L_kt + spread SD_k L_kt`` for each number of trees t.

    Args:
        losses: log-loss of each fold after each tree, shape (folds, trees).
        spread: weight of the standard deviation (of the folds themselves, divisor k).

    Returns:
        shape (trees,).

    Example:
        >>> objective(np.array([[0.3, 0.2], [0.5, 0.2]]), 0.5).round(3).tolist()
        [0.45, 0.2]
    """
    result: Floats = losses.mean(axis=0) + spread * losses.std(axis=0)
    return result


def fold_losses(tape: Tape, folds: Folds, fit: PdFit, *, seed: int) -> Floats:
    """Weighted log-loss of each fold after each tree, shape (folds, trees); threads do not change it."""
    from joblib import Parallel, delayed

    chosen = parameters(fit, [item.monotone for item in tape.inputs], seed) | {"metric": "binary_logloss"}
    run = Parallel(n_jobs=WORKERS, prefer="threads")
    found = run(delayed(_curve)(tape, fold, chosen, fit.rounds) for fold in folds)
    # a fold in which no more split is allowed stops early: from there on its loss stays
    longest = max(len(curve) for curve in found)
    return np.array([np.pad(curve, (0, longest - len(curve)), mode="edge") for curve in found])


def _curve(tape: Tape, fold: tuple[Rows, Rows], chosen: Mapping[str, Any], rounds: int) -> Floats:
    import lightgbm as lgb

    past, period = fold
    kept: dict[str, Any] = {}
    grow, watch = dataset(tape, past), dataset(tape, period)
    callbacks = [lgb.record_evaluation(kept)]
    lgb.train(dict(chosen), grow, rounds, valid_sets=[watch], valid_names=["ahead"], callbacks=callbacks)
    return np.asarray(kept["ahead"]["binary_logloss"], np.float64)


def _outcome(done: list[Any], plan: Plan, folds: Folds) -> Tuned:
    """The best of the finished trials; the earliest where two are equal."""
    best = min(done, key=lambda trial: trial.value)
    tried = [
        {"value": t.value, "trees": t.user_attrs["trees"], "folds": t.user_attrs["folds"], "parameters": dict(t.params)}
        for t in done
    ]
    record = {
        "trials": len(done),
        "folds": [{"past": len(past), "period": len(period)} for past, period in folds],
        "objective": "mean log-loss over walk-forward folds plus spread times their standard deviation",
        "spread": plan.tune.spread,
        "best": tried[done.index(best)],
        "first": tried[0]["value"],
        "tried": tried,
    }
    return Tuned(plan.pd.model_copy(update=dict(best.params)), record)
