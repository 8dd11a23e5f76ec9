"""The services, one explicit line each, and those that outside packages add by entry point.

An outside package declares ``[project.entry-points."eco_credit.services"]`` with a name and an object
that is a `Service`. A code that stands twice is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from types import MappingProxyType

from eco_credit.core.errors import ContractError, Violation
from eco_credit.gep.service import Service
from eco_credit.gep.services import (
    air_purification,
    carbon,
    climate_regulation,
    coastal_protection,
    ecological_energy,
    flood_mitigation,
    landscape_premium,
    material_products,
    noise_reduction,
    oxygen,
    pest_control,
    recreation,
    sand_fixation,
    soil_retention,
    species_conservation,
    tourism,
    water_purification,
    water_retention,
    water_supply,
)

ENTRY_POINTS = "eco_credit.services"

BUILT_IN: tuple[Service, ...] = (
    material_products.SERVICE,
    water_supply.SERVICE,
    ecological_energy.SERVICE,
    water_retention.SERVICE,
    soil_retention.SERVICE,
    sand_fixation.SERVICE,
    coastal_protection.SERVICE,
    flood_mitigation.SERVICE,
    air_purification.SERVICE,
    water_purification.SERVICE,
    carbon.SERVICE,
    oxygen.SERVICE,
    climate_regulation.SERVICE,
    noise_reduction.SERVICE,
    pest_control.SERVICE,
    species_conservation.SERVICE,
    tourism.SERVICE,
    recreation.SERVICE,
    landscape_premium.SERVICE,
)


def by_code(found: Iterable[Service]) -> Mapping[str, Service]:
    """Services by code, in the order given.

    Raises:
        ContractError: rule ``duplicate_service``; two services share a code.
    """
    table: dict[str, Service] = {}
    for service in found:
        if service.code in table:
            raise ContractError([Violation(
                f"{ENTRY_POINTS}.{service.code}", "duplicate_service",
                f"two services are called {service.code}", f"有两个服务同名：{service.code}",
            )])
        table[service.code] = service
    return MappingProxyType(table)


@cache
def services() -> Mapping[str, Service]:
    """All services by code: the built-in ones, then those of installed packages by entry-point name.

    Raises:
        ContractError: rule ``duplicate_service``.
    """
    points = sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda point: point.name)
    return by_code([*BUILT_IN, *(point.load() for point in points)])


__all__ = ["BUILT_IN", "ENTRY_POINTS", "by_code", "services"]
