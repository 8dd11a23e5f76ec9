"""Canonical JSON and digests: what is hashed, signed and replayed.

Sorted keys, UTF-8, no spaces, shortest float text that reads back to the same double; NaN and
infinity are refused. (The idea follows RFC 8785; key order here is by code point.)
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

# Made once: the module's own `dumps` makes one for each call. Plain data holds no circles to look for.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
)


def canonical_json(value: Any) -> bytes:
    r"""Write a value as canonical JSON.

    Args:
        value: dict, list, str, int, float, bool or None, nested.

    Returns:
        UTF-8 bytes; equal values give equal bytes.

    Raises:
        ValueError: a number is NaN or infinite.

    Example:
        >>> canonical_json({"b": 1.50, "a": "林"})
        b'{"a":"\xe6\x9e\x97","b":1.5}'
    """
    return _ENCODER.encode(value).encode("utf-8")


def sha256(data: bytes) -> str:
    """SHA-256 of bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of a value."""
    return sha256(canonical_json(value))
