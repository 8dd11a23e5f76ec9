"""Optimum rotation of an even-aged stand by Faustmann, in the timing of the textbooks.

Establishment is paid when a rotation starts and felling income comes in at its end, which is
`land.land_expectation` with one cost; the norm's harvest present value lets income come a year later and is
not mixed in here. The optimum is a check on a stated felling age and no felling permit: the law has its own ages.
Ages are a grid on the first axis, rows on the last; every step is elementwise along the rows.

Source: Faustmann (1849), Berechnung des Werthes, welchen Waldboden sowie noch nicht haubare Holzbestaende fuer
die Waldwirthschaft besitzen; in words of today, Samuelson (1976), Economic Inquiry 14:466.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Bools, Floats
from eco_credit.core.units import units
from eco_credit.valuation.methods.land import land_expectation


@dataclass(frozen=True)
class Economics:
    """What a stand earns and costs; numbers or one value for each row.

    Attributes:
        net_price: p, net income of one m3 of standing stock at felling, CNY/m3.
        establishment: C, cost of establishment at the start of a rotation, CNY/ha.
        annual_cost: v, tending and rent at the end of each year, CNY/ha.
        rate: r, real rate per year, above 0.
    """

    net_price: Floats | float
    establishment: Floats | float
    annual_cost: Floats | float
    rate: Floats | float


@dataclass(frozen=True)
class Rotation:
    """The best felling age of each row and what a stated one costs; shapes (n,).

    Attributes:
        age: felling age with the highest land expectation value, years (the lower one of equals).
        value: land expectation value at that age, CNY/ha; below zero the land does not earn the rate.
        at_edge: True where the best age is the first or last of the grid, so that the grid is too narrow.
        stated_value: land expectation value at the stated age, CNY/ha; NaN where none is stated or it is not
            on the grid.
        loss: value less stated_value, CNY/ha, never below 0.
        forest_rent_age: age with the highest mean yearly net income (no interest), years.
        mean_increment_age: age with the highest mean annual increment (the technical optimum), years.
    """

    age: Floats
    value: Floats
    at_edge: Bools
    stated_value: Floats
    loss: Floats
    forest_rent_age: Floats
    mean_increment_age: Floats


@units(income="CNY/hectare", establishment="CNY/hectare", annual_cost="CNY/hectare", rotation="dimensionless",
       returns="CNY/hectare")
def forest_rent(income: Floats, establishment: Floats, *, annual_cost: Floats, rotation: Floats) -> Floats:
    """Mean yearly net income without interest: ``(p M - C) / u - v``, CNY/ha, for a rotation of u years."""
    return (income - establishment) / rotation - annual_cost


def land_expectation_curve(rotations: Floats, stock: Floats, *, economics: Economics) -> Floats:
    """Land expectation value at every felling age: ``LEV(u) = [p M(u) - C (1+r)^u] / [(1+r)^u - 1] - v / r``.

    Args:
        rotations: u, years, shape (g,), above 0.
        stock: M(u), m3/ha, shape (g, n).
        economics: prices, costs and rate, each a number or of shape (n,).

    Returns:
        LEV, CNY/ha, shape (g, n); NaN where the rate is not above 0.
    """
    rate = np.asarray(economics.rate, dtype=np.float64)
    return land_expectation(
        economics.net_price * stock, np.asarray(economics.establishment, dtype=np.float64),
        annual_cost=np.asarray(economics.annual_cost, dtype=np.float64),
        rate=np.where(rate > 0.0, rate, np.nan), rotation=rotations[:, None],
    )


def optimum_rotation(
    rotations: Floats, stock: Floats, *, economics: Economics, stated_age: Floats | float = np.nan
) -> Rotation:
    """The felling age with the highest land expectation value, and the loss at a stated one.

    Args:
        rotations: felling ages to compare, years, shape (g,), rising, such as 1 to 60.
        stock: M(u) at those ages, m3/ha, shape (g, n) (`Curves.stock(rotations[:, None] + 0 * rows)`).
        economics: prices, costs and rate.
        stated_age: felling age to check, years, a number or shape (n,).

    Returns:
        Figures of each row. A row of which something is unknown has NaN in value and age.

    Example:
        >>> ages = np.arange(1.0, 61.0)
        >>> fir = np.exp(6.407 - 21.03 / ages)[:, None]
        >>> terms = Economics(net_price=364.0, establishment=10650.0, annual_cost=795.0, rate=0.05)
        >>> found = optimum_rotation(ages, fir, economics=terms, stated_age=26.0)
        >>> float(found.age[0]), round(float(found.loss[0]), 1)
        (17.0, 7036.5)
    """
    curve = land_expectation_curve(rotations, stock, economics=economics)
    rent = forest_rent(
        economics.net_price * stock, np.asarray(economics.establishment, dtype=np.float64),
        annual_cost=np.asarray(economics.annual_cost, dtype=np.float64), rotation=rotations[:, None],
    )
    known = np.all(~np.isnan(curve), axis=0, keepdims=True)[0]
    best = np.argmax(np.where(np.isnan(curve), -np.inf, curve), axis=0)
    value = np.take_along_axis(curve, best[None, :], axis=0)[0]
    on_grid = np.equal(rotations[:, None], np.asarray(stated_age, dtype=np.float64))
    stated = np.where(on_grid, curve, -np.inf).max(axis=0)
    stated = np.where(on_grid.any(axis=0) & known, stated, np.nan)
    return Rotation(
        age=_age_of(rotations, best, known),
        value=np.where(known, value, np.nan),
        at_edge=known & (np.equal(best, 0) | np.equal(best, len(rotations) - 1)),
        stated_value=stated,
        loss=np.where(known, value, np.nan) - stated,
        forest_rent_age=_best_age(rotations, rent),
        mean_increment_age=_best_age(rotations, stock / rotations[:, None]),
    )


def _best_age(rotations: Floats, figures: Floats) -> Floats:
    unknown = np.isnan(figures)
    known = np.all(~unknown, axis=0, keepdims=True)[0]
    return _age_of(rotations, np.argmax(np.where(unknown, -np.inf, figures), axis=0), known)


def _age_of(rotations: Floats, place: np.typing.NDArray[np.intp], known: Bools) -> Floats:
    return np.where(known, rotations[place], np.nan)
