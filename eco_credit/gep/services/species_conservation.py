"""Species conservation (物种保育): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="species_conservation",
    zh="物种保育",
    en="species conservation",
    group="regulating",
    price_kinds=frozenset({"area"}),
)
