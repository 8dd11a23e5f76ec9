"""A file in, a result file out, with rejects and a manifest beside it; in = out + rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from eco_credit.contracts import contract
from eco_credit.contracts.mapping import TapeMapping
from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import GateNotMet
from eco_credit.core.numbers import Columns
from eco_credit.core.provenance import code_version
from serving.batch.chunk import Chunk, rechunk
from serving.batch.engines import Engine, local
from serving.batch.folder import input_bytes, input_sha256
from serving.batch.journal import Journal, file_sha256
from serving.batch.mapping import mapping_digest
from serving.batch.output import arrow_table, suffix, whole_file, write_parts
from serving.batch.rules import TEXTS, refusal
from serving.batch.settings import Limits
from serving.batch.source import Source, open_source
from serving.batch.work import REJECT_COLUMNS, Task

ECHO = (
    "application_id",
    "pledge_id",
    "kind",
    "as_of",
    "area_code",
    "borrower_kind",
    "size_class",
    "relation_group",
    "amount_requested",
)
"""Input columns repeated in the result: what a reader needs to join and to sum up, nothing personal."""
FORMAT = 1
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
        progress: called with rows done and rows in all after every chunk.
        after_chunk: called with the number of chunks that are durable; tests break a run here.
    """

    limits: Limits = field(default_factory=Limits)
    engine: Engine = local
    resume: bool = False
    mapping: TapeMapping | None = None
    progress: Callable[[int, int], None] = lambda done, total: None
    after_chunk: Callable[[int], None] = lambda chunks: None


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a run writes: ``OUT``, and beside it rejects, manifest and, while it runs, its parts."""

    out: Path
    rejects: Path
    manifest: Path
    parts: Path

    @classmethod
    def of(cls, out: Path) -> Paths:
        """``a.csv`` gives ``a.rejects.csv``, ``a.manifest.json`` and the folder ``a.parts``."""
        ending, stem = suffix(out), out.with_suffix("").name
        return cls(
            out,
            out.with_name(f"{stem}.rejects{ending}"),
            out.with_name(f"{stem}.manifest.json"),
            out.with_name(f"{stem}.parts"),
        )


class RejectShare(GateNotMet):
    """More rows were rejected than the limit allows; the reject file and the manifest are kept."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        """Carry the manifest of the failed run."""
        counts, limit = manifest["counts"], manifest["limits"]["reject_share"]
        en, zh = TEXTS["reject_share"]
        told = f"--reject-limit {limit:g} [reject_share]"
        share, file = f"{counts['rejected']}/{counts['rows']}", manifest["rejects"]["file"]
        super().__init__(f"{told} {share}: {en}: {file}", f"{told} {share}：{zh}：{file}")
        self.manifest = manifest


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
    """
    chosen = options or Options()
    paths = Paths.of(out)
    if path.resolve() in {paths.out.resolve(), paths.rejects.resolve(), paths.manifest.resolve()}:
        raise refusal(out.name, "same_file")
    source = open_source(
        path, contract("batch_input").fields, chosen.limits, merged=frozenset(loan_columns()), mapping=chosen.mapping
    )
    survey = source.survey()
    journal = Journal(paths.parts, _identity(source, scorer, chosen))
    journal.open(resume=chosen.resume)
    finished = False
    try:
        paths.manifest.unlink(missing_ok=True)
        sheets = len(source.notes.get("sheets", ())) > 1
        task = Task(contract("batch_input"), scorer, ECHO, loan_columns(), survey.scattered, survey.oversized, sheets)
        _work_through(source, task, journal=journal, options=chosen)
        manifest = _finish(source, journal, paths=paths, options=chosen)
        finished = True
    finally:
        journal.close(remove=finished)
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
        "code_version": code_version(),
        "pyarrow": pa.__version__,
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
    for number, chunk in enumerate(chunks):
        if number >= finished:
            yield chunk


def _finish(source: Source, journal: Journal, *, paths: Paths, options: Options) -> dict[str, Any]:
    """Put the parts together; the manifest is written last and says that all is there."""
    rows, good = (sum(getattr(entry, name) for entry in journal.entries) for name in ("rows", "good"))
    reject_schema = pa.schema([(name, pa.int64() if name == "row" else pa.string()) for name in REJECT_COLUMNS])
    write_parts(journal.tables("rejects"), paths.rejects, empty=reject_schema)
    accepted = rows - good <= options.limits.reject_share * rows
    if accepted:
        empty = journal.schema("result") or pa.schema([("row", pa.int64())])
        write_parts(journal.tables("result"), paths.out, empty=empty)
    else:
        with suppress(FileNotFoundError):
            paths.out.unlink()
    manifest = _manifest(source, journal, paths=paths, accepted=accepted)
    manifest["limits"] = {"reject_share": options.limits.reject_share}
    with whole_file(paths.manifest) as temporary:
        temporary.write_bytes(canonical_json(manifest) + b"\n")
    return manifest


def _manifest(source: Source, journal: Journal, *, paths: Paths, accepted: bool) -> dict[str, Any]:
    """Facts of a run; no time and no path of this machine, so equal runs give equal manifests."""
    rows, good = (sum(getattr(entry, name) for entry in journal.entries) for name in ("rows", "good"))
    survey = source.survey()
    return {
        "status": "complete" if accepted else "failed",
        "reason": None
        if accepted
        else {"rule": "reject_share", "en": TEXTS["reject_share"][0], "zh": TEXTS["reject_share"][1]},
        "run": journal.identity,
        "input": {
            "file": source.path.name,
            **source.notes,
            "dropped": survey.dropped,
            "warnings": list(survey.warnings),
        },
        "counts": {"rows": rows, "scored": good, "rejected": rows - good, "chunks": len(journal.entries)},
        "rule_days": sorted({day for entry in journal.entries for day in entry.days}),
        "output": {"file": paths.out.name, "sha256": file_sha256(paths.out)} if accepted else None,
        "rejects": {"file": paths.rejects.name, "sha256": file_sha256(paths.rejects)},
    }
