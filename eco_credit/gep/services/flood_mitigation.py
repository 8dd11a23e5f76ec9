"""Flood mitigation (洪水调蓄): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="flood_mitigation",
    zh="洪水调蓄",
    en="flood mitigation",
    group="regulating",
    price_kinds=frozenset({"volume"}),
)
