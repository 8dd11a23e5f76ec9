"""From sums by parcel to rows of an account table: the inputs of the services, never a value of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eco_credit.gep.compute import span
from eco_credit.gep.spatial.crs import mu
from eco_credit.gep.spatial.job import Job
from eco_credit.gep.spatial.slope_length import DEFINITIONS
from eco_credit.rulebook import RuleSet

SOIL_ITEMS = ("silting", "nonpoint_n", "nonpoint_p")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rasters say of one parcel.

    Attributes:
        id: parcel.
        area_ha: area on the ellipsoid, ha.
        inside_ha: the part on the grid, ha.
        known_ha: by service, the part with data in every layer it needs, ha.
        means: by service and quantity, mean over that part.
    """

    id: str
    area_ha: float
    inside_ha: float
    known_ha: Mapping[str, float]
    means: Mapping[str, Mapping[str, float]]

    def slope_spread(self, chosen: str) -> tuple[float, float]:
        """Soil retained by the lowest and highest LS definition, as multiples of the chosen one."""
        soil = self.means.get("soil_retention", {})
        by = [soil[f"by_{name}"] for name in DEFINITIONS if f"by_{name}" in soil]
        own = soil.get(f"by_{chosen}", 0.0)
        return (min(by) / own, max(by) / own) if by and own > 0.0 else (1.0, 1.0)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, areas in hectares and mu."""
        return {"parcel": self.id, "area_ha": self.area_ha, "area_mu": mu(self.area_ha),
                "inside_ha": self.inside_ha, "known_ha": dict(self.known_ha),
                "means": {service: dict(values) for service, values in self.means.items()}}


def account_rows(readings: list[Reading], job: Job, rules: RuleSet) -> list[dict[str, Any]]:
    """One row per parcel, service and item, with the inputs `eco_credit.gep.account` computes from.

    A parcel with no known cell of a service gives no row for it.
    """
    made = []
    for reading in readings:
        for service in job.services:
            area = reading.known_ha.get(service, 0.0)
            if area > 0.0:
                made += [_head(reading, service, job) | row
                         for row in _inputs(service, reading.means[service], area, job=job, rules=rules)]
    return made


def _head(reading: Reading, service: str, job: Job) -> dict[str, Any]:
    head = {"place": reading.id, "service": service, "account_year": job.account_year, "source": _source(service, job)}
    return head | ({"price_kind": job.price_kind} if job.price_kind else {})


def _source(service: str, job: Job) -> str:
    if service != "soil_retention":
        return "rasters, fractional cell cover"
    if "soil_retained" in job.layers or "bare_loss" in job.layers:
        return "rasters, fractional cell cover; soil loss as given"
    named = "as given" if "slope_factor" in job.layers else job.slope_length
    return f"rasters, fractional cell cover; LS {named}"


def _inputs(
    service: str, means: Mapping[str, float], area: float, *, job: Job, rules: RuleSet
) -> list[dict[str, Any]]:
    if service == "water_retention":
        return [{"item": "retention", "area_ha": area, "water_balance_mm": means["water_balance_mm"]}]
    if service == "soil_retention":
        return [{"item": item, "soil_retained_t": means["soil_retained_t"] * area} for item in SOIL_ITEMS]
    if service == "oxygen":
        return [{"item": "oxygen", "npp_dry_t": _dry(means, area, rules)}]
    if "stock_start" in means:
        start, end = means["stock_start"] * area, means["stock_end"] * area
        return [{"item": "co2", "stock_start_tc": start, "stock_end_tc": end, "stock_years": job.stock_years}]
    if "respiration" in means:
        return [{"item": "co2", "npp_tc": means["npp"] * area, "respiration_tc": means["respiration"] * area}]
    return [{"item": "co2", "npp_dry_t": _dry(means, area, rules)}]


def _dry(means: Mapping[str, float], area: float, rules: RuleSet) -> float:
    """Dry matter grown, t: stated, or carbon over the carbon content of dry matter."""
    if "npp_dry" in means:
        return means["npp_dry"] * area
    return means["npp"] * area / span(rules, "gep.carbon.content")[1]
