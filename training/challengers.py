"""What is fitted beside the model, judged on the same rows: scorecard, model without pairs, forest (gate G1e)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from eco_credit.core.canonical import sha256
from eco_credit.core.numbers import Floats
from eco_credit.risk.calibration import sigmoid
from training.benchmark_model import Scorecard
from training.calibrate import FEW_DEFAULTS, platt_line
from training.datasets import Tape
from training.fit_pd import boosting, fit_pd, grown
from training.metrics import calibration, ranking
from training.plan import ForestFit, PdFit, Plan
from training.split import Rows, Windows

TABLES = "tables"
ORDER = ("bound", "prior", "scorecard", "mains", TABLES, "forest")
"""Shapes from the simplest to the most complex."""
SWEPT_ROWS, SWEPT_POINTS = 100, 25


@dataclass(frozen=True)
class Rival:
    """A model beside the model.

    Attributes:
        score: raw logit of every row of the tape, shape (n,).
        about: what else there is to say of it, as plain data.
    """

    score: Floats
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rivals:
    """Everything fitted beside the model: the scorecard itself, and each rival by the name of its shape."""

    scorecard: Scorecard
    by_shape: Mapping[str, Rival]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Does the more complex of two shapes earn its complexity?

    Attributes:
        complex: name of the more complex shape.
        simple: name of the simpler one.
        gain: AUC of the complex minus AUC of the simple shape, with DeLong's paired 95 % interval.
        least: gain that counts.
        preferred: the shape to prefer: the simpler one unless the gain is real.
    """

    complex: str
    simple: str
    gain: ranking.Interval
    least: float
    preferred: str


def fit_rivals(tape: Tape, windows: Windows, plan: Plan, pd: PdFit, *, card: Scorecard) -> Rivals:
    """Fit the shapes the plan asks for on the rows the model is fitted on, and set them beside the scorecard.

    Args:
        tape: labelled rows.
        windows: the split; the out-of-time window is not touched.
        plan: the plan.
        pd: parameters of the model as it was fitted, tuned ones included.
        card: the scorecard.
    """
    wanted = plan.challengers
    found = {"scorecard": Rival(card.logit(tape.columns), {"binning": card.binning, "inputs": len(card.inputs)})}
    if "mains" in wanted.shapes:
        mains = fit_pd(tape, windows, pd.model_copy(update={"depth": 1}), seed=plan.seed)
        found["mains"] = Rival(mains.table.score(tape.columns), {"rounds": mains.rounds})
    if "forest" in wanted.shapes:
        found["forest"] = fit_forest(tape, windows, wanted.forest, seed=plan.seed)
    return Rivals(card, found)


def fit_forest(tape: Tape, windows: Windows, fit: ForestFit, *, seed: int) -> Rival:
    """A monotone forest of a few leaves more than tables can hold. It is judged, not packaged: packages hold tables."""
    chosen = forest_parameters(fit, [item.monotone for item in tape.inputs], seed)
    booster = grown(tape, windows, fit, chosen)
    about = {
        "rounds": booster.current_iteration(),
        "text_sha256": sha256(booster.model_to_string().encode()),
        "packaged": False,
        "sweep": sweep(booster, tape, windows.in_time),
    }
    return Rival(np.asarray(booster.predict(tape.matrix(np.arange(len(tape.target))), raw_score=True)), about)


def forest_parameters(fit: ForestFit, signs: list[int], seed: int) -> dict[str, Any]:
    """LightGBM parameters of the forest."""
    return boosting(fit, signs, seed) | {"max_depth": fit.depth, "num_leaves": fit.leaves}


