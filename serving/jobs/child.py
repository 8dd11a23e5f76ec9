"""The process in which one job runs: ``python -m serving.jobs.child FOLDER``, settings as JSON on its input.

It takes the lease of the job's folder first, so that two of them never run one job, and picks up what an earlier one
finished. Its end is written down whole; a process that dies leaves the job to the next one.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eco_credit.core.errors import ContractError, EcoCreditError, GateNotMet
from serving.jobs.store import Job, JobStore, read_json, write_json

BUSY = 75
"""Exit code when another process runs this job."""
MEMORY = 4 << 30
"""Address space of the process, bytes."""
MOST_VIOLATIONS = 50


class CalledOff(Exception):
    """Somebody cancelled the job."""


def _limit() -> None:
    """Bound memory; leave no core, which would hold personal data."""
    try:
        import resource  # not on every platform
    except ImportError:
        return
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, hard))


def teller(job: Job) -> Callable[[int, int], None]:
    """Write progress at most twice a second; stop when the job was called off."""
    began, last, first = time.monotonic(), 0.0, [-1]

    def tell(done: int, total: int) -> None:
        nonlocal last
        if (job.folder / "cancel").exists():
            raise CalledOff
        if first[0] < 0:
            first[0] = done
        now = time.monotonic()
        if now - last < 0.5 and done < total and last:
            return
        last = now
        rate = (done - first[0]) / max(now - began, 1e-9)
        left = (total - done) / rate if rate > 0 else None
        write_json(
            job.folder / "progress.json",
            {"done": done, "rows": total, "rows_per_second": round(rate, 1),
             "seconds_left": None if left is None else round(left)},
        )  # fmt: skip

    return tell


def perform(job: Job, given: dict[str, Any]) -> dict[str, Any]:
    """Run the batch of a job; how it ended, as plain data without a value of any row."""
    try:
        manifest = _run(job, given)
    except CalledOff:
        return {"state": "cancelled"}
    except GateNotMet as error:
        manifest = getattr(error, "manifest", None) or {}
        return {"state": "failed", "problem": _problem(error)} | _figures(manifest)
    except EcoCreditError as error:
        return {"state": "failed", "problem": _problem(error)}
    except MemoryError:
        en, zh = "the file needs too much memory: send parquet", "文件占用内存过多，请改用 parquet"
        return {"state": "failed", "problem": {"code": "too_large", "en": en, "zh": zh, "errors": []}}
    return {"state": "complete"} | _figures(manifest)


def _run(job: Job, given: dict[str, Any]) -> dict[str, Any]:
    """Resume, or start anew when the model or the rules have changed since."""
    from serving.batch import Limits, Options, run_batch
    from serving.batch.mapping import mapping_named
    from serving.batch.scorer import ServedScorer
    from serving.cli.book import book_at

    wanted = job.wanted
    path = {name: None if given[name] is None else Path(given[name]) for name in ("home", "overlay", "book")}
    scorer = ServedScorer(
        home=path["home"], overlay=path["overlay"], reasons=wanted.reasons, model=given["model"],
        book=book_at(path["book"]),
    )  # fmt: skip
    limits = Limits(reject_share=wanted.reject_limit, chunk_rows=given.get("chunk_rows", 20_000))
    mapping = mapping_named(wanted.mappings)
    for resume in (True, False):
        options = Options(limits, resume=resume, mapping=mapping, lang=wanted.lang, progress=teller(job))
        try:
            return run_batch(job.input, job.file("result"), scorer=scorer, options=options)
        except ContractError as error:
            if not resume or error.violations[0].rule not in ("input_changed", "other_witness"):
                raise
    raise AssertionError("unreachable")


def _problem(error: EcoCreditError) -> dict[str, Any]:
    """An error as the API tells it."""
    found = error.violations[:MOST_VIOLATIONS] if isinstance(error, ContractError) else ()
    errors = [{"field": v.field, "rule": v.rule, "row": v.row, "en": v.en, "zh": v.zh} for v in found]
    return {"code": error.code, "en": error.en, "zh": error.zh, "errors": errors}


def _figures(manifest: dict[str, Any]) -> dict[str, Any]:
    kept = {name: manifest[name] for name in ("counts", "figures") if name in manifest}
    return kept | {"warnings": manifest.get("input", {}).get("warnings", [])}


def main(folder: Path, given: dict[str, Any]) -> int:
    """Run one job; the exit code."""
    from serving.batch.lease import Lease

    found = read_json(folder / "job.json")
    job = JobStore(folder.parent.parent.parent).find(found["tenant"], folder.name) if found else None
    if job is None:
        return 1
    lease = Lease(folder)
    try:
        lease.take()
    except ContractError:
        return BUSY
    try:
        if "state" in (read_json(folder / "status.json") or {}):
            return 0
        status = perform(job, given)
        lease.renew()
        JobStore(folder.parent.parent.parent).end(job, status)
    finally:
        lease.release()
    return 0


if __name__ == "__main__":
    _limit()
    raise SystemExit(main(Path(sys.argv[1]), json.loads(sys.stdin.read())))
