"""Water purification (水质净化): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="water_purification",
    zh="水质净化",
    en="water purification",
    group="regulating",
    price_kinds=frozenset({"mass", "volume"}),
)