def sweep(booster: Any, tape: Tape, rows: Rows) -> dict[str, int]:
    """Steps against a sign when one signed input at a time runs through its training range on some rows (gate G4).

    A forest has no tables to prove it on, so this is a sample, not a proof.
    """
    chosen = rows[np.linspace(0, len(rows) - 1, min(SWEPT_ROWS, len(rows))).astype(np.intp)]
    base = tape.matrix(chosen)
    steps = against = 0
    for place, item in enumerate(tape.inputs):
        values = tape.columns[item.name][rows]
        values = values[~np.isnan(values)]
        if item.monotone == 0 or not len(values):
            continue
        points = np.linspace(values.min(), values.max(), SWEPT_POINTS)
        moved = np.repeat(base, len(points), axis=0)
        moved[:, place] = np.tile(points, len(base))
        score = np.asarray(booster.predict(moved, raw_score=True)).reshape(len(base), len(points))
        step = item.monotone * np.diff(score, axis=1)
        steps, against = steps + step.size, against + int((step < -1e-9).sum())
    return {"steps": steps, "violations": against}


def simpler_unless_real(gain: ranking.Interval, least: float) -> bool:
    """True where the simpler shape is to be preferred: the gain is too small, or chance explains it (gate G1e).

    Args:
        gain: AUC of the complex minus AUC of the simple shape on the same rows, with its paired 95 % interval.
        least: gain that counts, in AUC.

    Example:
        >>> simpler_unless_real(ranking.Interval(0.02, -0.01, 0.05), 0.01)
        True
        >>> simpler_unless_real(ranking.Interval(0.02, 0.005, 0.035), 0.01)
        False
    """
    return gain.value < least or gain.low <= 0.0


def verdict(
    shapes: tuple[str, str], scores: tuple[Floats, Floats], y: Floats, weight: Floats, *, least: float
) -> Verdict:
    """Compare two shapes on the same rows.

    Args:
        shapes: names of the complex and of the simple shape.
        scores: their scores, shape (n,) each, higher is riskier.
        y: outcomes.
        weight: sample weights.
        least: gain that counts.
    """
    gain = ranking.auc_difference(y, *scores, weight)
    return Verdict(*shapes, gain, least, shapes[1] if simpler_unless_real(gain, least) else shapes[0])


def compare(
    tape: Tape, windows: Windows, score: Floats, rivals: Rivals, *, least: float, served: str = TABLES
) -> dict[str, Any]:
    """Out-of-time figures of every shape on the same rows, and a verdict on each step up in complexity.

    Args:
        tape: labelled rows.
        windows: the split; probabilities come from a line fitted on the calibration window, for each shape alike.
        score: raw score of the model.
        rivals: what was fitted beside it.
        least: gain in AUC that counts.
        served: shape of the model.

    Returns:
        ``rows``, ``served``, ``shapes`` (AUC, Brier, log-loss with intervals) and ``verdicts``, each of a shape
        against the next simpler one that was fitted, and of the model against the scorecard.
    """
    rows = windows.evaluate
    y, w = tape.target[rows], tape.weight[rows]
    all_scores = {served: score} | {name: rival.score for name, rival in rivals.by_shape.items()}
    shapes = [name for name in ORDER if name in all_scores]
    steps = [(b, a) for a, b in pairwise(shapes)]
    steps += [(TABLES, "scorecard")] if served == TABLES and (TABLES, "scorecard") not in steps else []
    verdicts = [verdict(s, (all_scores[s[0]][rows], all_scores[s[1]][rows]), y, w, least=least) for s in steps]
    return {
        "rows": len(rows),
        "served": served,
        "shapes": {
            name: figures(tape, windows, all_scores[name])
            | (dict(rivals.by_shape[name].about) if name in rivals.by_shape else {})
            for name in shapes
        },
        "verdicts": [asdict(item) for item in verdicts],
    }


def figures(tape: Tape, windows: Windows, score: Floats) -> dict[str, Any]:
    """Ranking of a raw score out of time, and the quality of its probabilities after a line of its own."""
    rows, window = windows.evaluate, windows.calibrate
    y, w = tape.target[rows], tape.weight[rows]
    held, weight = tape.target[window], tape.weight[window]
    defaults = float((weight * held).sum() / weight.sum()) * calibration.effective_count(weight)
    a, b = platt_line(score[window], held, weight, few=defaults < FEW_DEFAULTS)
    p = sigmoid(a + b * score[rows])
    return {
        "auc": ranking.auc(y, score[rows], w).as_dict(),
        "brier": calibration.brier(y, p, w).as_dict(),
        "log_loss": calibration.log_loss(y, p, w).as_dict(),
    }
