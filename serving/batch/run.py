"""A file in, a result file out, with rejects and a manifest beside it; in = out + rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from eco_credit.contracts import contract
from eco_credit.contracts.mapping import TapeMapping
from eco_credit.core.numbers import Columns
from serving.batch.chunk import Chunk, rechunk
from serving.batch.engines import Engine, local
from serving.batch.finish import Ending, Paths, RejectShare, disk_told, finish
from serving.batch.folder import input_bytes, input_sha256
from serving.batch.journal import Journal
from serving.batch.mapping import mapping_digest
from serving.batch.output import arrow_table
from serving.batch.settings import Limits
from serving.batch.source import Source, open_source
from serving.batch.target import check_target
from serving.batch.witness import witness
from serving.batch.work import Task

ECHO = (
    "application_id",
    "pledge_id",
    "kind",
    "as_of",
    "synthetic",
    "area_code",
    "borrower_kind",
    "size_class",
    "relation_group",
    "amount_requested",
)
"""Input columns repeated in the result: what a reader needs to join and to sum up, and whether a simulator made the
row; nothing personal."""
FORMAT = 3
"""Number of the layout of result, rejects and manifest; part of the identity of a run."""


class Scorer(Protocol):
    """Scores flat rows and says what it scores with; it must be picklable for a cluster."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Digests of model, rules and contract: another identity is another run."""

    def __call__(self, columns: Columns) -> Columns:
        """Result columns, one row per input row, in the same order."""


@dataclass(frozen=True)
class Options:
    """How a run is done; only ``limits`` can change its bytes.

    Attributes:
        limits: sizes and the reject limit.
        engine: who does the work.
        resume: continue an interrupted run.
        mapping: what headers that are not ours mean; another mapping is another run.
        lang: language of the report.
        progress: called with rows done and rows in all after every chunk.
        after_chunk: called with the number of chunks that are durable; tests break a run here.
    """

    limits: Limits = field(default_factory=Limits)
    engine: Engine = local
    resume: bool = False
    mapping: TapeMapping | None = None
    lang: str = "zh"
    progress: Callable[[int, int], None] = lambda done, total: None
    after_chunk: Callable[[int], None] = lambda chunks: None


def run_batch(path: Path, out: Path, *, scorer: Scorer, options: Options | None = None) -> dict[str, Any]:
    """Score a file.

    Args:
        path: parquet, csv or xlsx with the columns of the contract ``batch_input``.
        out: result file; its ending is the format of result and rejects.
        scorer: what scores the good rows.
        options: limits, engine, resume, progress.

    Returns:
        The manifest, as written.

    Raises:
        ContractError: the file is refused, or a resumed run is not the one interrupted.
        RejectShare: too many rows were rejected; rejects and manifest are kept, no result is.
        DiskFull, DiskFault: there is no room, or a file is refused; what was finished is kept for ``resume``.
    """
    chosen = options or Options()
    paths = Paths.of(out)
    check_target(path, paths)
    with disk_told():
        source = open_source(
            path, contract("batch_input").fields, chosen.limits, merged=frozenset(loan_columns()),
            mapping=chosen.mapping,
        )
        survey = source.survey()
    journal = Journal(paths.parts, _identity(source, scorer, chosen))
    with disk_told():
        journal.open(resume=chosen.resume)
    finished = False
    try:
        sheets = len(source.notes.get("sheets", ())) > 1
        task = Task(contract("batch_input"), scorer, ECHO, loan_columns(), survey.scattered, survey.oversized, sheets)
        with disk_told():
            paths.manifest.unlink(missing_ok=True)
            _work_through(source, task, journal=journal, options=chosen)
            ending = Ending(chosen.limits.reject_share, chosen.lang, getattr(scorer, "overlay", None))
            manifest = finish(source, journal, paths=paths, ending=ending)
        finished = True
    finally:
        journal.close(remove=finished or (not journal.entries and journal.lease.ours))
    if manifest["status"] != "complete":
        raise RejectShare(manifest)
    return manifest


def loan_columns() -> tuple[str, ...]:
    """Columns that belong to the application, not to one pledge."""
    names = {each.column for each in contract("batch_input").fields}
    root = contract("application").root
    own = [*root.fields, *(each for group in root.groups if not group.many for each in group.fields)]
    return tuple(each.column for each in own if each.column in names)


def _identity(source: Source, scorer: Scorer, options: Options) -> dict[str, Any]:
    """What makes two runs the same run."""
    return {
        "format": FORMAT,
        "input_sha256": input_sha256(source.path),
        "input_format": source.kind,
        "input_bytes": input_bytes(source.path),
        "mapping": mapping_digest(options.mapping),
        "contract": contract("batch_input").reference,
        "chunk_rows": options.limits.chunk_rows,
        "rows_per_application": options.limits.rows_per_application,
        "echo": list(ECHO),
        "witness": witness(),
        "scorer": dict(scorer.identity),
    }


def _work_through(source: Source, task: Task, *, journal: Journal, options: Options) -> None:
    """Do every chunk that is not done yet, in order."""
    total = source.survey().rows
    done = sum(entry.rows for entry in journal.entries)
    options.progress(done, total)
    for result in options.engine(_left(source, len(journal.entries), options.limits), task):
        tables = {"result": arrow_table(result.result) if result.good else None, "rejects": result.rejects}
        journal.add(result.rows, result.good, days=result.days, tables=tables)
        done += result.rows
        options.progress(done, total)
        options.after_chunk(len(journal.entries))


def _left(source: Source, finished: int, limits: Limits) -> Iterator[Chunk]:
    """Chunks behind those already finished."""
    chunks = rechunk(source.blocks(), limits.chunk_rows, longest=limits.rows_per_application)
    return islice(chunks, finished, None)
