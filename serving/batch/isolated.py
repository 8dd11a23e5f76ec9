"""A workbook decoded in a process of its own, its rows on the disk: a hostile one costs that process only.

The child writes lines into a file without a name, which is gone when it is closed; rows are read from there as often as
they are needed, so that the memory of a run does not grow with its workbook.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, overload

from eco_credit.core.errors import ContractError, Violation
from serving.batch.decode import head_of, row_of
from serving.batch.rules import refusal
from serving.batch.settings import Limits
from serving.batch.sheets import Book, Sheet, SheetHead

NO_MEMORY, NO_ROOM = 76, 77
"""Exit codes of a child that ran out of memory, or of room on the disk."""
_WALL = 2.0
"""Time on the wall for each second of processor time: the machine may be busy."""
_BLOCK = 1 << 20


class Spool:
    """The file of the child's answer; closed when nobody needs its rows any more."""

    def __init__(self) -> None:
        """A new file without a name.

        Raises:
            ContractError: no folder for such files may be written (``not_writable``).
        """
        try:
            self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as its rows)
        except FileNotFoundError:
            raise refusal("TMPDIR", "not_writable") from None

    def __del__(self) -> None:
        """Close the file, which removes it."""
        if hasattr(self, "file"):
            self.file.close()


class Rows(Sequence[list[Any]]):
    """Rows of one sheet, read from the disk each time they are gone through."""

    def __init__(self, spool: Spool, start: int) -> None:
        """Rows that begin at this byte of a file; `grow` says where they end."""
        self._spool, self._start, self._stop, self._count = spool, start, start, 0

    def grow(self, length: int) -> None:
        """Another row of so many bytes."""
        self._stop, self._count = self._stop + length, self._count + 1

    def __len__(self) -> int:
        """Number of rows."""
        return self._count

    def __iter__(self) -> Iterator[list[Any]]:
        """Rows in order; several passes may go on at once."""
        at, rest = self._start, b""
        while at < self._stop:
            self._spool.file.seek(at)
            block = self._spool.file.read(min(_BLOCK, self._stop - at))
            if not block:
                return
            at += len(block)
            *lines, rest = (rest + block).split(b"\n")
            yield from map(row_of, lines)

    @overload
    def __getitem__(self, at: int) -> list[Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[list[Any]]: ...
    def __getitem__(self, at: int | slice) -> Any:
        """A row, or some of them: goes through all rows before."""
        return list(self)[at]


def read_isolated(path: Path, limits: Limits) -> Book:
    """Decode a workbook in a child process with bounds on memory, time and what it may write.

    Args:
        path: the workbook, already sniffed.
        limits: bounds of size; ``reader_bytes`` and ``reader_seconds`` bound the process.

    Returns:
        The workbook.

    Raises:
        ContractError: as in `sheets.walk`; and ``reader_memory``, ``reader_time`` or ``reader_stopped`` when the child
            needed more than it may have, or died.
        OSError: there is no room on the disk for its rows.
    """
    spool = Spool()
    with tempfile.TemporaryFile() as said:
        code = _run(path, limits, answer=spool.file, said=said)
        said.seek(0)
        _judge(path.name, code, said.read(_BLOCK))
    return _indexed(path.name, spool)


def check_footers(paths: Sequence[Path], limits: Limits) -> None:
    """Let a child look at the ends of parquet files first: the library ends its process over some damaged ones.

    Raises:
        ContractError: the child died over a file, which is named (``unreadable``).
    """
    words = [sys.executable, "-P", "-m", "serving.batch.child", "--parquet", json.dumps(asdict(limits))]
    try:
        done = subprocess.run(  # noqa: S603  (our own module)
            words, env=clean_environment(), input=json.dumps([str(path.resolve()) for path in paths]).encode(),
            capture_output=True, timeout=_WALL * limits.reader_seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise refusal(paths[0].parent.name, "reader_time") from None
    if done.returncode:
        met = done.stdout.decode().splitlines()
        rule = "unreadable" if done.returncode < 0 else "reader_stopped"
        raise refusal(Path(met[-1]).name if met else paths[0].name, rule)


def clean_environment() -> dict[str, str]:
    """What a child gets of our environment: our own code first, neither secrets nor settings."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "TMPDIR") if name in os.environ}
    own = str(Path(__file__).parents[2])
    given = {"PYTHONPATH": os.pathsep.join([own, *filter(None, sys.path)])}
    return kept | given | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def _run(path: Path, limits: Limits, *, answer: IO[bytes], said: IO[bytes]) -> int | None:
    """Exit code of the child; None when it took too long on the wall."""
    words = [sys.executable, "-P", "-m", "serving.batch.child", "--sheets", str(path.resolve())]
    words.append(json.dumps(asdict(limits)))
    child = subprocess.Popen(  # noqa: S603  (our own module)
        words, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=answer, stderr=said
    )
    try:
        return child.wait(_WALL * limits.reader_seconds + 1.0)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def _judge(name: str, code: int | None, said: bytes) -> None:
    """Why a child ended, as a refusal; nothing when it ended well."""
    if code == 0:
        return
    if code == NO_ROOM:
        raise OSError(errno.ENOSPC, "No space left for the rows of a workbook")
    if code is None or code == -getattr(signal, "SIGXCPU", 0):
        raise refusal(name, "reader_time")
    if code in (NO_MEMORY, -getattr(signal, "SIGKILL", 0)) or b"memory allocation" in said or b"MemoryError" in said:
        raise refusal(name, "reader_memory")
    raise refusal(name, "reader_stopped")


def _indexed(name: str, spool: Spool) -> Book:
    """Where the rows of each sheet stand; a refusal of the child is raised here."""
    book, rows, at, whole = Book(), Rows(spool, 0), 0, False
    spool.file.seek(0)
    for line in spool.file:
        if line.startswith(b"["):
            rows.grow(len(line))
        else:
            found = json.loads(line)
            if "refused" in found:
                raise ContractError([Violation(**one) for one in found["refused"]])
            whole |= "end" in found
            head = None if "end" in found else head_of(found)
            if isinstance(head, SheetHead):
                rows = Rows(spool, at + len(line))
                book.sheets.append(Sheet(head.name, rows, head.merged))
            elif head is not None:
                book.head = head
        at += len(line)
    if not whole:
        raise refusal(name, "reader_stopped")
    return book
