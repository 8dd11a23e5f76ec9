"""A Dask cluster at work: same code everywhere, a bounded number of chunks in flight, and lost workers made good.

Everything a chunk needs travels with its task, so the scheduler can give it to another worker when one dies. What a
worker computes with is compared before the run, and again by every worker before each chunk: some join late.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any

from eco_credit.core.errors import ContractError, Violation
from serving.batch.chunk import Chunk
from serving.batch.witness import differing, full_witness, witness
from serving.batch.work import Done, Task, work

CONNECT_SECONDS = 10.0
"""Longest wait for a scheduler to answer."""
WORKER_SECONDS = 30.0
"""Longest wait for a first worker, and longest time without any worker during a run."""
_IN_FLIGHT = 2
_LARGE = "1 GiB"
TEXTS: dict[str, tuple[str, str]] = {
    "unreachable": (
        "the scheduler does not answer at this address: start it, or check the address and the network",
        "该地址的调度器无应答，请启动调度器或检查地址与网络",
    ),
    "no_worker": (
        "the cluster has no worker: start workers; what is finished is kept, continue with --resume",
        "集群没有工作进程，请启动后以 --resume 继续；已完成部分保留",
    ),
    "scheduler_lost": (
        "the scheduler was lost during the run: what is finished is kept, continue with --resume",
        "运行期间与调度器失去连接；已完成部分保留，请以 --resume 继续",
    ),
    "workers_died": (
        "several workers died over the same rows: give workers more memory or take a smaller --chunk-rows;"
        " what is finished is kept",
        "多个工作进程在同一批行上终止，请增加内存或减小 --chunk-rows；已完成部分保留",
    ),
}
"""Rule to sentence in English and Chinese."""


@dataclass(frozen=True, slots=True)
class Stranger:
    """Instead of a result: the worker computes with something else, under these names."""

    names: tuple[str, ...]


def work_on_chunks(scheduler: Any, chunks: Iterable[Chunk], task: Task) -> Iterator[Done]:
    """Do the work on a cluster and give the results in the order of the chunks.

    Args:
        scheduler: address of a scheduler, or a cluster of this machine.
        chunks: chunks, drawn as they are needed.
        task: what all chunks share.

    Raises:
        ContractError: the scheduler cannot be reached, has no worker, was lost, lost the same chunk with several
            workers, or a worker computes with other code, versions or models.
    """
    import dask
    import distributed

    with dask.config.set({"distributed.admin.large-graph-warning-threshold": _LARGE}), _connected(scheduler) as client:
        try:
            yield from _ordered(client, chunks, task, check_workers(client, task))
        except distributed.KilledWorker:
            raise cluster_error("workers_died") from None
        except (distributed.comm.CommClosedError, CancelledError, ConnectionError, TimeoutError):
            raise cluster_error("scheduler_lost") from None


def _connected(scheduler: Any) -> Any:
    import distributed

    try:
        return distributed.Client(scheduler, set_as_default=False, timeout=CONNECT_SECONDS)
    except (OSError, ValueError):
        raise cluster_error("unreachable") from None


def check_workers(client: Any, task: Task) -> dict[str, str]:
    """Compare what every worker computes with to what this process does.

    Args:
        client: a connected client.
        task: what all chunks share.

    Returns:
        The witness of this process, without the model: each worker's scorer looks at that itself.

    Raises:
        ContractError: there is no worker, or one of them differs; the message names it and in what.
    """
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError:
        raise cluster_error("no_worker") from None
    own = full_witness(task.score)
    found = client.run(told_witness, _packed(task.score), on_error="return")
    for address, other in found.items():
        names = differing(own, other) if isinstance(other, Mapping) else ["code"]
        if names:
            raise stranger(address, names)
    return dict(witness())


def told_witness(score: bytes) -> dict[str, str]:
    """The witness of this process with what a packed scorer finds here; ``unreadable`` when it cannot be unpacked."""
    try:
        return full_witness(_unpacked(score))
    except (ImportError, AttributeError, TypeError):
        return witness() | {"model": "unreadable"}


def work_alike(chunk: bytes, task: bytes, own: Mapping[str, str]) -> Done | Stranger:
    """Do the work on one chunk, unless this process computes with something else than the run's own.

    Chunk and task come packed and are unpacked after the comparison: other code may not even be able to.
    """
    names = differing(own, witness())
    return Stranger(tuple(names)) if names else work(_unpacked(chunk), _unpacked(task))


def _ordered(client: Any, chunks: Iterable[Chunk], task: Task, own: Mapping[str, str]) -> Iterator[Done]:
    """Keep a bounded number of chunks in flight and take them in order.

    What chunks share is a task of the cluster and not data put there: it can be made again when its holder dies.
    """
    shared = client.submit(_same, _packed(task), pure=False)
    flying: deque[Any] = deque()
    for chunk in chunks:
        flying.append(client.submit(work_alike, _packed(chunk), shared, own, pure=False))
        if len(flying) >= _IN_FLIGHT * max(len(_workers(client)), 1):
            yield _taken(client, flying.popleft())
    while flying:
        yield _taken(client, flying.popleft())


def _same(packed: bytes) -> bytes:
    return packed


def _packed(value: object) -> bytes:
    from distributed.protocol.pickle import dumps

    packed: bytes = dumps(value)
    return packed


def _unpacked(packed: bytes) -> Any:
    from distributed.protocol.pickle import loads

    return loads(packed)


def _workers(client: Any) -> Mapping[str, Any]:
    # asked anew: the client's own list is emptied now and then in the background
    try:
        found: Mapping[str, Any] = client.sync(client.scheduler.identity, n_workers=-1)["workers"]
    except OSError:  # a scheduler that is gone, and one that does not answer
        raise cluster_error("scheduler_lost") from None
    return found


def _taken(client: Any, future: Any) -> Done:
    """The result of a chunk; waits as long as somebody is there to work on it."""
    import distributed

    while not future.done():
        try:
            with client.as_current():
                distributed.wait(future, timeout=WORKER_SECONDS)
        except TimeoutError:
            if client.status != "running":
                raise cluster_error("scheduler_lost") from None
            if not _workers(client):
                raise cluster_error("no_worker") from None
    found: Done | Stranger = future.result()
    if isinstance(found, Stranger):
        raise stranger("--scheduler", found.names)
    return found


def cluster_error(rule: str) -> ContractError:
    """What is wrong with a cluster, in a sentence."""
    en, zh = TEXTS[rule]
    return ContractError([Violation("--scheduler", rule, en, zh)])


def stranger(place: str, names: Iterable[str]) -> ContractError:
    """A worker that computes with something else; names the worker and in what it differs."""
    listed = ", ".join(names)
    return ContractError(
        [
            Violation(
                place,
                "other_version",
                f"this worker differs in {listed}: install the same package and libraries and give it the same store",
                f"该工作进程的 {listed} 与本机不一致，请安装相同版本并使用相同的模型库",
            )
        ]
    )
