"""What a process computes with, by digest: it must be what the run computes with, before it may work for it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import data_contracts
import eco_credit
import serving
from eco_credit.core.canonical import digest
from eco_credit.core.errors import EcoCreditError
from eco_credit.core.provenance import code_version

READ = frozenset({".py", ".yaml"})
"""Endings of the files that numbers depend on: code, contracts, rules."""
_POINTS = 4_096


@cache
def witness() -> dict[str, str]:
    """What this process computes with.

    Returns:
        ``code``: digest of all code, contracts and rules; ``version``: of this software; ``python``, ``numpy`` and
        ``pyarrow``: their versions; ``arithmetic``: digest of elementary functions at fixed points, because the last
        bit of an exponential depends on the kind of processor.
    """
    return {
        "version": code_version(),
        "code": _code(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
        "arithmetic": _arithmetic(),
    }


def full_witness(score: Any) -> dict[str, str]:
    """`witness` of this process, and the digest of what a scorer finds here: model, rules, book.

    Args:
        score: a scorer, asked for its ``identity``.

    Returns:
        The witness with ``model``: a digest, or the code of the error that loading it gave.
    """
    try:
        return witness() | {"model": digest(dict(score.identity))}
    except EcoCreditError as error:
        return witness() | {"model": error.code}


def differing(own: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Names under which two witnesses differ.

    Example:
        >>> differing({"code": "a", "numpy": "2.4"}, {"code": "a", "numpy": "2.3"})
        ['numpy']
    """
    return [name for name in own if own[name] != other.get(name)]


def _code() -> str:
    """Digest of the files of our packages by place within them; where they are installed does not count."""
    whole = hashlib.sha256()
    for package in (data_contracts, eco_credit, serving):
        root = Path(str(package.__file__)).parent
        for path in sorted(p for p in root.rglob("*") if p.suffix in READ):
            whole.update(f"{root.name}/{path.relative_to(root).as_posix()}\0".encode())
            whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _arithmetic() -> str:
    """Digest of the bits of elementary functions at fixed points, computed as vectors and one by one."""
    points = np.arange(1, _POINTS + 1) / 128.0
    functions = (np.exp, np.log, np.log1p, np.expm1, np.sqrt, np.tanh)
    results = [function(points) for function in functions]
    results += [np.array([function(point) for point in points[:64]]) for function in functions]
    return hashlib.sha256(np.concatenate(results).tobytes()).hexdigest()
