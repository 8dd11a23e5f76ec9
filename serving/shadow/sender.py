"""From a recorded answer to the challenger's process: a bounded queue and one thread that waits for it."""

from __future__ import annotations

import json
import logging
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from serving.shadow.table import figures_of
from serving.triple import Triple

if TYPE_CHECKING:
    from serving.access import Principal
    from serving.audit import Recorded
    from serving.metrics import Metrics
    from serving.models import Champions
    from serving.settings import Settings

log = logging.getLogger("eco_credit.serving")
_LOOK_SECONDS = 1.0
_END_SECONDS = 5.0
_AGAIN_SECONDS = 30.0


class Shadow:
    """Hands recorded decisions to a process that scores them with the challenger.

    `offer` costs an answer one look and one place in a queue; where the queue is full the decision is not
    shadowed, and counted.
    """

    def __init__(self, settings: Settings, challengers: Champions, metrics: Metrics) -> None:
        """Stand beside a service; no thread and no process before the first decision is offered."""
        self._settings, self._challengers, self._metrics = settings, challengers, metrics
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue(settings.shadow_queue)
        self._thread: threading.Thread | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._scores_for = ""
        self._failed_at: float | None = None

    def offer(self, by: Principal, recorded: Recorded, answer: Mapping[str, Any]) -> None:
        """Let the challenger look at a recorded decision, later and elsewhere."""
        triple, entry = self._challengers.found, recorded.entry
        if triple is None or triple.package.digest == entry.model_digest:
            return
        item = {
            "decision_id": entry.decision_id,
            "tenant": by.tenant,
            "created_at": recorded.created_at,
            "champion": entry.model_digest,
            "figures": figures_of(answer),
            "request": entry.request,
        }
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._metrics.shadow.labels("dropped").inc()
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="shadow", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Give the process a few seconds to finish what it was handed, then end it."""
        if self._thread is not None:
            with suppress(queue.Full):
                self._queue.put(None, timeout=_END_SECONDS)
            self._thread.join(_END_SECONDS)
        self._end_child()

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if self._challengers.found is None:
                    self._end_child()
                continue
            if item is None:
                return
            handed = self._hand_over(item)
            self._metrics.shadow.labels("handed_over" if handed else "dropped").inc()

    def _hand_over(self, item: dict[str, Any]) -> bool:
        triple = self._challengers.found
        if triple is None:
            return False
        child = self._child_for(triple)
        if child is None or child.stdin is None:
            return False
        line = json.dumps(item | {"request": item["request"].decode()}, ensure_ascii=False).encode() + b"\n"
        try:
            child.stdin.write(line)
            child.stdin.flush()
        except (OSError, ValueError):
            log.error("the challenger's process ended: exit code %s", child.poll())
            self._failed_at = time.monotonic()
            self._end_child()
            return False
        return True

    def _child_for(self, triple: Triple) -> subprocess.Popen[bytes] | None:
        """The process for this challenger, started if need be; None for a while after one has died."""
        digest = triple.package.digest
        if self._child is not None and self._scores_for == digest:
            return self._child
        if self._failed_at is not None and time.monotonic() - self._failed_at < _AGAIN_SECONDS:
            return None
        self._end_child()
        self._child, self._scores_for = self._start(digest), digest
        return self._child

    def _start(self, digest: str) -> subprocess.Popen[bytes] | None:
        from eco_credit.registry.probe import own_code

        s = self._settings
        told = {
            "home": str(s.home.resolve()), "model_name": s.model_name, "digest": digest,
            "overlay": None if s.overlay is None else str(s.overlay.resolve()),
            "book": None if s.book is None else str(s.book.resolve()),
        }  # fmt: skip
        try:
            return subprocess.Popen(  # noqa: S603  (our own interpreter and module)
                [sys.executable, "-m", "serving.shadow.child", json.dumps(told)],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=own_code(),
            )  # fmt: skip
        except OSError:
            self._failed_at = time.monotonic()
            return None

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with suppress(OSError):
            if child.stdin is not None:
                child.stdin.close()
        try:
            child.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
