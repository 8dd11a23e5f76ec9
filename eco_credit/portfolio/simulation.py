"""Loss distribution of a portfolio by simulation over its shared shocks, with importance sampling.

Draws are seeded and made in the order of application numbers, so neither the order of the rows nor the machine
changes them. Three quarters of the years are drawn with the factors moved towards bad years along the direction in
which the portfolio is most sensitive; each year carries its likelihood ratio
``w = 1 / (α + (1 − α) · exp(m·d·Z − m²/2))`` (Glasserman and Li 2005, with a plain share α so that w ≤ 1/α).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Floats
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.factors import FACTORS, FactorModel, factor_codes, price_lgd
from eco_credit.portfolio.tails import Tail, tail_of

SCENARIOS, SEED = 10_000, 20_261_125
_PLAIN = 0.25
_CELLS = 1_000_000
_MOST_CELLS = 24_000_000
SINGLE = 2_000
"""Loans drawn one by one; smaller ones are pooled with their like and lose their conditional mean."""
_NARROW = 0.1
"""Width of the bins of threshold and LGD within which small loans are pooled; a pool keeps its own means."""


@dataclass(frozen=True)
class LossDistribution:
    """Simulated yearly losses of a portfolio.

    Attributes:
        losses: loss of each year drawn, yuan, shape (k,).
        weights: likelihood ratio of each year, scaled to a mean of one, shape (k,).
        mean: expected loss, yuan; larger than Σ PD·LGD·EAD where prices move default and LGD together.
        mean_error: its standard error.
        tails: level to value at risk and expected shortfall.
        contribution: part of each loan in the expected shortfall of the highest level, yuan, shape (n,), in the order
            of the book; they add up to it.
        pooled: loans that were pooled.
    """

    losses: Floats
    weights: Floats
    mean: float
    mean_error: float
    tails: dict[float, Tail]
    contribution: Floats
    pooled: int


@dataclass(frozen=True)
class _Rows:
    """What is drawn: single loans first, then pools of small ones; arrays of shape (r,)."""

    threshold: Floats
    lgd: Floats
    exposure: Floats
    place: npt.NDArray[np.intp]
    pooled: Bools
    row_of_loan: npt.NDArray[np.intp]


def simulate_losses(
    book: Exposures,
    model: FactorModel,
    *,
    levels: tuple[float, ...],
    scenarios: int = SCENARIOS,
    seed: int = SEED,
    single: int = SINGLE,
    shift: float | None = None,
    contributions: bool = True,
) -> LossDistribution:
    """Draw yearly losses of a portfolio.

    Args:
        book: the loans, at least one.
        model: what the loans share.
        levels: confidence levels of the tails, ascending.
        scenarios: years to draw; fewer are drawn where loans times years would exceed what fits.
        seed: of the draws.
        single: loans drawn one by one, the largest.
        shift: level as far as which the factors are moved; the highest level where None. A lower one favours the mean.
        contributions: work out what each loan adds, which takes as long again; else they are zero.

    Returns:
        The distribution; the same for any order of the loans.

    Raises:
        ValueError: there are no loans.
    """
    if not len(book.exposure):
        raise ValueError("a portfolio without loans has no losses to draw")
    rows = _rows(book, single)
    draw = _Draw(rows, model, _shift(rows, model, levels[-1] if shift is None else shift), seed)
    years = max(1_000, min(scenarios, _MOST_CELLS // len(rows.exposure)))
    parts = [(w, np.sum(loss, axis=1)) for w, loss in draw.blocks(years)]
    weights, losses = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
    weights = weights / np.mean(weights)  # so that a layer that is always full is full on average
    mean = float(np.mean(weights * losses))
    tails = {level: tail_of(losses, weights, level) for level in levels}
    last = tails[levels[-1]]
    part = _contribution(draw, losses >= last.var, last.es) if contributions else np.zeros(len(rows.exposure))
    return LossDistribution(
        losses=losses,
        weights=weights,
        mean=mean,
        mean_error=float(np.sqrt(np.mean((weights * (losses - mean)) ** 2) / len(losses))),
        tails=tails,
        contribution=_to_loans(book, rows, part),
        pooled=int(np.sum(rows.pooled[rows.row_of_loan])),
    )


def _contribution(draw: _Draw, beyond: Bools, shortfall: float) -> Floats:
    """Part of each row in the expected shortfall: weighted mean loss beyond the quantile, scaled to add up."""
    total = np.zeros(len(draw.rows.exposure))
    for weights, loss in draw.blocks(len(beyond), beyond):
        total = total + np.sum(loss * weights[:, None], axis=0)
    whole = float(np.sum(total))
    result: Floats = total * (shortfall / whole if whole > 0.0 else 0.0)
    return result


def _to_loans(book: Exposures, rows: _Rows, part: Floats) -> Floats:
    """Part of each loan: a pool is shared by expected loss."""
    expected = book.exposure * book.pd * book.lgd
    of_row = np.bincount(rows.row_of_loan, weights=expected, minlength=len(part))
    share = np.where(of_row > 0.0, 1.0 / np.where(of_row > 0.0, of_row, 1.0), 0.0)
    result: Floats = part[rows.row_of_loan] * expected * share[rows.row_of_loan]
    return result


@dataclass(frozen=True)
class _Draw:
    """The years of one seed, block by block; asked twice, they come twice the same."""

    rows: _Rows
    model: FactorModel
    shift: Floats
    seed: int

    def blocks(self, years: int, keep: Bools | None = None) -> Iterator[tuple[Floats, Floats]]:
        """Weights, shape (b,), and losses by row, shape (b, r), of each block of years; ``keep`` picks years."""
        size = max(1, _CELLS // len(self.rows.exposure))
        starts = range(0, years, size)
        for start, seed in zip(starts, np.random.SeedSequence(self.seed).spawn(len(starts)), strict=True):
            numbers = np.arange(start, min(start + size, years))
            wanted = np.ones(len(numbers), dtype=bool) if keep is None else keep[numbers]
            yield self._block(np.random.default_rng(seed), numbers, wanted)

    def _block(self, rng: np.random.Generator, numbers: npt.NDArray[np.intp], wanted: Bools) -> tuple[Floats, Floats]:
        normal = rng.standard_normal((len(numbers), len(self.shift)))
        # every fourth year is plain: the mixture is stratified, not drawn
        moved = np.where((numbers % round(1.0 / _PLAIN))[:, None] == 0, normal, normal + self.shift)
        size = float(np.sum(self.shift * self.shift))
        along = np.add.accumulate(moved * self.shift, axis=1)[:, -1]
        weights = 1.0 / (_PLAIN + (1.0 - _PLAIN) * np.exp(along - size / 2.0))
        even = rng.random((len(numbers), len(self.rows.exposure)))
        return weights[wanted], self._losses(even[wanted], moved[wanted])

    def _losses(self, even: Floats, factors: Floats) -> Floats:
        from scipy.special import ndtr

        rows, model = self.rows, self.model
        common = np.zeros(even.shape)
        for at, factor in enumerate(FACTORS):
            if model.weight(factor) > 0.0:
                common += model.weight(factor) * factors[:, rows.place[at]]
        chance = ndtr((rows.threshold - common) / model.own)
        share = np.where(rows.pooled, chance, even < chance)
        year, row = np.nonzero(share)
        price = factors[year, rows.place[FACTORS.index("price")][row]]
        lost = np.zeros(even.shape)
        lost[year, row] = share[year, row] * rows.exposure[row] * price_lgd(rows.lgd[row], price, slope=model.lgd_slope)
        return lost


def _shift(rows: _Rows, model: FactorModel, level: float) -> Floats:
    """Where the factors are moved: as far as the level, along the portfolio's sensitivity, towards bad years."""
    from scipy.special import ndtri

    slope = rows.exposure * rows.lgd * np.exp(-rows.threshold * rows.threshold / 2.0)
    direction = np.zeros(int(rows.place.max()) + 1)
    for at, factor in enumerate(FACTORS):
        direction -= np.bincount(rows.place[at], weights=slope * model.weight(factor), minlength=len(direction))
    length = float(np.sqrt(np.sum(direction * direction)))
    result: Floats = direction * (float(ndtri(level)) / length if length > 0.0 else 0.0)
    return result


