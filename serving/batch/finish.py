"""The end of a run: parts put together, figures drawn, report and manifest written; the manifest is last."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from eco_credit.contracts import contract
from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import EcoCreditError, GateNotMet, StorageUnavailable
from serving.batch.figures import figures_of, unit_warnings
from serving.batch.journal import Journal, file_sha256
from serving.batch.output import suffix, write_parts
from serving.batch.report import run_report
from serving.batch.rules import TEXTS
from serving.batch.source import Source
from serving.batch.whole import whole_file
from serving.batch.work import REJECT_COLUMNS
from serving.batch.workbook import write_workbook

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a run writes: ``OUT``, and beside it rejects, manifest, report and, while it runs, its parts."""

    out: Path
    rejects: Path
    manifest: Path
    report: Path
    parts: Path

    @classmethod
    def of(cls, out: Path) -> Paths:
        """``a.csv`` gives ``a.rejects.csv``, ``a.manifest.json``, ``a.report.html`` and the folder ``a.parts``."""
        ending, stem = suffix(out), out.with_suffix("").name
        beside = [f"{stem}.rejects{ending}", f"{stem}.manifest.json", f"{stem}.report.html", f"{stem}.parts"]
        return cls(out, *(out.with_name(name) for name in beside))


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


class _AtAFile(StorageUnavailable):
    title_en = "The run stopped at a file"
    title_zh = "运行因文件读写中止"


class DiskFull(_AtAFile):
    """The disk, or the quota, is full; what was finished is kept and the run can be resumed."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "[disk_full] the disk is full: nothing half-written was left; make room and run again with --resume",
            "[disk_full] 磁盘空间不足：未留下不完整文件，请腾出空间后用 --resume 继续",
        )


class DiskFault(_AtAFile):
    """A file could not be read or written; what was finished is kept and the run can be resumed."""

    def __init__(self, told: str) -> None:
        """Pass on what the system said, without the path."""
        super().__init__(
            f"[disk_fault] the system refused a file ({told}): nothing half-written was left; "
            "see to the disk or the folder and run again with --resume",
            f"[disk_fault] 系统拒绝读写文件（{told}）：未留下不完整文件，请检查磁盘或文件夹后用 --resume 继续",
        )


@contextmanager
def disk_told() -> Iterator[None]:
    """Turn trouble with the disk into errors of its own.

    Raises:
        DiskFull: there is no room left.
        DiskFault: a file was refused for another reason.
    """
    try:
        yield
    except Exception as error:
        behind = list(_behind(error))
        if any(cause.errno in _FULL or "No space left" in str(cause) for cause in behind):
            raise DiskFull from error
        if behind and not isinstance(error, (EcoCreditError, ConnectionError, TimeoutError)):
            raise DiskFault(behind[0].strerror or type(behind[0]).__name__) from error
        raise


def _behind(error: Exception) -> Iterator[OSError]:
    """What the system said on the way to an error; the writer of workbooks hands it on as an argument."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            yield cause
        first = cause.args[0] if cause.args else None
        cause = cause.__cause__ or cause.__context__ or (first if isinstance(first, BaseException) else None)


@dataclass(frozen=True, slots=True)
class Ending:
    """What the end of a run needs to know of its options.

    Attributes:
        reject_share: share of rejected rows above which there is no result, ratio.
        lang: language of the report, ``zh`` or ``en``.
        overlay: the lender's own rule values, or None.
    """

    reject_share: float
    lang: str
    overlay: Path | None = None


def finish(source: Source, journal: Journal, *, paths: Paths, ending: Ending) -> dict[str, Any]:
    """Put the parts together; the manifest is written last and says that all is there.

    Args:
        source: the input.
        journal: the finished parts.
        paths: where to write.
        ending: the options it needs.

    Returns:
        The manifest.
    """
    journal.lease.renew()
    rows, good = counts_of(journal)
    reject_schema = pa.schema([(name, pa.int64() if name == "row" else pa.string()) for name in REJECT_COLUMNS])
    write_parts(journal.tables("rejects"), paths.rejects, empty=reject_schema)
    accepted = rows - good <= ending.reject_share * rows
    if accepted:
        _result(journal, paths.out)
    else:
        with suppress(FileNotFoundError):
            paths.out.unlink()
    manifest = _manifest(source, journal, paths=paths, accepted=accepted)
    manifest["limits"] = {"reject_share": ending.reject_share}
    manifest["figures"] = figures_of(journal)
    manifest["input"]["warnings"] += unit_warnings(manifest["figures"], manifest["rule_days"], ending.overlay)
    journal.lease.renew()
    for path, content in (
        (paths.report, run_report(manifest, lang=ending.lang).encode()),
        (paths.manifest, canonical_json(manifest) + b"\n"),
    ):
        with whole_file(path) as temporary:
            temporary.write_bytes(content)
    return manifest


def counts_of(journal: Journal) -> tuple[int, int]:
    """Rows in, and rows scored."""
    return sum(entry.rows for entry in journal.entries), sum(entry.good for entry in journal.entries)


def _result(journal: Journal, out: Path) -> None:
    """The result file: a workbook shows every row, the other formats the scored ones."""
    empty = journal.schema("result") or pa.schema([("row", pa.int64())])
    if suffix(out) != ".xlsx":
        write_parts(journal.tables("result"), out, empty=empty)
        return
    labels = {each.column: each.label_zh for each in contract("batch_input").fields}
    with whole_file(out) as temporary:
        write_workbook(journal.pairs(), temporary, empty=empty, labels=labels)


def _manifest(source: Source, journal: Journal, *, paths: Paths, accepted: bool) -> dict[str, Any]:
    """Facts of a run; no time and no path of this machine, so equal runs give equal manifests."""
    rows, good = counts_of(journal)
    survey = source.survey()
    en, zh = TEXTS["reject_share"]
    return {
        "status": "complete" if accepted else "failed",
        "reason": None if accepted else {"rule": "reject_share", "option": "--reject-limit", "en": en, "zh": zh},
        "run": journal.identity,
        "input": {
            "file": source.path.name,
            **source.notes,
            "dropped": survey.dropped,
            "warnings": [*survey.warnings, *source.notices.warnings],
            "noted": source.notices.noted,
        },
        "counts": {"rows": rows, "scored": good, "rejected": rows - good, "chunks": len(journal.entries)},
        "rule_days": sorted({day for entry in journal.entries for day in entry.days}),
        "output": {"file": paths.out.name, "sha256": file_sha256(paths.out)} if accepted else None,
        "rejects": {"file": paths.rejects.name, "sha256": file_sha256(paths.rejects)},
    }
