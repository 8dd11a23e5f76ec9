"""A folder of parquet parts as one file: parts in the natural order of their names, rows numbered through."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from serving.batch import parquet
from serving.batch.chunk import Chunk
from serving.batch.layout import Layout, Vocabulary
from serving.batch.rules import refusal
from serving.batch.settings import Limits
from serving.batch.sniff import sniff

_BLOCK = 1 << 20
_DIGITS = re.compile(r"(\d+)")


def parts_of(folder: Path) -> list[Path]:
    """Parts of a folder: ``part.2`` comes before ``part.10``; hidden files and those that begin with ``_`` are none."""
    found = [path for path in folder.glob("*.parquet") if not path.name.startswith((".", "_"))]
    return sorted(found, key=lambda path: [int(w) if w.isdigit() else w for w in _DIGITS.split(path.name)])


def input_sha256(path: Path) -> str:
    """SHA-256 of a file; of a folder that of its parts' names and digests, in order."""
    found = hashlib.sha256()
    if path.is_dir():
        for part in parts_of(path):
            found.update(f"{part.name} {input_sha256(part)}\n".encode())
        return found.hexdigest()
    with path.open("rb") as source:
        while block := source.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def input_bytes(path: Path) -> int:
    """Size of a file, or of all parts of a folder."""
    return sum(part.stat().st_size for part in parts_of(path)) if path.is_dir() else path.stat().st_size


def open_folder(
    folder: Path, vocabulary: Vocabulary, limits: Limits
) -> tuple[Layout, dict[str, Any], Callable[[Counter[str], str | None], Iterator[Chunk]]]:
    """Open a folder of parts. Every part must hold the required columns; others may be missing in some parts.

    Returns:
        The layout of all columns met, notes for the manifest, and the reader of blocks.

    Raises:
        ContractError: there is no part, or a part is refused, which is named.
    """
    parts = parts_of(folder)
    if not parts:
        raise refusal(folder.name, "no_parts")
    layouts = []
    for part in parts:
        sniff(part, limits)
        layouts.append(parquet.parquet_layout(parquet.open_parquet(part, limits), vocabulary, limits))
    rows = [pq.read_metadata(part).num_rows for part in parts]
    readings = {name: reading for layout in layouts for name, reading in layout.fields.items()}

    def blocks(dropped: Counter[str], only: str | None) -> Iterator[Chunk]:
        first = 1
        for part, layout, count in zip(parts, layouts, rows, strict=True):
            file = parquet.open_parquet(part, limits)
            key = only if only in layout.fields else None
            for block in parquet.parquet_blocks(file, layout, key, name=part.name, first=first):
                yield block if key else block.completed(readings)
            first += count

    ignored = list(dict.fromkeys(name for layout in layouts for name in layout.ignored))
    notes = {"parts": [part.name for part in parts], "units": dict(layouts[0].units), "columns_ignored": ignored}
    return layouts[0], notes, blocks
