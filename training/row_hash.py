"""Hashes of the rows of a tape by their content: what digest, order and sample of a tape read in parts rest on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.canonical import sha256
from eco_credit.core.numbers import Columns

MODULUS = 2**256


def row_hashes(raw: Columns) -> list[bytes]:
    """SHA-256 of the content of each row, over the columns in order of their names."""
    parts = []
    for name in sorted(raw):
        values: npt.NDArray[Any] = raw[name]
        if values.dtype == object:
            parts.append(text_hashes(values, 16))
        elif values.dtype.kind == "M":
            parts.append(values.astype("datetime64[D]").astype("<i8").view(np.uint8).reshape(-1, 8))
        else:
            plain = np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8")
            parts.append(plain.view(np.uint8).reshape(-1, 8))
    rows = np.ascontiguousarray(np.hstack(parts))
    return [hashlib.sha256(row.tobytes()).digest() for row in rows]


def text_hashes(values: npt.NDArray[Any], size: int) -> npt.NDArray[np.uint8]:
    """Hash of each text, shape (n, size)."""
    known: dict[str | None, bytes] = {}
    for cell in values.tolist():
        if cell not in known:
            known[cell] = hashlib.blake2b(repr(cell).encode(), digest_size=size).digest()
    joined = b"".join(known[cell] for cell in values.tolist())
    return np.frombuffer(joined, np.uint8).reshape(-1, size)


def total_of(hashes: Iterable[bytes]) -> int:
    """Sum of hashes modulo 2^256: the same in any order and from any parts."""
    return sum(int.from_bytes(row, "little") for row in hashes) % MODULUS


def tape_digest(contract: str, rows: int, total: int) -> str:
    """Digest of a tape whatever the order of its rows.

    Args:
        contract: digest of its contract.
        rows: number of rows.
        total: from `total_of`.
    """
    return sha256(f"rows {contract} {rows} {total:064x}".encode())
