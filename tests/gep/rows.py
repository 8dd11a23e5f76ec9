"""Short ways to write account rows and cases in these tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from eco_credit.core.errors import ContractError
from eco_credit.gep import account
from eco_credit.rulebook import RuleSet, load

CASES = Path(__file__).resolve().parents[1] / "cases" / "gep"
DAY = "2026-11-23"
WATER = {"service": "water_retention", "physical": 2.0, "physical_unit": "1e4 m3", "price": 6.0, "price_unit": "CNY/m3"}
BALANCE = {
    "service": "water_retention",
    "area_ha": 100.0,
    "precipitation_mm": 900.0,
    "runoff_mm": 50.0,
    "evapotranspiration_mm": 750.0,
}


def rules() -> RuleSet:
    """The rulebook of one fixed day."""
    return load().at(DAY)


def case(name: str) -> dict[str, Any]:
    """One published study as restated in ``tests/cases/gep``."""
    loaded: dict[str, Any] = yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded


def refused(rows: list[dict[str, Any]], norm: str = "garze-paper") -> set[str]:
    """Codes of the rules that refuse a table; empty when it is accounted."""
    try:
        account(rows, norm=norm, rules=rules())
    except ContractError as error:
        assert all(v.en and v.zh for v in error.violations)
        return {v.rule for v in error.violations}
    return set()


def warned(rows: list[dict[str, Any]], norm: str = "garze-paper") -> set[str]:
    """Codes of the warnings an account carries."""
    return {notice.rule for notice in account(rows, norm=norm, rules=rules()).warnings}


def only(row: dict[str, Any], norm: str = "garze-paper") -> Any:
    """The one flow of a one-row account."""
    return account([row], norm=norm, rules=rules()).rows[0]
