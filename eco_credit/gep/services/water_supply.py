"""Water supply (水资源供给): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="water_supply",
    zh="水资源供给",
    en="water supply",
    group="provisioning",
    price_kinds=frozenset({"volume"}),
)
