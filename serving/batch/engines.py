"""Who does the work: this process, or the workers of a Dask cluster. The bytes are the same."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from eco_credit.core.errors import ContractError, Violation
from serving.batch.chunk import Chunk
from serving.batch.work import Done, Task, work

Engine = Callable[[Iterable[Chunk], Task], Iterator[Done]]
"""Does the work on chunks and gives the results in the order of the chunks."""
_IN_FLIGHT = 2


def local(chunks: Iterable[Chunk], task: Task) -> Iterator[Done]:
    """Do the work here, one chunk after the other."""
    for chunk in chunks:
        yield work(chunk, task)


def dask_engine(scheduler: str | None) -> Engine:
    """Do the work on a Dask cluster.

    Args:
        scheduler: address of a scheduler; None starts workers on this machine.

    Returns:
        An engine.

    Raises:
        ContractError: Dask is not installed; the message names the extra.
    """
    try:
        import distributed
    except ImportError:
        raise ContractError(
            [
                Violation(
                    "--engine",
                    "extra",
                    "install the extra: pip install 'eco-credit[dask]'",
                    "请安装附加组件：pip install 'eco-credit[dask]'",
                )
            ]
        ) from None

    def engine(chunks: Iterable[Chunk], task: Task) -> Iterator[Done]:
        own = None if scheduler else distributed.LocalCluster(threads_per_worker=1, dashboard_address=None)
        try:
            with distributed.Client(scheduler or own, set_as_default=False) as client:
                yield from _ordered(client, chunks, task)
        finally:
            if own is not None:
                own.close()

    return engine


def _ordered(client: Any, chunks: Iterable[Chunk], task: Task) -> Iterator[Done]:
    """Keep a bounded number of chunks in flight and take them in order."""
    shared = client.scatter(task, broadcast=True)
    workers = max(len(client.scheduler_info()["workers"]), 1)
    flying: deque[Any] = deque()
    for chunk in chunks:
        flying.append(client.submit(work, chunk, shared, pure=False))
        if len(flying) >= _IN_FLIGHT * workers:
            yield flying.popleft().result()
    while flying:
        yield flying.popleft().result()
