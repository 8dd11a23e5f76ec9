"""Starts the processes of waiting jobs, a bounded number at once, and takes up jobs that a stop left behind."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from serving.batch.lease import Lease
from serving.jobs.child import BUSY
from serving.jobs.store import ENDED, Job, JobStore

if TYPE_CHECKING:
    from serving.settings import Settings

log = logging.getLogger("eco_credit.jobs")
MOST_DEATHS = 3
"""A job whose process died so often is given up: its file may be what kills it."""


class Runner:
    """Runs the jobs of a store; several services on one store share them by the lease."""

    def __init__(self, settings: Settings) -> None:
        """A runner for the store of these settings; nothing starts before `tick`."""
        self.settings, self.store = settings, JobStore(settings.home)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._deaths: dict[str, int] = {}
        self._purged: datetime | None = None

    def tick(self, now: datetime) -> None:
        """Look after the processes once: end the cancelled, note the dead, start the waiting, drop the old."""
        every = self.store.all()
        for job in every:
            if job.job_id in self._children or not job.ended:
                self._look_after(job)
        open_jobs = [job for job in every if not job.ended]
        for job in open_jobs:
            if len(self._children) >= self.settings.job_processes:
                break
            if job.job_id not in self._children and self._waits(job):
                self._start(job)
        if self._purged is None or (now - self._purged).total_seconds() > 3600:
            self._purged = now
            self.store.purge(now, self.settings.job_days)

    def _waits(self, job: Job) -> bool:
        """No process anywhere runs this job, and it has not ended."""
        return job.status()["state"] not in ENDED and Lease(job.folder).free()

    def _look_after(self, job: Job) -> None:
        cancelled = (job.folder / "cancel").exists()
        child = self._children.get(job.job_id)
        if child is not None and cancelled and child.poll() is None:
            child.kill()
            child.wait()
        if child is not None and child.poll() is not None:
            del self._children[job.job_id]
            if child.returncode not in (0, BUSY) and not cancelled and not job.ended:
                self._died(job, child.returncode)
        if cancelled and not job.ended and job.job_id not in self._children and Lease(job.folder).free():
            self.store.end(job, {"state": "cancelled"})

    def _died(self, job: Job, code: int) -> None:
        """A process died without an end: try again, but not for ever."""
        deaths = self._deaths[job.job_id] = self._deaths.get(job.job_id, 0) + 1
        log.error("the process of job %s ended with %s, time %s", job.job_id, code, deaths)
        if deaths >= MOST_DEATHS:
            en, zh = "the process of this job died several times and was given up", "作业进程多次异常退出，已放弃"
            self.store.end(job, {"state": "failed", "problem": {"code": "died", "en": en, "zh": zh, "errors": []}})

    def _start(self, job: Job) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG", "TMPDIR") if name in os.environ}
        given = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1",
                 "OMP_NUM_THREADS": "1"}  # fmt: skip
        child = subprocess.Popen(  # noqa: S603 - our own module, no shell
            [sys.executable, "-P", "-m", "serving.jobs.child", str(job.folder)], env=kept | given,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        if child.stdin is not None:
            child.stdin.write(json.dumps(self._told()).encode())
            child.stdin.close()
        self._children[job.job_id] = child

    def _told(self) -> dict[str, Any]:
        """What the child must know: places and the model's name, no secret."""
        s = self.settings
        places: dict[str, Path | None] = {"home": s.home, "overlay": s.overlay, "book": s.book}
        told: dict[str, Any] = {name: None if path is None else str(path.absolute()) for name, path in places.items()}
        return told | {"model": s.model_name}

    def stop(self) -> None:
        """End the processes; what they finished is kept, and the next service goes on from there."""
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()
