"""Landscape premium (景观增值): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="landscape_premium",
    zh="景观增值",
    en="landscape premium",
    group="cultural",
    price_kinds=frozenset({"area", "visits", "households"}),
)
