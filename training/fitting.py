"""Everything that is fitted in one training."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.risk.calibration import Platt
from eco_credit.rulebook import RuleSet
from training.benchmark_model import Scorecard, fit_scorecard
from training.calibrate import Calibrated, calibrate
from training.challengers import TABLES, Rival, Rivals, fit_rivals
from training.datasets import Tape
from training.expert import Anchor, anchored, expert_order
from training.fit_lgd import LEAST_ROWS, LgdModel, fit_lgd, resolved, supervisory_lgd
from training.fit_pd import Fitted, Grow, fit_pd, plain
from training.moc import pd_margins
from training.package import Models, bundle_files, encode_files
from training.plan import PdFit, Plan
from training.refit import Again, few_inputs, refitter
from training.split import Rows, Windows
from training.tiers import BOUND, PRIOR, SCORECARD, choose
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
        grow: who grew the trees of the model; None for this process.
    """

    plan: Plan
    tape: Tape
    windows: Windows
    models: Models
    score: Floats
    rivals: Rivals
    tuned: Tuned | None = None
    grow: Grow | None = None

    @property
    def pd(self) -> PdFit:
        """Parameters the PD model was fitted with."""
        return self.tuned.fit if self.tuned else self.plan.pd

    @property
    def again(self) -> Again:
        """Fits the shape that is served on other rows of the tape, with as many trees."""
        grown = (self.pd, self.models.pd.rounds, self.plan.seed)
        return refitter(self.tape, self.models.choice.shape, grown=grown, binning=self.plan.challengers.binning)


def fit(
    plan: Plan,
    tape: Tape,
    windows: Windows,
    rules: RuleSet,
    *,
    say: Say = lambda _: None,
    tuning: Path | None = None,
    grow: Grow | None = None,
) -> Work:
    """Tune where the plan asks for it, then fit PD, challengers, calibration and LGD.

    Args:
        plan: the plan.
        tape: labelled rows.
        windows: the split.
        rules: rules of the day, for the LGD model.
        say: told each step.
        tuning: folder of stored searches; None keeps none, and then a stopped one begins anew.
        grow: who grows the trees of the model; None for this process.
    """
    tuned = _tuned(plan, tape, windows, say, tuning) if plan.tune.trials else None
    pd = tuned.fit if tuned else plan.pd
    say("fit PD, calibrate, fit LGD")
    models = fit_models(plan, tape, windows, pd=pd, rules=rules, grow=grow)
    say("fit challengers")
    rivals = beside_shape(models, fit_rivals(tape, windows, plan, pd, card=models.card), tape)
    return Work(plan, tape, windows, models, models.pd.table.score(tape.columns), rivals, tuned, grow)


def fit_models(
    plan: Plan, tape: Tape, windows: Windows, *, pd: PdFit, rules: RuleSet, grow: Grow | None = None
) -> Models:
    """Fit what is served: PD in the shape its defaults allow, LGD, what is asked beside them.

    Arguments as in `fit`, ``pd`` the parameters of the boosted model.

    Raises:
        ContractError: the plan asks for a richer shape than the defaults allow without saying why, or too few
            resolved defaults are there for an LGD model of a portfolio with defaults enough.
    """
    choice = choose(plan.champion, tape, windows, rules)
    card = fit_scorecard(tape, windows.in_time, binning=plan.challengers.binning)
    boosted = choice.shape in (TABLES, SCORECARD)
    grown = fit_pd(tape, windows, pd, seed=plan.seed, grow=grow) if boosted else None
    own = grown if choice.shape == TABLES else None
    fitted = own or _simple(choice.shape, card, tape, windows, rules)
    other = {TABLES: card.table(), SCORECARD: None if grown is None else grown.table}.get(choice.shape)
    level, anchor = _level(choice.shape, fitted, tape, windows, rules)
    beside = None if other is None else _calibrated(other.score(tape.columns), tape, windows)
    lgd = _lgd(plan, tape, windows, choice.shape, rules)
    pd_rows = Platt(**level.platt(plan.pd)).probability(fitted.table.score(tape.columns))
    on = (_level_rows(choice.shape, tape, windows), None if anchor is None else anchor.level)
    margins = pd_margins(pd_rows, tape, windows, level=on, stated=plan.deficiencies, rules=rules)
    return Models(fitted, level, lgd, card, other, beside, choice, margins, anchor)


def beside_shape(models: Models, rivals: Rivals, tape: Tape) -> Rivals:
    """The rivals of the shape that is served: a served scorecard is no rival, the tables in its shadow are one."""
    if models.choice.shape != SCORECARD or models.other is None:
        return rivals
    others = {name: rival for name, rival in rivals.by_shape.items() if name != SCORECARD}
    return Rivals(rivals.scorecard, {TABLES: Rival(models.other.score(tape.columns), {"shadow": True})} | others)


def _simple(shape: str, card: Scorecard, tape: Tape, windows: Windows, rules: RuleSet) -> Fitted:
    """A scorecard, a small logistic model or an expert's order, as tables with their proof."""
    rows = windows.in_time
    if shape == SCORECARD:
        return plain(card.table(), tape, rows)
    if shape == PRIOR:
        return plain(few_inputs(tape, rows, most=int(rules.number("risk.low_default.prior_inputs"))), tape, rows)
    return plain(expert_order(tape, rows), tape, rows)


def _level(
    shape: str, fitted: Fitted, tape: Tape, windows: Windows, rules: RuleSet
) -> tuple[Calibrated, Anchor | None]:
    """Calibration on the window; with few defaults on all of the past, an expert's order by its grades' bounds."""
    score = fitted.table.score(tape.columns)
    own = _calibrated(score, tape, windows)
    if shape != BOUND:
        return replace(own, intercept=own.long_run_intercept) if shape == PRIOR else own, None
    past = np.concatenate([windows.in_time, windows.calibrate])
    anchor = anchored(score[past], tape.target[past], tape.weight[past], rules)
    return replace(own, intercept=anchor.intercept, slope=anchor.slope), anchor


def _level_rows(shape: str, tape: Tape, windows: Windows) -> Rows:
    """Rows the level rests on: the calibration window, or all of the past where defaults are few or it has none."""
    if shape in (PRIOR, BOUND) or not tape.target[windows.calibrate].any():
        return np.concatenate([windows.in_time, windows.calibrate])
    return windows.calibrate


def _lgd(plan: Plan, tape: Tape, windows: Windows, shape: str, rules: RuleSet) -> LgdModel:
    """The LGD model; with few defaults and hardly one resolved, the supervisory value in its place."""
    if tape.whole is not None and tape.whole.losses is not None:
        # all defaults, where the tape is a sample of all loans
        tape, windows = tape.whole.losses
    if shape in (PRIOR, BOUND) and resolved(tape, windows.in_time, plan.lgd) < LEAST_ROWS:
        return supervisory_lgd(plan.lgd, rules)
    return fit_lgd(tape, windows, plan.lgd, seed=plan.seed, rules=rules)


def _calibrated(score: Floats, tape: Tape, windows: Windows) -> Calibrated:
    window, past = windows.calibrate, np.concatenate([windows.in_time, windows.calibrate])
    y, w = tape.target, tape.weight
    return calibrate(score[window], y[window], w[window], history=(score[past], y[past], w[past]))


def rebuilt_alike(work: Work, rules: RuleSet) -> bool:
    """Whether fitting once more gives every file of the bundle byte for byte (gate G10); takes as long as the fit."""
    again = fit_models(work.plan, work.tape, work.windows, pd=work.pd, rules=rules, grow=work.grow)
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
