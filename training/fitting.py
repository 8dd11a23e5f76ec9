"""Everything that is fitted in one training."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.rulebook import RuleSet
from training.benchmark_model import fit_scorecard
from training.calibrate import Calibrated, calibrate
from training.challengers import Rivals, fit_rivals
from training.datasets import Tape
from training.fit_lgd import fit_lgd
from training.fit_pd import fit_pd
from training.package import Models, bundle_files, encode_files
from training.plan import PdFit, Plan
from training.split import Windows
from training.tune import Tuned, tune

Say = Callable[[str], None]


@dataclass(frozen=True)
class Work:
    """Everything fitted in one training.

    Attributes:
        plan: the plan.
        tape: labelled rows.
        windows: the split.
        models: the fitted parts.
        score: raw score of every row, shape (n,).
        rivals: what was fitted beside the model.
        tuned: outcome of the search for parameters; None where the plan asks for none.
    """

    plan: Plan
    tape: Tape
    windows: Windows
    models: Models
    score: Floats
    rivals: Rivals
    tuned: Tuned | None = None

    @property
    def pd(self) -> PdFit:
        """Parameters the PD model was fitted with."""
        return self.tuned.fit if self.tuned else self.plan.pd


def fit(
    plan: Plan,
    tape: Tape,
    windows: Windows,
    rules: RuleSet,
    *,
    say: Say = lambda _: None,
    tuning: Path | None = None,
) -> Work:
    """Tune where the plan asks for it, then fit PD, challengers, calibration and LGD.

    Args:
        plan: the plan.
        tape: labelled rows.
        windows: the split.
        rules: rules of the day, for the LGD model.
        say: told each step.
        tuning: folder of stored searches; None keeps none, and then a stopped one begins anew.
    """
    tuned = _tuned(plan, tape, windows, say, tuning) if plan.tune.trials else None
    pd = tuned.fit if tuned else plan.pd
    say("fit PD, calibrate, fit LGD")
    models = fit_models(plan, tape, windows, pd=pd, rules=rules)
    say("fit challengers")
    rivals = fit_rivals(tape, windows, plan, pd, card=models.card)
    return Work(plan, tape, windows, models, models.pd.table.score(tape.columns), rivals, tuned)


def fit_models(plan: Plan, tape: Tape, windows: Windows, *, pd: PdFit, rules: RuleSet) -> Models:
    """Fit what is served: PD, LGD, the scorecard beside them; arguments as in `fit`, ``pd`` those of the PD model."""
    fitted = fit_pd(tape, windows, pd, seed=plan.seed)
    card = fit_scorecard(tape, windows.in_time, binning=plan.challengers.binning)
    lgd = fit_lgd(tape, windows, plan.lgd, seed=plan.seed, rules=rules)
    own, beside = (_calibrated(table.score(tape.columns), tape, windows) for table in (fitted.table, card.table()))
    return Models(fitted, own, lgd, card, beside)


def _calibrated(score: Floats, tape: Tape, windows: Windows) -> Calibrated:
    window, past = windows.calibrate, np.concatenate([windows.in_time, windows.calibrate])
    y, w = tape.target, tape.weight
    return calibrate(score[window], y[window], w[window], history=(score[past], y[past], w[past]))


def rebuilt_alike(work: Work, rules: RuleSet) -> bool:
    """Whether fitting once more gives every file of the bundle byte for byte (gate G10); takes as long as the fit."""
    again = fit_models(work.plan, work.tape, work.windows, pd=work.pd, rules=rules)
    first, second = (
        encode_files(bundle_files(work.plan, work.tape, made, in_time=work.windows.in_time, rules=rules), made)
        for made in (work.models, again)
    )
    return first == second


def _tuned(plan: Plan, tape: Tape, windows: Windows, say: Say, folder: Path | None) -> Tuned:
    if folder is not None:
        return tune(tape, windows.in_time, plan, folder=folder, say=say)
    with tempfile.TemporaryDirectory() as temporary:
        return tune(tape, windows.in_time, plan, folder=Path(temporary), say=say)
