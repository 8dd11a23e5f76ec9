"""Versions only move forward: what was in service here is remembered beside the store's promotions.

A pointer and its history are a signed chain, so an older version comes back only by a rollback record. A chain
alone cannot show that its end was cut off, as when yesterday's folder is copied back. This mark can: the history
must still hold what this service has seen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json, digest
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import write_durably


def mark_path(home: Path, name: str, alias: str) -> Path:
    """File that remembers the last act seen in service under a name and alias."""
    return home / "seen" / f"{name}.{alias}.json"


def check_forward(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a history that does not hold what was seen before.

    Args:
        path: the mark.
        history: stored pointers in order, checked as a chain.

    Raises:
        ModelNotServable: the history is shorter or another one, or the mark cannot be read.
    """
    if not path.is_file():
        return
    try:
        seen = json.loads(path.read_bytes())
        place, known = int(seen["sequence"]), str(seen["pointer"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelNotServable("the mark of what was in service cannot be read", "在用记录标记无法读取") from error
    if len(history) < place or digest(dict(history[place - 1])) != known:
        raise ModelNotServable(
            "the promotions went back without a rollback record: an older history than was in service here",
            "批准历史倒退且无回退记录：早于本服务已在用的历史",
        )


def remember(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Write down the last act of a history that went into service.

    Raises:
        OSError: the mark cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = canonical_json({"sequence": len(history), "pointer": digest(dict(history[-1]))})
    if not path.is_file() or path.read_bytes() != mark:
        write_durably(path, mark)
