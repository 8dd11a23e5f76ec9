"""The workers of a run: the same ones from its beginning to its end, each with its own parts."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from eco_credit.core.errors import ContractError, EcoCreditError, Violation
from eco_credit.core.provenance import code_version
from training.spread_grow import cut_off

CONNECT_SECONDS = 10.0
"""Longest wait for a scheduler to answer."""
WORKER_SECONDS = 30.0
"""Longest wait for a first worker."""
LOOK_SECONDS = 0.5
"""How often a waiting run looks whether its workers are still there."""
SAME = ("lightgbm", "numpy", "pandas", "pyarrow")
"""Libraries whose versions must be the same everywhere: they decide the bytes of the model."""
TEXTS = {
    "unreachable": ("the scheduler does not answer at this address", "该地址的调度器无应答"),
    "no_worker": ("the cluster has no worker: start workers", "集群没有工作进程，请先启动"),
    "scheduler_lost": (
        "the scheduler was lost; nothing was written, start again",
        "与调度器失去连接；未写入任何文件，请重新训练",
    ),
    "worker_lost": (
        "a worker was lost and its parts with it; nothing was written: start again, with more memory per worker or"
        " more workers if it ran out of memory",
        "工作进程终止，其分区已丢失；未写入任何文件，请重新训练（若因内存不足，请增加内存或工作进程）",
    ),
}
"""What can happen to a cluster, in English and Chinese."""


class ClusterLost(EcoCreditError):
    """The cluster failed; no package was written."""

    code = "cluster"
    title_en = "The training on the cluster broke off"
    title_zh = "集群训练中断"


@dataclass(frozen=True)
class Cluster:
    """Where to train.

    Attributes:
        scheduler: address of a scheduler or a cluster of this process; None starts workers on this machine.
        workers: how many of them; None takes one per core, no more than there are parts.
        memory: memory limit of each of them, as Dask writes it.
    """

    scheduler: Any = None
    workers: int | None = None
    memory: str = "auto"


def library() -> Any:
    """Dask's distributed scheduler.

    Raises:
        ContractError: the extra ``dask`` is not installed.
    """
    try:
        import distributed
    except ImportError:
        en = 'training on Dask needs the extra dask: pip install "eco-credit[dask]"'
        zh = '以 Dask 训练须安装附加组件：pip install "eco-credit[dask]"'
        raise ContractError([Violation("--engine", "extra_missing", en, zh)]) from None
    return distributed


@dataclass(frozen=True)
class Team:
    """Workers and their parts.

    Attributes:
        client: a connected client.
        parts: address of each worker to the numbers of its parts.
        run: name of the run.
    """

    client: Any
    parts: Mapping[str, tuple[int, ...]]
    run: str

    def each(self, function: Callable[..., Any], jobs: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Answers to jobs that any worker may do, in their order."""
        ask = {"workers": list(self.parts), "pure": False, "retries": 0}
        return self._taken([self.client.submit(function, *job, **ask) for job in jobs], cut=frozenset())

    def on_each(
        self, function: Callable[..., Any], jobs: Mapping[str, tuple[Any, ...]], *, cut: Any = frozenset()
    ) -> dict[str, Any]:
        """Answers of workers to a job of their own, all at once.

        Args:
            function: what to do.
            jobs: address to its arguments.
            cut: ports on which the jobs speak to one another; cut off when one of them fails.
        """
        ask = {"pure": False, "retries": 0, "allow_other_workers": False}
        futures = [self.client.submit(function, *job, workers=[place], **ask) for place, job in jobs.items()]
        return dict(zip(jobs, self._taken(futures, cut=cut), strict=True))

    def call(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Ask each worker at once, beside whatever it is doing."""
        return {place: self._asked(function, argument, [place])[place] for place, argument in arguments.items()}

    def share(self, value: object) -> Any:
        """Put data on all workers."""
        try:
            return self.client.scatter(value, broadcast=True, workers=list(self.parts), timeout=WORKER_SECONDS)
        except Exception as error:
            raise self._why(error) from error

    def failed(self, en: str, zh: str) -> ClusterLost:
        """The run is over for some other reason."""
        return ClusterLost(f"{en}; nothing was written", f"{zh}；未写入任何文件")

    def _asked(self, function: Callable[..., Any], argument: Any, places: list[str]) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self.client.run(function, argument, workers=places)
        except Exception as error:
            raise self._why(error) from error
        return found

    def _taken(self, futures: list[Any], *, cut: Any) -> list[Any]:
        """Results of all futures; the first failure ends the waiting."""
        distributed = library()
        try:
            waiting = set(futures)
            while waiting:
                with suppress(TimeoutError), self.client.as_current():
                    distributed.wait(waiting, timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED")
                bad = next((one for one in futures if one.status in ("error", "cancelled", "lost")), None)
                if bad is not None:
                    raise self._why(bad.exception() if bad.status == "error" else None)
                if self._gone():
                    raise self._why(None)
                waiting = {one for one in waiting if not one.done()}
            return list(self.client.gather(futures))
        except BaseException as error:
            self._stop(futures, cut)
            if isinstance(error, EcoCreditError | KeyboardInterrupt | SystemExit):
                raise
            raise self._why(error) from error

    def alive(self) -> list[str]:
        """Addresses of the workers of the run that are still there."""
        return [place for place in self.parts if place in workers_of(self.client)]

    def _gone(self) -> bool:
        """Whether a worker of the run is no longer there."""
        return self.client.status != "running" or len(self.alive()) < len(self.parts)

    def _why(self, error: BaseException | None) -> ClusterLost:
        """What became of the cluster, in a sentence."""
        if self.client.status != "running":
            return ClusterLost(*TEXTS["scheduler_lost"])
        lost = error is None or "Socket" in str(error) or type(error).__name__ in ("KilledWorker", "CommClosedError")
        if lost or self._gone():
            return ClusterLost(*TEXTS["worker_lost"])
        # other errors may quote a cell of the tape
        name = type(error).__name__
        quoted = f": {error}" if isinstance(error, OSError | ImportError) or name == "LightGBMError" else ""
        return self.failed(f"a worker stopped with {name}{quoted}", f"工作进程报错 {name}{quoted}")

    def _stop(self, futures: list[Any], cut: Any) -> None:
        """Let go of everything: no machine waits for a lost one, no file of the run stays."""
        with suppress(Exception):
            self.client.cancel(futures, force=True)
        if cut:
            with suppress(Exception):
                self.client.run(cut_off, set(cut), workers=self.alive(), on_error="ignore")


@contextmanager
def team(cluster: Cluster, parts: int) -> Iterator[Team]:
    """Workers for some parts, dealt out in turn.

    Raises:
        ContractError: Dask is not installed, or a worker has other code or libraries.
        ClusterLost: the scheduler does not answer or has no worker.
    """
    distributed = library()
    with _scheduler(distributed, cluster, parts) as place, _quiet():
        try:
            client = distributed.Client(place, set_as_default=False, timeout=CONNECT_SECONDS)
        except (OSError, ValueError):
            raise ClusterLost(*TEXTS["unreachable"]) from None
        with client:
            try:
                client.wait_for_workers(1, timeout=WORKER_SECONDS)
            except TimeoutError:
                raise ClusterLost(*TEXTS["no_worker"]) from None
            places = sorted(workers_of(client))[:parts]
            made = Team(client, {p: tuple(range(at, parts, len(places))) for at, p in enumerate(places)}, _name())
            if cluster.scheduler is None:
                made.call(_muted, dict.fromkeys(made.parts))
            _refuse_strangers(made)
            try:
                yield made
            finally:
                with suppress(Exception):
                    client.run(_cleared, made.run, workers=made.alive(), on_error="ignore")


@contextmanager
def _scheduler(distributed: Any, cluster: Cluster, parts: int) -> Iterator[Any]:
    """The scheduler given, or workers of this machine that end with the run."""
    if cluster.scheduler is not None:
        yield cluster.scheduler
        return
    from dask.system import CPU_COUNT

    count = min(cluster.workers or CPU_COUNT, parts)
    own = distributed.LocalCluster(n_workers=count, threads_per_worker=1, memory_limit=cluster.memory,
                                   dashboard_address=None, silence_logs=logging.CRITICAL)  # fmt: skip
    try:
        yield own
    finally:
        own.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask's log of lost connections off the screen: what matters is said in a sentence."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


def _name() -> str:
    return uuid.uuid4().hex[:12]


def workers_of(client: Any) -> Mapping[str, Any]:
    """Workers the scheduler knows, asked anew: what the client keeps is overwritten now and then by a list of none."""
    try:
        found: Mapping[str, Any] = client.sync(client.scheduler.identity, n_workers=-1)["workers"]
    except OSError:
        return {}
    return found


def made_of(_: object = None) -> dict[str, str]:
    """What decides the bytes of a model here: code and versions of libraries."""
    return {"eco-credit": code_version()} | {name: metadata.version(name) for name in SAME}


def _refuse_strangers(made: Team) -> None:
    """Refuse a worker that computes with something else."""
    own = made_of()
    for place, other in made.call(made_of, dict.fromkeys(made.parts)).items():
        odd = [name for name in own if other.get(name) != own[name]]
        if odd:
            named = ", ".join(odd)
            en, zh = f"the worker {place} has another {named}", f"工作进程 {place} 的 {named} 与本机不一致"
            raise ContractError([Violation("--scheduler", "other_version", en, zh)])


def _muted(_: object) -> None:
    """Keep what native code greets with on this worker off the output of the command that started it."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


def _cleared(run: str, dask_worker: Any = None) -> None:
    """Remove what a run left on the disk of this worker, which Dask names."""
    import shutil

    shutil.rmtree(Path(dask_worker.local_directory) / f"eco-credit-{run}", ignore_errors=True)
