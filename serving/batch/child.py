"""The process in which a workbook is decoded: few rights, little memory, few seconds.

Run as ``python -m serving.batch.child KIND FILE`` it reads one application and writes one JSON document; as
``python -m serving.batch.child --sheets FILE LIMITS`` it writes heads and rows as lines of JSON, and ``{"end": true}``
when all is there; as ``python -m serving.batch.child --parquet LIMITS`` it looks at the files named on its input. It
writes nothing else.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

MEMORY = 1 << 30
"""Address space of the process that reads one application, bytes."""
SECONDS = 10
"""Processor time of that process."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def limit(memory: int, seconds: float, written: int) -> None:
    """Bound memory, processor time, open files and bytes written; leave no core, which would hold personal data."""
    try:
        import resource  # not on every platform
    except ImportError:
        return
    wanted = {
        resource.RLIMIT_AS: memory, resource.RLIMIT_CPU: max(int(seconds), 1), resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: written, resource.RLIMIT_NOFILE: 64,
    }  # fmt: skip
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        later = kind == resource.RLIMIT_CPU and bound != hard  # at the hard end of its time it dies without a reason
        resource.setrlimit(kind, (bound, bound + later))


def answer(kind: str, path: Path) -> dict[str, Any]:
    """What the workbook holds, or why it is refused, as plain data."""
    from eco_credit.core.errors import ContractError
    from serving.batch.one import read_one

    try:
        return {"read": asdict(read_one(kind, path))}
    except ContractError as error:
        return _refused(error)


def _refused(error: Any) -> dict[str, Any]:
    return {"refused": [{"field": v.field, "rule": v.rule, "en": v.en, "zh": v.zh} for v in error.violations]}


def lines(path: Path, limits: Any) -> Iterator[str]:
    """Heads and rows of a workbook as lines; the last one says that all is there, or why it is refused."""
    from eco_credit.core.errors import ContractError
    from serving.batch.decode import line_of
    from serving.batch.sheets import walk

    try:
        for one in walk(path, limits):
            yield line_of(one)
        yield json.dumps({"end": True})
    except ContractError as error:
        yield json.dumps(_refused(error))


def sheets(path: Path, told: dict[str, Any]) -> int:
    """Write the lines of a workbook; the exit code."""
    from serving.batch.isolated import NO_MEMORY, NO_ROOM
    from serving.batch.settings import Limits

    limits = Limits(**told)
    limit(limits.reader_bytes, limits.reader_seconds, 2 * limits.table_bytes)
    try:
        for line in lines(path, limits):
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except MemoryError:
        return NO_MEMORY
    except OSError as error:
        if error.errno == errno.EFBIG:
            return NO_MEMORY
        if error.errno in _FULL:
            return NO_ROOM
        raise
    return 0


def footers(paths: list[str], told: dict[str, Any]) -> int:
    """Look at what the end of each parquet file says of every column: a damaged one can end the process.

    Returns:
        The exit code.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    limit(told["reader_bytes"], told["reader_seconds"], 1 << 20)
    for path in paths:
        sys.stdout.write(f"{path}\n")
        sys.stdout.flush()
        try:
            metadata = pq.read_metadata(path)
        except (pa.ArrowException, OSError, ValueError):
            continue  # the parent meets the same and names it
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            for place in range(group.num_columns):
                group.column(place)
    return 0


def main(words: list[str]) -> int:
    """Do what is asked; the exit code."""
    if words[0] == "--sheets":
        return sheets(Path(words[1]), json.loads(words[2]))
    if words[0] == "--parquet":
        return footers(json.loads(sys.stdin.read()), json.loads(words[1]))
    limit(MEMORY, SECONDS, 0)
    sys.stdout.write(json.dumps(answer(words[0], Path(words[1])), ensure_ascii=True, allow_nan=False))
    return 0


if __name__ == "__main__":
    if code := main(sys.argv[1:]):
        os._exit(code)  # a last attempt to write what does not fit would hide the reason
