"""What happens to everybody at once: prices, droughts, fires and buyers, by place and year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.dates import year_of
from eco_credit.core.numbers import Columns, Floats, text
from eco_credit.rulebook import RuleSet
from training.simulate.draw import Words

Index = npt.NDArray[np.intp]


@dataclass(frozen=True)
class World:
    """Shocks by place and calendar year; years start at ``first``.

    Attributes:
        first: first year.
        price: region to price shock (logarithm) by year.
        dryness: basin to uniform dryness by year; below the chance of a drought it is one.
        fire: region to 1.0 in a year of severe fire or pests.
        buyers: shock to buyers (standard normal) by year.
    """

    first: int
    price: dict[str, Floats]
    dryness: dict[str, Floats]
    fire: dict[str, Floats]
    buyers: Floats


def make_world(rng: np.random.Generator, rules: RuleSet) -> World:
    """Draw the shocks of all years of origination and the four after them.

    Price: ``sigma (sqrt(c) country + sqrt(1 - c) region)``; dryness: a Gaussian copula over basins
    with one common factor of squared loading rho.
    """
    from scipy.stats import norm

    years = rules.table("simulate.loan.origination_years")
    first, length = int(years["first"]), int(years["last"]) - int(years["first"]) + 5
    basin_of = rules.table("simulate.world.regions")
    sigma, common = rules.number("simulate.world.price_sigma"), rules.number("simulate.world.price_common")
    shared = rules.number("simulate.world.drought_shared")
    country, sky = rng.standard_normal(length), rng.standard_normal(length)
    price = {
        region: sigma * (np.sqrt(common) * country + np.sqrt(1.0 - common) * rng.standard_normal(length))
        for region in basin_of
    }
    dryness = {
        basin: norm.cdf(np.sqrt(shared) * sky + np.sqrt(1.0 - shared) * rng.standard_normal(length))
        for basin in sorted(set(basin_of.values()))
    }
    chance = rules.number("simulate.world.fire_chance")
    fire = {region: (rng.random(length) < chance).astype(np.float64) for region in basin_of}
    return World(first, price, dryness, fire, rng.standard_normal(length))


@dataclass(frozen=True)
class Shocks:
    """Shocks as one loan meets them, shape (n,) each; see `World`."""

    price: Floats
    drought: Floats
    fire: Floats
    buyers: Floats


def drought_chance(features: Columns, rules: RuleSet) -> Floats:
    """Chance of a drought year: rights of low mean allocation are cut first, shape (n,)."""
    chance = rules.table("simulate.world.drought_chance")
    scarce = np.asarray(features["water_allocation"], np.float64) < 0.92
    return np.where(scarce, float(chance["dry"]), float(chance["wet"]))


def meet(world: World, loans: Columns, features: Columns, *, rules: RuleSet) -> Shocks:
    """The shocks of the year that starts half a year after each loan's first day."""
    day = loans["as_of"].astype("datetime64[D]") + np.timedelta64(183, "D")
    at = (year_of(day) - world.first).astype(np.intp)
    region, basin = text(loans, "region"), text(loans, "basin")
    dry = _picked(world.dryness, basin, at) < drought_chance(features, rules)
    price, fire = (_picked(table, region, at) for table in (world.price, world.fire))
    return Shocks(price, dry.astype(np.float64), fire, world.buyers[at])


def _picked(table: Mapping[str, Floats], places: Words, at: Index) -> Floats:
    """Value of each row's place in each row's year."""
    return np.array([table[place][year] for place, year in zip(places, at, strict=True)])
