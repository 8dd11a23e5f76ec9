"""The few rules a window needs, as plain data that travels to another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eco_credit.rulebook import RuleSet


class Terms(Protocol):
    """What rasters read of the rulebook; a `RuleSet` is one."""

    def number(self, name: str) -> float:
        """The number of a rule."""

    def table(self, name: str) -> Mapping[str, Any]:
        """The table of a rule."""


NUMBERS = ("file_bytes_max", "cells_max", "block_bytes_max", "areal_distortion_max", "slope_length_cap",
           "trace_length", "trace_cells_max", "invest_length_factor_max")
TABLES = ("slope_exponent", "ndvi_cover")


@dataclass(frozen=True, slots=True)
class PlainTerms:
    """Rules of the area ``gep.spatial`` copied out of a rulebook."""

    numbers: dict[str, float]
    tables: dict[str, dict[str, Any]]

    def number(self, name: str) -> float:
        """The number of a rule."""
        return self.numbers[name]

    def table(self, name: str) -> Mapping[str, Any]:
        """The table of a rule."""
        return self.tables[name]


def plain(rules: RuleSet) -> PlainTerms:
    """Copy what windows need out of the rulebook of a day."""
    return PlainTerms(
        {f"gep.spatial.{name}": rules.number(f"gep.spatial.{name}") for name in NUMBERS},
        {f"gep.spatial.{name}": dict(rules.table(f"gep.spatial.{name}")) for name in TABLES},
    )
