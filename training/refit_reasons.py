"""Do the reasons of a model survive refitting it on resampled rows (gate G8)? Slow: one fit per resample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.risk import ModelBundle
from training.datasets import Tape
from training.metrics.ranking import Interval
from training.metrics.reasons import bootstrap_stability, by_family
from training.purify import purify
from training.refit import Again
from training.split import Rows

APPLICANTS = 200
"""Applicants whose reasons are compared."""


@dataclass(frozen=True, slots=True)
class Refits:
    """How the model is refitted.

    Attributes:
        refits: number of refits.
        seed: seed of the resamples.
    """

    refits: int = 20
    seed: int = 1


def refit_reasons(
    bundle: ModelBundle,
    tape: Tape,
    rows: tuple[Rows, Rows],
    *,
    again: Again,
    resampled: Refits,
) -> Interval:
    """Mean overlap of the top three reason families between a model and its bootstrap refits.

    Every refit is a PD model of the same shape, parameters and number of trees on rows drawn with repeats, purified
    over its own draw, and explained against the reference profiles and with the calibration slope of the bundle.

    Args:
        bundle: the model in question.
        tape: labelled rows.
        rows: the rows it was fitted on, and the applicants to explain (about `APPLICANTS`, evenly picked, are used).
        again: fits the shape that is served on other rows; see `training.refit.refitter`.
        resampled: how many refits.

    Returns:
        The overlap, 0..1, with a 95 % interval over refits: what ``Beside.refits`` takes.
    """
    fitted, asked = rows
    some = asked[:: max(1, len(asked) // APPLICANTS)][:APPLICANTS]
    inputs, profiles = tape.part(some), bundle.reference.columns()
    peers = bundle.reference.of(bundle.features.encode(inputs)[0])
    family = {f.name: f.family for f in bundle.features.features}
    every = sorted(set(family.values()))

    def told(names: tuple[str, ...], shares: Floats, base: Floats) -> Floats:
        slope = bundle.pd.platt.slope
        parts = {name: slope * row for name, row in zip(names, shares - base.take(peers, axis=1), strict=True)}
        found, total = by_family(parts, family)
        result = np.zeros((len(every), len(some)))
        result[[every.index(name) for name in found]] = total
        return result

    def refit(drawn: Rows) -> Floats:
        picked = fitted[drawn]
        table = purify(again(picked), tape.part(picked), tape.weight[picked])
        return told(table.names, table.parts(inputs)[1], table.parts(profiles)[1])

    table = bundle.pd.table
    base = told(table.names, table.parts(inputs)[1], table.parts(profiles)[1])
    return bootstrap_stability(base, refit, rows=len(fitted), refits=resampled.refits, seed=resampled.seed)
