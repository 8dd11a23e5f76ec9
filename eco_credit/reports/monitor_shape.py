"""The shape of a look at a model in use as plain data, and a checker that believes nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

MOST_TEXT, MOST_ITEMS = 2_000, 2_000


@dataclass(frozen=True, slots=True)
class Maybe:
    """A shape, or nothing."""

    of: Any


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping of any names to one shape."""

    of: Any


TEXT, REAL, COUNT, FLAG = "text", "real", "count", "flag"
_LIGHT = frozenset({"green", "amber", "red", "grey"})
_SAID = {"zh": TEXT, "en": TEXT}
_SPAN = {"value": REAL, "low": REAL, "high": REAL}
_PSI = {"value": REAL, "limit": REAL}
_RATES: dict[str, Any] = {
    name: Maybe(REAL) for name in ("defaults", "default_rate", "low", "high", "predicted", "jeffreys")
}
_VINTAGE = {"loans": COUNT, "matured": COUNT, "immature": COUNT} | _RATES
_KIND = {"kind": TEXT, "rows": COUNT, "share": REAL, "expected": Maybe(REAL)}
_SEGMENT = {"kind": TEXT, "rows": COUNT, "auc": Maybe(_SPAN), "default_rate": Maybe(_SPAN)}
LOOK: dict[str, Any] = {
    "model": {"name": TEXT, "version": TEXT, "digest": TEXT},
    "data": {"form": frozenset({"tape", "result", "log"}), "digest": TEXT, "rows": COUNT, "first": Maybe(TEXT),
             "last": Maybe(TEXT), "left_out": Named(COUNT)},
    "reference": {"form": frozenset({"package", "file"}),
                  "from": Named(frozenset({"package", "gate", "construction", "file", "none"}))},
    "rules": {"day": TEXT, "digest": TEXT},
    "score": {"value": Maybe(REAL), "limit": Maybe(REAL), "mean_pd": Maybe(REAL), "expected_pd": Maybe(REAL),
              "light": _LIGHT},
    "grades": {"psi": Maybe(_PSI), "table": [{"grade": TEXT, "share": REAL, "expected": Maybe(REAL)}]},
    "features": [{"name": TEXT, "csi": REAL, "limit": REAL, "light": _LIGHT} | _SAID],
    "scope": {"layers": [{"layer": TEXT, "rows": COUNT, "share": REAL, "expected": Maybe(REAL)}],
              "recommendations": Maybe({"approve": REAL, "refer": REAL, "decline": REAL})},
    "width": {"mean": Maybe(REAL), "median": Maybe(REAL), "most": Maybe(REAL), "expected": Maybe(REAL),
              "psi": Maybe(_PSI)},
    "kinds": [_KIND],
    "estimated": {"auc": Maybe(_SPAN), "default_rate": Maybe(_SPAN), "gate_auc": Maybe(REAL),
                  "segments": [_SEGMENT]} | _SAID,
    "ledger": Maybe(_VINTAGE | {"horizon_months": COUNT, "without_outcome": COUNT, "unmatched": COUNT,
                                "auc": Maybe(_SPAN), "promised_auc": Maybe(_SPAN)}),
    "vintages": Maybe([_VINTAGE | {"vintage": TEXT}]),
    "early": Maybe({"from": COUNT, "to": COUNT, "vintages": [{"vintage": TEXT, "seen": COUNT, "early": COUNT}]}),
    "overrides": Maybe({"decided": COUNT, "departed": COUNT, "share": REAL}),
    "concentration": [{"by": TEXT, "hhi": REAL, "effective": REAL, "largest": REAL, "groups": COUNT,
                       "unknown": REAL}],
    "prices": Maybe([{"kind": Maybe(TEXT), "since": Maybe(TEXT), "until": TEXT, "move": Maybe(REAL)}]),
    "triggers": [{"name": TEXT, "light": _LIGHT, "rules": [TEXT]} | _SAID],
    "light": _LIGHT,
    "fired": [TEXT],
    "synthetic": FLAG,
}  # fmt: skip
"""What a page about a look reads; a list holds one shape, a set the words that are allowed."""


def fitted(value: Any, shape: Any, where: str = "look") -> Any:
    """Take from a value what its shape names, and nothing else.

    Args:
        value: decoded JSON.
        shape: as in `LOOK`.
        where: place of the value, for the message.

    Raises:
        ValueError: something is missing or of another kind; the message names the place.

    Example:
        >>> fitted({"rows": 3, "more": "x"}, {"rows": COUNT, "share": Maybe(REAL)}), fitted([1.5], [REAL])
        ({'rows': 3, 'share': None}, [1.5])
    """
    if isinstance(shape, Maybe):
        return None if value is None else fitted(value, shape.of, where)
    if isinstance(shape, str):
        return _plain(value, shape, where)
    if isinstance(shape, frozenset):
        return _checked(value, isinstance(value, str) and value in shape, where)
    if isinstance(shape, list):
        _checked(value, isinstance(value, list) and len(value) <= MOST_ITEMS, where)
        return [fitted(item, shape[0], f"{where}[{place}]") for place, item in enumerate(value)]
    _checked(value, isinstance(value, dict) and len(value) <= MOST_ITEMS, where)
    if isinstance(shape, Named):
        return {_plain(name, TEXT, where): fitted(item, shape.of, f"{where}.{name}") for name, item in value.items()}
    return {name: fitted(value.get(name), inner, f"{where}.{name}") for name, inner in shape.items()}


def _plain(value: Any, shape: str, where: str) -> Any:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    holds = {
        TEXT: isinstance(value, str) and len(value) <= MOST_TEXT,
        REAL: real and math.isfinite(value),
        COUNT: real and math.isfinite(value) and value >= 0 and value == int(value),
        FLAG: isinstance(value, bool),
    }
    return _checked(value, holds[shape], where)


def _checked(value: Any, holds: bool, where: str) -> Any:
    if not holds:
        raise ValueError(where)
    return value
