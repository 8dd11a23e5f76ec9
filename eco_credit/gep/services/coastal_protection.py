"""Coastal protection (海岸带防护): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="coastal_protection",
    zh="海岸带防护",
    en="coastal protection",
    group="regulating",
    price_kinds=frozenset({"length", "area"}),
)
