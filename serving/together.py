"""Scoring together what came in together: one pass of the pipeline serves all requests that wait.

The pipeline works on columns, so a pass costs nearly the same for one row as for ten, and a row's numbers
do not depend on its neighbours (decision records 0002, 0007 and 0011). It is the group commit of the journal
once more, one step earlier. A request that is alone waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from serving.pipeline import Answer, Ask, Pipeline

GROUP = 32
"""Most applications of one pass: the event loop is held for a few milliseconds, whatever the crowd."""
QUIET_TURNS = 2
"""Turns of the event loop without a newcomer before a pass begins: what the network has delivered by then takes one
turn to be read and one to get here."""
BUSY = 2
"""Records being written from which on the service is under load, and a pass waits for them to gather more."""
PATIENCE = 0.05
"""Longest a pass waits for the records of the one before, seconds."""


class Together:
    """Applications that wait for the next pass on the event loop."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Score with ``pipeline``; nothing waits yet."""
        self._pipeline = pipeline
        self._waiting: list[tuple[Ask, asyncio.Future[Answer]]] = []
        self._unrecorded = 0
        self._start: asyncio.Handle | None = None

    async def score(self, ask: Ask) -> Answer:
        """Score an application with all others that are there by the time the pass begins.

        Raises:
            Whatever the pipeline found wrong with this application; others of the pass are not touched.
        """
        loop = asyncio.get_running_loop()
        place: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((ask, place))
        if self._start is None or len(self._waiting) == GROUP:
            self._schedule(loop)
        return await place

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Around the wait for a record: under load, who comes meanwhile is scored in one pass after it.

        A record of theirs would have to wait for this one anyway, since one commit follows the other.
        """
        self._unrecorded += 1
        try:
            yield
        finally:
            self._unrecorded -= 1
            if self._unrecorded == BUSY - 1 and self._waiting:
                self._schedule(asyncio.get_running_loop())

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the next pass begin as soon as it may."""
        if self._start is not None:
            self._start.cancel()
        if self._unrecorded >= BUSY and len(self._waiting) < GROUP:
            self._start = loop.call_later(PATIENCE, self._pass, loop)
        else:
            self._start = loop.call_soon(self._gather, loop, len(self._waiting), QUIET_TURNS)

    def _gather(self, loop: asyncio.AbstractEventLoop, seen: int, turns: int) -> None:
        """Begin the pass when nobody has joined for some turns, or when it is full."""
        now = len(self._waiting)
        if now < GROUP and turns:
            turns = QUIET_TURNS if now > seen else turns - 1
            self._start = loop.call_soon(self._gather, loop, now, turns)
        else:
            self._pass(loop)

    def _pass(self, loop: asyncio.AbstractEventLoop) -> None:
        """Score the first of those who wait; the rest takes the next turn."""
        group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
        self._start = None
        if self._waiting:
            self._schedule(loop)
        # whoever has gone away meanwhile is not scored
        group = [(ask, place) for ask, place in group if not place.done()]
        for (_, place), found in zip(group, self._found([ask for ask, _ in group]), strict=True):
            if isinstance(found, Exception):
                place.set_exception(found)
            else:
                place.set_result(found)

    def _found(self, asks: list[Ask]) -> list[Answer | Exception]:
        try:
            return self._pipeline.score(asks)
        except Exception as error:  # a pipeline that breaks must not leave anybody waiting
            return [error for _ in asks]