def _rows(book: Exposures, single: int) -> _Rows:
    """Single loans in the order of their numbers, then the pools of the smaller ones."""
    from scipy.special import ndtri

    count = len(book.exposure)
    order = np.argsort(book.application_id.astype(str), kind="stable")
    codes = factor_codes(book)
    place = np.array([codes.place[factor] for factor in FACTORS])[:, order]
    exposure, lgd = np.maximum(book.exposure[order], 0.0), np.clip(book.lgd[order], 0.0, 1.0)
    threshold = np.clip(ndtri(book.pd[order]), -8.0, 8.0)
    small = np.argsort(np.argsort(-exposure, kind="stable"), kind="stable") >= single
    bins = np.where(small, np.vstack([place, np.floor(threshold / _NARROW), np.floor(lgd / _NARROW)]), -1e9)
    alone = np.where(small, 1e9, np.arange(count))  # a number of its own for each single loan, one for all others
    found, row = np.unique(np.vstack([alone, bins]).T, axis=0, return_inverse=True)
    row = np.ravel(row)
    size = np.bincount(row, weights=exposure, minlength=len(found)).astype(np.float64)
    threshold, lgd = (
        np.bincount(row, weights=values * exposure) / np.maximum(size, 1e-300) for values in (threshold, lgd)
    )
    first = np.unique(row, return_index=True)[1]
    back = np.empty(count, dtype=np.intp)
    back[order] = row
    return _Rows(threshold, lgd, size, place[:, first], small[first], back)
