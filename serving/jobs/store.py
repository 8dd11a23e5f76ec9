"""Jobs as folders: one per job, under a folder of its tenant; what is not of the tenant is not there.

A job's folder holds ``job.json`` (what was asked), ``input.*`` until the end, the files of the run, ``progress.json``
and, at the end, ``status.json``. A file ``cancel`` says that somebody called it off. Every file is written whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json
from serving.batch.whole import whole_file

JOB_ID = re.compile(r"j-[0-9a-v]{26}")
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
ENDED = frozenset({"complete", "failed", "cancelled"})
"""States that do not change any more."""
FILES = {"result": "out{ending}", "rejects": "out.rejects{ending}", "manifest": "out.manifest.json"}
"""What a job leaves behind, by name."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a job, beside its file.

    Attributes:
        ending: ending of the input, such as ``.xlsx``.
        result: ending of result and rejects.
        mappings: names of shipped mappings.
        reasons: reason columns to write.
        reject_limit: share of rejected rows that fails the job, ratio.
        lang: language of the report.
        name: name of the file as the sender calls it, for lists of the own tenant only.
    """

    ending: str
    result: str
    mappings: tuple[str, ...] = ()
    reasons: int = 3
    reject_limit: float = 0.5
    lang: str = "zh"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One job: where it is, who asked for what, and when (UTC)."""

    folder: Path
    job_id: str
    tenant: str
    user: str
    created_at: str
    digest: str
    wanted: Wanted

    @property
    def input(self) -> Path:
        """The file to be scored; gone when the job has ended, since it holds personal data."""
        return self.folder / f"input{self.wanted.ending}"

    def file(self, name: str) -> Path:
        """A file of `FILES`."""
        return self.folder / FILES[name].format(ending=self.wanted.result)

    @property
    def ended(self) -> bool:
        """How it ended is written down."""
        return (self.folder / "status.json").exists()

    def status(self) -> dict[str, Any]:
        """State, and at the end counts, figures, or the problem."""
        ended = read_json(self.folder / "status.json")
        if ended is not None:
            return ended
        if (self.folder / "cancel").exists():
            return {"state": "cancelled"}
        progress = read_json(self.folder / "progress.json")
        return {"state": "queued"} if progress is None else {"state": "running"} | progress


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object from a file; None when there is no such file or it is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON object whole."""
    with whole_file(path) as temporary:
        temporary.write_bytes(canonical_json(content))


class KeyTaken(Exception):
    """The idempotency key stands for another request."""


class JobStore:
    """All jobs of a store."""

    def __init__(self, home: Path) -> None:
        """Jobs under ``home/jobs``."""
        self.root = home / "jobs"

    def _of(self, tenant: str) -> Path:
        """The folder of a tenant: its name does not become a path."""
        return self.root / hashlib.sha256(tenant.encode()).hexdigest()[:32]

    def fresh(self, tenant: str) -> Path:
        """A new folder that no list shows until `add` is called."""
        number = "".join(secrets.choice(_ALPHABET) for _ in range(26))
        folder = self._of(tenant) / f"j-{number}"
        folder.mkdir(parents=True, mode=0o700)
        return folder

    def add(self, folder: Path, by: tuple[str, str], now: datetime, wanted: Wanted, *, key: str | None) -> Job:
        """Make a job of a folder whose input has been received.

        Args:
            folder: as `fresh` gave it, with ``input.*`` inside.
            by: tenant and user.
            now: UTC.
            wanted: what is asked.
            key: idempotency key of the tenant, or None.

        Returns:
            The job; the earlier one when the key was used for the same request, and this folder is gone then.

        Raises:
            KeyTaken: the key stands for another request; this folder is gone.
        """
        tenant, user = by
        digest = _digest(folder / f"input{wanted.ending}", wanted)
        job = Job(folder, folder.name, tenant, user, now.isoformat(timespec="seconds"), digest, wanted)
        write_json(folder / "draft.json", _plain(job))
        if key is not None:
            first = self._claim(job, key)
            if first is not None and first != job.job_id:
                shutil.rmtree(folder, ignore_errors=True)
                earlier = self.find(tenant, first)
                if earlier is None or earlier.digest != digest:
                    raise KeyTaken
                return earlier
        (folder / "draft.json").replace(folder / "job.json")
        return job

    def _claim(self, job: Job, key: str) -> str:
        """Number of the job a key stands for: this one, unless an earlier one has it."""
        claims = self._of(job.tenant) / "keys"
        claims.mkdir(exist_ok=True, mode=0o700)
        claim = claims / hashlib.sha256(key.encode()).hexdigest()
        beside = claims / f".{job.job_id}"
        beside.write_text(job.job_id, encoding="ascii")
        try:
            os.link(beside, claim)  # fails when the key is taken, and is never half done
        except FileExistsError:
            first = claim.read_text(encoding="ascii")
            if self.find(job.tenant, first) is not None:
                return first
            beside.replace(claim)  # the earlier job never came about, or its time is over
        finally:
            beside.unlink(missing_ok=True)
        return job.job_id

    def find(self, tenant: str, job_id: str) -> Job | None:
        """A job of a tenant; None for an unknown number and for another tenant's alike."""
        return _read(self._of(tenant) / job_id) if JOB_ID.fullmatch(job_id) else None

    def of_tenant(self, tenant: str) -> list[Job]:
        """Jobs of a tenant, the newest first."""
        return sorted(_jobs(self._of(tenant)), key=lambda job: (job.created_at, job.job_id), reverse=True)

    def all(self) -> list[Job]:
        """All jobs, the oldest first."""
        found = [job for tenant in self.root.glob("*") for job in _jobs(tenant)]
        return sorted(found, key=lambda job: (job.created_at, job.job_id))

    def end(self, job: Job, status: dict[str, Any]) -> None:
        """Write down how a job ended, and drop its input and parts."""
        write_json(job.folder / "status.json", status)
        job.input.unlink(missing_ok=True)
        shutil.rmtree(job.folder / "out.parts", ignore_errors=True)

    def purge(self, now: datetime, days: int) -> int:
        """Remove jobs that ended, and drafts, older than so many days; how many."""
        gone = 0
        for job in self.all():
            if job.status()["state"] in ENDED and datetime.fromisoformat(job.created_at) < now - timedelta(days=days):
                shutil.rmtree(job.folder, ignore_errors=True)
                gone += 1
        return gone


def _jobs(folder: Path) -> Iterator[Job]:
    for entry in folder.glob("j-*"):
        job = _read(entry)
        if job is not None:
            yield job


def _plain(job: Job) -> dict[str, Any]:
    return {"job_id": job.job_id, "tenant": job.tenant, "user": job.user, "created_at": job.created_at,
            "digest": job.digest, "wanted": asdict(job.wanted)}  # fmt: skip


def _read(folder: Path) -> Job | None:
    found = read_json(folder / "job.json")
    if found is None:
        return None
    with suppress(TypeError, KeyError):
        wanted = Wanted(**(found["wanted"] | {"mappings": tuple(found["wanted"]["mappings"])}))
        told = {name: str(found[name]) for name in ("job_id", "tenant", "user", "created_at", "digest")}
        return Job(folder=folder, wanted=wanted, **told)
    return None


def _digest(path: Path, wanted: Wanted) -> str:
    """Digest of a request: its file and what is asked."""
    with path.open("rb") as source:
        content = hashlib.file_digest(source, "sha256").hexdigest()
    asked = canonical_json(asdict(wanted) | {"input": content})
    return hashlib.sha256(asked).hexdigest()
