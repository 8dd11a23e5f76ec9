"""Noise reduction (噪声消减): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="noise_reduction",
    zh="噪声消减",
    en="noise reduction",
    group="regulating",
    price_kinds=frozenset({"length", "noise"}),
)
