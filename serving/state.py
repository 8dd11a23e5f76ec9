"""What the routes share: settings, champion, journal, pipeline, metrics and the scoring threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar, TypeVarTuple

from serving.audit import Journal
from serving.audit.journal import Clock, utc_now
from serving.json_body import Limits
from serving.metrics import Metrics
from serving.models import Champions
from serving.pipeline import Pipeline
from serving.problems import Problem
from serving.settings import Settings
from serving.together import Together

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")


def _threads() -> ThreadPoolExecutor:
    # Scoring holds the interpreter lock nearly all the time: more threads would only take turns.
    # Two let a short request pass a long one. More throughput means more processes.
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="scoring")


@dataclass
class State:
    """One service.

    Attributes:
        settings: what was told from outside.
        champions: the model, rulebook and contract in service.
        pipeline: the computations behind the routes.
        clock: the injected clock, UTC.
        metrics: figures for the operator.
        together: applications that wait for the next pass of the pipeline.
        journal: the decision log; opened when the service starts.
        stopping: the service is being stopped.
        demo_store: the store says that it was made by the demo.
    """

    settings: Settings
    champions: Champions
    pipeline: Pipeline
    clock: Clock = utc_now
    metrics: Metrics = field(default_factory=Metrics)
    together: Together = field(init=False)
    _journal: Journal | None = None
    _workers: ThreadPoolExecutor = field(default_factory=_threads)
    stopping: bool = False
    demo_store: bool = False

    def __post_init__(self) -> None:
        """Let requests that come in together be scored together."""
        self.together = Together(self.pipeline)

    @property
    def demo(self) -> bool:
        """True when the demo store or a model trained on synthetic data is in use."""
        return self.settings.demo or self.demo_store or self.champions.synthetic

    @property
    def key_required(self) -> bool:
        """True when a decision needs an idempotency key: a real model is in service."""
        return self.champions.ready and not self.demo

    @property
    def limits(self) -> Limits:
        """Bounds of a JSON body."""
        s = self.settings
        return Limits(s.max_body_bytes, s.max_depth, s.max_values)

    @property
    def journal(self) -> Journal:
        """The decision log of the running service."""
        if self._journal is None:
            raise Problem("storage_unavailable")
        return self._journal

    def start(self) -> None:
        """Open the decision log and load the champion; a missing champion does not stop the start.

        Raises:
            StorageUnavailable: the decision log cannot be opened.
        """
        self._journal = Journal(
            self.settings.decisions_path, clock=self.clock, waiting=self.settings.journal_queue
        )
        self.demo_store = (self.settings.home / "demo.json").is_file()
        self.refresh()

    def refresh(self) -> None:
        """Look whether the champion's pointer moved, and load it if so."""
        outcome = self.champions.refresh()
        if outcome is not None:
            self.metrics.model_loads.labels("loaded" if outcome else "refused").inc()

    def stop(self) -> None:
        """Write what waits and let the threads end."""
        self.stopping = True
        self._workers.shutdown(wait=True)
        if self._journal is not None:
            self._journal.close()

    async def run(self, work: Callable[[*_Arguments], _Result], *arguments: *_Arguments) -> _Result:
        """Run CPU or file work off the event loop, within the answer's deadline.

        Raises:
            Problem: ``overloaded`` when it took longer than ``answer_timeout``.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.settings.answer_timeout):
                return await loop.run_in_executor(self._workers, work, *arguments)
        except TimeoutError:
            raise Problem("overloaded") from None
