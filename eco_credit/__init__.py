"""eco_credit: lend on water rights, forest rights and product orders, with inputs from GEP accounting.

Example:
    >>> import eco_credit as ec
    >>> sorted(ec.__all__)
    ['account', 'appraise', 'score', 'score_table']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eco_credit.gep import account
    from eco_credit.scoring.doors import appraise, score, score_table

_PLACES = {
    "account": "eco_credit.gep",
    "appraise": "eco_credit.scoring.doors",
    "score": "eco_credit.scoring.doors",
    "score_table": "eco_credit.scoring.doors",
}
__all__ = ["account", "appraise", "score", "score_table"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import eco_credit`` stays light."""
    if name not in _PLACES:
        raise AttributeError(f"module 'eco_credit' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
