"""Time to resolution when some workouts are not over: product-limit curves and weights for the unfinished.

Sources: Kaplan and Meier (1958), *Nonparametric estimation from incomplete observations*; Greenwood (1926) for the
variance; Robins and Rotnitzky (1992) for weighting by the inverse chance of being seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Columns, Floats, day, number
from training.datasets import APPLIES, Tape
from training.split import Rows

MOST_CENSORING_WEIGHT = 10.0
DAYS_PER_MONTH = 30.4375


class kaplan_meier:  # noqa: N801  reads as the function it is
    """Product-limit estimate ``S(t-) = prod_{s < t} (1 - d_s / n_s)`` of a time to an event.

    Example:
        >>> survival = kaplan_meier(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 1.0]))
        >>> [round(float(s), 3) for s in survival(np.array([1.0, 2.0, 3.0, 4.0]))]
        [1.0, 0.667, 0.667, 0.0]
    """

    def __init__(self, time: Floats, event: Floats) -> None:
        """Take times, shape (n,), and 1.0 where the event happened, 0.0 where watching stopped."""
        self.times, place = np.unique(time, return_inverse=True)
        self.events = np.bincount(place, weights=event, minlength=len(self.times))
        leaving = np.bincount(place, minlength=len(self.times))
        self.at_risk = len(time) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
        self.after = np.concatenate([[1.0], np.cumprod(1.0 - self.events / self.at_risk)])

    def __call__(self, time: Floats) -> Floats:
        """Survival just before each time."""
        result: Floats = self.after[np.searchsorted(self.times, time, side="left")]
        return result


@dataclass(frozen=True)
class Curve:
    """A product-limit curve at its event times, shape (k,) each.

    Attributes:
        time: distinct times at which the event happened, rising.
        at_risk: cases still watched just before.
        events: cases with the event at that time.
        survival: ``S(t) = prod_{s <= t} (1 - d_s / n_s)``.
        error: Greenwood's standard error ``S(t) sqrt(sum_{s <= t} d_s / (n_s (n_s - d_s)))``; NaN where S is 0.
        cases: number of cases.
    """

    time: Floats
    at_risk: Floats
    events: Floats
    survival: Floats
    error: Floats
    cases: int

    def interval(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Both ends of the interval of the survival on the log scale, ``S exp(-+ z error / S)``, within 0 and 1.

        Args:
            confidence: two-sided confidence, between 0 and 1.

        Returns:
            Low and high, shape (k,) each.
        """
        from scipy.stats import norm

        z = float(norm.ppf(0.5 + 0.5 * confidence))
        spread = np.exp(z * self.error / np.where(self.survival > 0.0, self.survival, np.nan))
        return self.survival / spread, np.minimum(self.survival * spread, 1.0)

    def time_at(self, share: float) -> float:
        """First time by which a share of the cases had the event; NaN where the curve does not fall that far."""
        reached = np.flatnonzero(self.survival <= 1.0 - share + 1e-12)
        return float(self.time[reached[0]]) if len(reached) else float("nan")


def product_limit(time: Floats, event: Floats) -> Curve:
    """Product-limit curve with Greenwood's standard error.

    Args:
        time: time to event or to the end of watching, shape (n,), n >= 1.
        event: 1.0 where the event happened, 0.0 where watching stopped.

    Returns:
        The curve at the event times.
    """
    whole = kaplan_meier(time, event)
    here = np.flatnonzero(whole.events > 0.0)
    n, d = whole.at_risk[here].astype(np.float64), whole.events[here].astype(np.float64)
    survival = whole.after[1:][here]
    left = n - d
    part = np.where(left > 0.0, d / (n * np.where(left > 0.0, left, 1.0)), np.nan)
    return Curve(whole.times[here].astype(np.float64), n, d, survival, survival * np.sqrt(np.cumsum(part)), len(time))


def watched(tape: Tape, rows: Rows) -> tuple[Rows, Floats, Floats]:
    """Defaults among some rows, how long each was watched, and whether its workout ended.

    The last day on which anything was seen is the end of watching for all.

    Returns:
        Rows in default with a known day, months watched, 1.0 where resolved; shape (m,) each.
    """
    bad = rows[(tape.target[rows] > 0.0) & ~np.isnat(day(tape.outcome, "default_on")[rows])]
    months, on = number(tape.outcome, "months_to_resolution")[bad], day(tape.outcome, "default_on")[bad]
    resolved = ~np.isnan(months)
    since = (last_seen(tape.outcome) - on).astype(np.float64) / DAYS_PER_MONTH
    return bad, np.where(resolved, months, since), resolved.astype(np.float64)


def last_seen(outcome: Columns) -> np.datetime64:
    """Last day a default or the end of a workout was seen; not a day where there is none."""
    on, months = day(outcome, "default_on"), number(outcome, "months_to_resolution")
    over = ~np.isnan(months) & ~np.isnat(on)
    ended = on[over] + np.round(months[over] * DAYS_PER_MONTH).astype("timedelta64[D]")
    seen = np.concatenate([on[~np.isnat(on)], ended])
    return seen.max() if len(seen) else np.datetime64("NaT", "D")


def resolution_curves(tape: Tape, rows: Rows | None = None) -> dict[str, Curve]:
    """Months to resolution of defaults: the curve of all, and of each kind that makes up more than half of the value.

    Args:
        tape: labelled rows.
        rows: which of them; None takes all.

    Returns:
        ``all`` and share feature to curve; a kind without defaults is left out.
    """
    bad, time, event = watched(tape, np.arange(len(tape.target)) if rows is None else rows)
    groups = {"all": np.ones(len(bad), dtype=bool)} | {
        share: number(tape.columns, share)[bad] > 0.5 for share in APPLIES.values() if share in tape.columns
    }
    return {name: product_limit(time[of], event[of]) for name, of in groups.items() if of.any()}


def censoring_weights(tape: Tape, rows: Rows | None = None) -> Floats:
    """Weights that stand in for the defaults whose workout is not over: ``1 / P(still watched at t)``.

    The chance is the Kaplan-Meier estimate of the time of censoring, with resolution as its censoring, among
    **the rows that are used together**: old vintages have been watched to the end, so their slow cases need no
    weight, and a chance taken over all vintages would count them twice. Capped at 10.

    Args:
        tape: labelled rows.
        rows: the rows used together; None takes all.

    Returns:
        Shape (n,) over all rows of the tape: 1 where nothing is known of time or outside ``rows``, NaN for an
        unresolved default among them.
    """
    weight = np.ones(len(tape.target))
    bad, time, resolved = watched(tape, np.arange(len(tape.target)) if rows is None else rows)
    if len(bad):
        chance = kaplan_meier(time, 1.0 - resolved)(time)
        known = np.minimum(1.0 / np.maximum(chance, 1e-9), MOST_CENSORING_WEIGHT)
        weight[bad] = np.where(resolved > 0.0, known, np.nan)
    return weight
