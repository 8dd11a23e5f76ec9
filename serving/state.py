"""What the routes share: settings, champion, journal, pipeline, metrics and the scoring threads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from eco_credit.core.errors import ContractError, EcoCreditError
from serving.access.gate import Gate
from serving.audit import Journal
from serving.audit.journal import Clock, utc_now
from serving.jobs.runner import Runner
from serving.json_body import Limits
from serving.kept import keep
from serving.metrics import Metrics
from serving.models import Champions
from serving.pipeline import Pipeline
from serving.problems import Problem
from serving.rates import Rates
from serving.settings import Settings
from serving.shadow.sender import Shadow
from serving.subject_keys import keys_of
from serving.together import Together
from serving.tracing import Trace, spans
from serving.triple import CHALLENGER

if TYPE_CHECKING:
    from eco_credit.valuation import LenderBook

log = logging.getLogger("eco_credit.serving")
_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")


def _threads() -> ThreadPoolExecutor:
    # Scoring holds the interpreter lock nearly all the time: more threads would only take turns.
    # Two let a short request pass a long one. More throughput means more processes.
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="scoring")


def _why(error: Exception) -> str:
    """The first broken rule by row, field and name, or the class of the error: never a value and no path."""
    if not isinstance(error, ContractError):
        return type(error).__name__
    first = error.violations[0]
    row = "" if first.row is None else f"row {first.row}, "
    more = len(error.violations) - 1
    return f"{row}{first.field}: {first.rule}: {first.en}" + (f" (and {more} more)" if more else "")


@dataclass
class State:
    """One service.

    Attributes:
        settings: what was told from outside.
        champions: the model, rulebook and contract in service.
        pipeline: the computations behind the routes.
        clock: the injected clock, UTC.
        metrics: figures for the operator.
        gate: finds out who calls.
        rates: how often each caller asked.
        trace: tells the operator's collector of an answer; None where none is named.
        together: applications that wait for the next pass of the pipeline.
        jobs: file batches that run beside the service.
        challengers: the challenger, where one is promoted; it never answers.
        shadow: hands recorded decisions to the challenger.
        journal: the decision log; opened when the service starts.
        stopping: the service is being stopped.
        demo_store: the store says that it was made by the demo.
        book_alarm: why the lender's book could not be read at start, or None.
        checkpoint_alarm: why the last checkpoint of the decision log was not written, or None.
    """

    settings: Settings
    champions: Champions
    pipeline: Pipeline
    clock: Clock = utc_now
    metrics: Metrics = field(default_factory=Metrics)
    gate: Gate = field(init=False)
    rates: Rates = field(init=False)
    trace: Trace | None = None
    together: Together = field(init=False)
    challengers: Champions = field(init=False)
    jobs: Runner = field(init=False)
    shadow: Shadow = field(init=False)
    _journal: Journal | None = None
    _workers: ThreadPoolExecutor = field(default_factory=_threads)
    stopping: bool = False
    demo_store: bool = False
    book_alarm: str | None = None
    checkpoint_alarm: str | None = None
    _book: LenderBook | None = None
    _provider: Any = None

    def __post_init__(self) -> None:
        """Stand a gate before the service, and let requests that come in together be scored together."""
        self.gate = Gate(self)
        self.rates = Rates(self)
        self.together = Together(self.pipeline)
        self.jobs = Runner(self.settings)
        self.challengers = Champions(self.settings, alias=CHALLENGER)
        self.shadow = Shadow(self.settings, self.challengers, self.metrics)

    @property
    def demo(self) -> bool:
        """True when the demo store or a model trained on synthetic data is in use."""
        return self.settings.demo or self.demo_store or self.champions.synthetic

    @property
    def open_to_all(self) -> bool:
        """True when no login is asked for: the demo, or a service told so."""
        return self.demo if self.settings.access == "auto" else self.settings.access == "open"

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
            self.settings.decisions_address,
            clock=self.clock,
            waiting=self.settings.journal_queue,
            keys=keys_of(self.settings),
        )
        self._read_book()
        self._keep_overlay()
        self.demo_store = (self.settings.home / "demo.json").is_file()
        self.refresh()

    def _read_book(self) -> None:
        """Read the lender's book where one is named; without it nothing is appraised, but the service starts."""
        if self.settings.book is None:
            return
        from serving.book import read_book

        try:
            self._book = read_book(self.settings.book)
            keep(self.settings.home, "book", self._book.digest, self.settings.book)
        except Exception as error:  # whatever is wrong with the file, the operator is told and nothing is decided
            self.book_alarm = _why(error)
            log.error("the lender's book was not read: %s", self.book_alarm)

    def _keep_overlay(self) -> None:
        """Keep a copy of the lender's rule values, so that today's answers can be replayed."""
        if self.settings.overlay is not None and self.settings.overlay.is_file():
            from eco_credit.rulebook import load

            try:
                keep(self.settings.home, "overlay", load(self.settings.overlay).overlay_digest, self.settings.overlay)
            except Exception as error:  # a bad overlay is the champion's alarm, not the end of the start
                log.error("the overlay was not kept: %s", type(error).__name__)

    @property
    def lender_book(self) -> LenderBook | None:
        """What the lender holds already; None where no book is named.

        Raises:
            Problem: ``book_unavailable`` when the book that is named could not be read.
        """
        if self.book_alarm is not None:
            raise Problem("book_unavailable")
        return self._book

    def refresh(self) -> None:
        """Look whether the champion's pointer moved or the issuer's keys changed, and load what did."""
        self.gate.refresh()
        outcome = self.champions.refresh()
        if outcome is not None:
            self.metrics.model_loads.labels("loaded" if outcome else "refused").inc()
        self.metrics.model_alarm.labels("champion").set(self.champions.alarm is not None)

    def warm(self) -> None:
        """Make ready, once the service is, what a rollback would go back to and what a first reading needs."""
        self.champions.warm()
        self.gate.warm()

    def refresh_challenger(self) -> None:
        """The same for the challenger, where one may score beside the champion."""
        if self.settings.shadow:
            self.challengers.refresh()
            self.metrics.model_alarm.labels("challenger").set(self.challengers.alarm is not None)

    def trace_to(self, provider: Any) -> None:
        """Let each answer be told to a provider of spans, until the service stops."""
        self.trace, self._provider = spans(provider), provider

    def checkpoint(self) -> None:
        """Write signed checkpoints of the decision log where a folder is named; what is wrong becomes an alarm."""
        if self.settings.checkpoints is None:
            return
        from serving.checkpoints import checkpoint_now

        try:
            checkpoint_now(self.settings, clock=self.clock)
            self.checkpoint_alarm = None
        except (EcoCreditError, OSError) as error:
            self.checkpoint_alarm = str(error) if isinstance(error, EcoCreditError) else type(error).__name__
            log.error("no checkpoint of the decision log: %s", self.checkpoint_alarm)

    def stop(self) -> None:
        """Write what waits and let the threads end."""
        self.stopping = True
        self._workers.shutdown(wait=True)
        self.gate.close()
        self.shadow.close()
        self.jobs.stop()
        if self._provider is not None:
            self._provider.shutdown()
        if self._journal is not None:
            self._journal.close()
            self.checkpoint()

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
