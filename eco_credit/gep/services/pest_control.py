"""Pest control (病虫害控制): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="pest_control",
    zh="病虫害控制",
    en="pest control",
    group="regulating",
    price_kinds=frozenset({"area"}),
)
