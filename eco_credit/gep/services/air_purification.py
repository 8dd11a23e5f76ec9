"""Air purification (空气净化): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="air_purification",
    zh="空气净化",
    en="air purification",
    group="regulating",
    price_kinds=frozenset({"mass", "area"}),
)
