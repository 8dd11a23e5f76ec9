"""The libraries of the extra ``train``, found when first needed, so that training works without them."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from eco_credit.core.errors import ContractError, Violation

TRAIN = ("optuna", "optbinning")
"""The modules used here; nothing else is loaded by name."""


def library(name: str) -> Any:
    """A module of the extra.

    Args:
        name: one of `TRAIN`.

    Raises:
        ContractError: ``extra_missing``; the extra ``train`` is not installed.
    """
    if name not in TRAIN:
        raise ValueError("not a library of the extra train")
    try:
        return importlib.import_module(name)
    except ImportError:
        en = f'{name} is not installed; it comes with the extra train: pip install "eco-credit[train]"'
        zh = f'未安装 {name}；请安装附加组件 train：pip install "eco-credit[train]"'
        raise ContractError([Violation("extra.train", "extra_missing", en, zh)]) from None


def installed(name: str) -> bool:
    """True where a module of the extra could be loaded; it is not loaded."""
    return name in TRAIN and find_spec(name) is not None
