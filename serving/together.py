"""Scoring together what came in together: one pass of the pipeline serves all requests that wait.

The pipeline works on columns, so a pass costs nearly the same for one row as for ten, and a row's numbers
do not depend on its neighbours (decision records 0002 and 0007). It is the group commit of the journal
once more, one step earlier: a request that is alone waits for nobody.
"""

from __future__ import annotations

import asyncio

from serving.pipeline import Answer, Ask, Pipeline

GROUP = 16
"""Most applications of one pass: the event loop is held for a few milliseconds, whatever the crowd."""


class Together:
    """Applications that wait for the next pass on the event loop."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Score with ``pipeline``; nothing waits yet."""
        self._pipeline = pipeline
        self._waiting: list[tuple[Ask, asyncio.Future[Answer]]] = []

    async def score(self, ask: Ask) -> Answer:
        """Score an application with all others that are ready in the same turn of the event loop.

        Raises:
            Whatever the pipeline found wrong with this application; others of the pass are not touched.
        """
        loop = asyncio.get_running_loop()
        place: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((ask, place))
        if len(self._waiting) == 1:
            loop.call_soon(self._pass, loop)
        return await place

    def _pass(self, loop: asyncio.AbstractEventLoop) -> None:
        """Score the first of those who wait; the rest takes the next turn."""
        group, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
        if self._waiting:
            loop.call_soon(self._pass, loop)
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
