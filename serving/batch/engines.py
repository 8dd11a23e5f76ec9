"""Who does the work: this process, or the workers of a Dask cluster. The bytes are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from eco_credit.core.errors import ContractError, Violation
from serving.batch.chunk import Chunk
from serving.batch.work import Done, Task, work

Engine = Callable[[Iterable[Chunk], Task], Iterator[Done]]
"""Does the work on chunks and gives the results in the order of the chunks."""


def local(chunks: Iterable[Chunk], task: Task) -> Iterator[Done]:
    """Do the work here, one chunk after the other."""
    return map(partial(work, task=task), chunks)


def dask_engine(scheduler: str | None) -> Engine:
    """Do the work on a Dask cluster.

    Args:
        scheduler: address of a scheduler; None starts workers on this machine.

    Returns:
        An engine.

    Raises:
        ContractError: Dask is not installed; the message names the extra. The engine raises what
            `serving.batch.cluster.work_on_chunks` says.
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
        from serving.batch.cluster import work_on_chunks

        own = None if scheduler else distributed.LocalCluster(threads_per_worker=1, dashboard_address=None)
        try:
            yield from work_on_chunks(scheduler or own, chunks, task)
        finally:
            if own is not None:
                own.close()

    return engine
