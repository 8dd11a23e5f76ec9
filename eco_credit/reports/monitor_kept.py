"""Looks at a model in use that are kept in the store, so that the desk can show them.

``served/<name>/monitor/<UTC time>-<digest>.json`` holds one look as plain data. Whoever may write to the store may
write there, so nothing in such a file is trusted: it is cut down to the shape of `LOOK`, and what is drawn from it is
escaped as everything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import parse_json, write_durably
from eco_credit.registry.store import Store
from eco_credit.reports.monitor_shape import LOOK, fitted

KEPT = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z-[0-9a-f]{8}")
"""Name of a kept look: when it was kept, and the first digits of its digest."""
MOST_BYTES, MOST_LISTED = 2 << 20, 200


def monitor_folder(store: Store, name: str) -> Path:
    """Where the looks at a model name are kept."""
    return store.served_folder(name) / "monitor"


def keep_look(store: Store, found: Mapping[str, Any]) -> Path:
    """Keep a look in the store; an earlier one is never overwritten by another.

    Args:
        store: the store; its clock names the file.
        found: plain data of a monitoring run.

    Returns:
        The file.
    """
    data = canonical_json(dict(found))
    folder = monitor_folder(store, str(found["model"]["name"]))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{store.clock():%Y-%m-%dT%H%M%SZ}-{sha256(data)[:8]}.json"
    write_durably(path, data)
    return path


def kept_looks(store: Store, name: str) -> list[str]:
    """Names of the looks kept for a model name, newest first; nothing else that lies there is named."""
    folder = monitor_folder(store, name)
    names = (path.stem for path in folder.glob("*.json")) if folder.is_dir() else ()
    return sorted((one for one in names if KEPT.fullmatch(one)), reverse=True)[:MOST_LISTED]


def read_look(store: Store, name: str, kept: str) -> dict[str, Any]:
    """Read a kept look, checked.

    Args:
        store: the store.
        name: registered model name.
        kept: name of the look as in `kept_looks`.

    Returns:
        What a report reads of it, and nothing else the file may hold.

    Raises:
        ModelNotServable: there is no such look, or the file is not one.
    """
    path = monitor_folder(store, name) / f"{kept}.json"
    try:
        if not KEPT.fullmatch(kept) or path.stat().st_size > MOST_BYTES:
            raise ValueError("name or size")
        found: dict[str, Any] = fitted(parse_json(path.read_bytes(), path.name), LOOK)
    except (OSError, ValueError) as error:
        where = str(error) if isinstance(error, ValueError) else "file"
        raise ModelNotServable(f"the kept monitoring result cannot be read: {where}", "监测结果无法读取") from error
    return found
