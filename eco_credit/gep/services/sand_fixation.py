"""Sand fixation (防风固沙): rows bring quantity and price, or a value; no physical model yet."""

from __future__ import annotations

from eco_credit.gep.service import Service

SERVICE = Service(
    code="sand_fixation",
    zh="防风固沙",
    en="sand fixation",
    group="regulating",
    price_kinds=frozenset({"mass", "area", "volume"}),
)
