"""Take a pledge's part of an account: the bridge from a published account to one parcel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from eco_credit.core.errors import ContractError, Violation
from eco_credit.gep.account import GepAccount
from eco_credit.gep.flow import ServiceFlow

Extents = Mapping[str | tuple[str, str | None], float]
"""Part of the account's area that a pledge covers, by service or by (service, item); 0 to 1."""


def _checked(fraction: float, field: str) -> float:
    if not 0.0 <= fraction <= 1.0:
        raise ContractError([Violation(field, "fraction", "the part of an account is between 0 and 1",
                                       "占账户的比例应在 0 与 1 之间")])
    return float(fraction)


def share(account: GepAccount, fraction: float) -> dict[str, float]:
    """Part of every counted service, as if it were spread evenly over the area.

    Args:
        account: the account of the whole area.
        fraction: the pledge's part of the area, 0 to 1.

    Returns:
        Service code to CNY per year.

    Raises:
        ContractError: rule ``fraction``.
    """
    part = _checked(fraction, "fraction")
    return {service: value * part for service, value in account.by_service().items()}


def flows_for(account: GepAccount, extents: Extents) -> list[dict[str, Any]]:
    """The flows of a pledge, each a part of one counted row of an account.

    Args:
        account: the account of the whole area.
        extents: service code, or (service, item), to the pledge's part; the item's entry goes before the
            service's, and rows with neither are not the pledge's.

    Returns:
        One dict per row, in the account's order, with the fields of the contract ``gep_flow``.

    Raises:
        ContractError: rule ``fraction``; rule ``not_in_account`` for an extent that meets no counted row.
    """
    found: list[dict[str, Any]] = []
    met: set[Any] = set()
    for row in account.rows:
        key = (row.service, row.item) if (row.service, row.item) in extents else row.service
        if row.counted and key in extents:
            met.add(key)
            found.append(_scaled(account, row, _checked(extents[key], f"extents[{row.service}]")))
    if len(met) < len(extents):
        raise ContractError([Violation("extents", "not_in_account", "the account counts no such service or item",
                                       "账户未计入该服务或指标")])
    return found


def _scaled(account: GepAccount, row: ServiceFlow, part: float) -> dict[str, Any]:
    flow = {
        "service": row.service, "item": row.item, "value_cny": row.value_cny * part,
        "physical": None if row.physical is None else row.physical * part, "physical_unit": row.physical_unit,
        "price": row.price, "price_unit": row.price_unit, "norm": account.norm, "account_year": account.year,
        "source": row.source,
    }
    return {name: value for name, value in flow.items() if value is not None}


def pledge_columns(flows: list[dict[str, Any]]) -> dict[str, float]:
    """Sum flows by service into the pledge columns ``gep_<service>_cny``, CNY per year."""
    parts: dict[str, list[float]] = {}
    for flow in flows:
        parts.setdefault(f"gep_{flow['service']}_cny", []).append(flow["value_cny"])
    return {name: math.fsum(values) for name, values in parts.items()}
