"""What a run has already done, on disk: parts, then one line each, so that a crash loses at most one chunk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import feather

from eco_credit.core.canonical import canonical_json, digest
from eco_credit.core.errors import ContractError, Violation
from serving.batch.folder import input_sha256
from serving.batch.lease import Lease
from serving.batch.output import write_part
from serving.batch.rules import TEXTS, refusal
from serving.batch.whole import sync
from serving.batch.witness import differing

file_sha256 = input_sha256
"""SHA-256 of a file, read in blocks."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished chunk: its number, rows in, rows good, rule days met, digests of its two part files."""

    chunk: int
    rows: int
    good: int
    days: tuple[str, ...]
    result: str | None
    rejects: str | None


class Journal:
    """The folder of a run's parts. Only one run may hold it at a time."""

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        """A folder for the parts of the run with this identity."""
        self.folder, self.identity = folder, dict(identity)
        self.entries: list[Entry] = []
        self.lease = Lease(folder)

    @property
    def _log(self) -> Path:
        return self.folder / "journal.jsonl"

    def open(self, *, resume: bool) -> None:
        """Take hold of the folder; continue it when asked to and when it is the same run.

        Args:
            resume: keep the chunks whose parts still have their digests; otherwise start anew.

        Raises:
            ContractError: another run holds the folder (``busy``), what was interrupted computed with something else
                (``other_witness``), or is not this run (``input_changed``).
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except (FileNotFoundError, NotADirectoryError):
            raise refusal(self.folder.name, "not_writable") from None
        self.lease.take()
        try:
            self._go_on(self._lines() if resume else [])
        except BaseException:
            self.close(remove=False)
            raise

    def _go_on(self, lines: list[dict[str, Any]]) -> None:
        """Keep what is intact of an interrupted run, and begin the log anew with it."""
        if lines and lines[0].get("run") != digest(self.identity):
            raise _other_run(lines[0].get("witness"), self.identity.get("witness", {}))
        token = lines[0].get("token") if lines else None
        self.entries = self._intact([line for line in lines[1:] if line.get("token") == token])
        self._rewrite()

    def _lines(self) -> list[dict[str, Any]]:
        """Whole lines of the log; a torn last line does not count."""
        if not self._log.is_file():
            return []
        found = []
        for line in self._log.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:
            try:
                found.append(json.loads(line))
            except ValueError:
                break
        return found

    def _intact(self, lines: list[dict[str, Any]]) -> list[Entry]:
        """Entries up to the first whose parts are not what was written."""
        kept: list[Entry] = []
        for line in lines:
            entry = Entry(**({k: v for k, v in line.items() if k != "token"} | {"days": tuple(line["days"])}))
            whole = all(
                expected is None or (path.is_file() and file_sha256(path) == expected)
                for path, expected in (
                    (self.part(entry.chunk, "result"), entry.result),
                    (self.part(entry.chunk, "rejects"), entry.rejects),
                )
            )
            if entry.chunk != len(kept) or not whole:
                break
            kept.append(entry)
        return kept

    def _rewrite(self) -> None:
        temporary = self._log.with_suffix(".part")
        token = {"token": self.lease.token}
        head = {"run": digest(self.identity), "witness": self.identity.get("witness", {})}
        lines = [head | token, *(asdict(entry) | token for entry in self.entries)]
        temporary.write_bytes(b"".join(canonical_json(line) + b"\n" for line in lines))
        sync(temporary)
        temporary.replace(self._log)
        sync(self.folder)

    def part(self, chunk: int, name: str) -> Path:
        """Path of a part file: ``result`` or ``rejects`` of a chunk."""
        return self.folder / f"{chunk:06d}.{name}.arrow"

    def add(self, rows: int, good: int, *, days: tuple[str, ...], tables: Mapping[str, pa.Table | None]) -> Entry:
        """Make one finished chunk durable: parts first, then the line."""
        self.lease.renew()
        chunk = len(self.entries)
        found: dict[str, str | None] = {}
        for name in ("result", "rejects"):
            table = tables.get(name)
            if table is not None and table.num_rows:
                write_part(table, self.part(chunk, name))
                found[name] = file_sha256(self.part(chunk, name))
        entry = Entry(chunk, rows, good, days, found.get("result"), found.get("rejects"))
        with self._log.open("ab") as sink:
            sink.write(canonical_json(asdict(entry) | {"token": self.lease.token}) + b"\n")
            sink.flush()
            os.fsync(sink.fileno())
        self.entries.append(entry)
        return entry

    def tables(self, name: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The parts of one kind, in order, one at a time; only some columns where they are named."""
        for entry in self.entries:
            if getattr(entry, name) is not None:
                yield _read(self.part(entry.chunk, name), columns)

    def pairs(self) -> Iterator[tuple[pa.Table | None, pa.Table | None]]:
        """Results and rejects of each chunk, in order."""
        for entry in self.entries:
            read = [
                _read(self.part(entry.chunk, name)) if getattr(entry, name) is not None else None
                for name in ("result", "rejects")
            ]
            yield read[0], read[1]

    def schema(self, name: str) -> pa.Schema | None:
        """Schema of the first part of one kind; None when there is none."""
        for entry in self.entries:
            if getattr(entry, name) is not None:
                with pa.ipc.open_file(self.part(entry.chunk, name)) as part:
                    return part.schema
        return None

    def close(self, *, remove: bool) -> None:
        """Let the folder go; remove it when everything has been put together."""
        self.lease.release()
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)


def _read(part: Path, columns: list[str] | None = None) -> pa.Table:
    """Read a part into memory: a part that is mapped could not be removed everywhere."""
    return feather.read_table(part, columns=columns, use_threads=False, memory_map=False)


def _other_run(then: Any, now: Mapping[str, str]) -> ContractError:
    """Why an interrupted run is not this one: it computed with something else, which is named, or had another input."""
    names = [name for name in differing(now, then) if name in then] if isinstance(then, dict) else []
    if not names:
        return refusal("--resume", "input_changed")
    en, zh = TEXTS["other_witness"]
    told = ", ".join(f"{name} {str(then[name])[:16]} -> {now[name][:16]}" for name in names)
    return ContractError([Violation("--resume", "other_witness", f"{en}: {told}", f"{zh}：{told}")])
