"""Ecological energy (生态能源): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="ecological_energy",
    zh="生态能源",
    en="ecological energy",
    group="provisioning",
    price_kinds=frozenset({"energy", "mass"}),
)
