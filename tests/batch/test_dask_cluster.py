"""A cluster gives the bytes of this process; a dead worker changes nothing; a strange one is refused before the run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import typer
from batch_rows import StandIn, flat, write_parquet
from small_store import add_model
from typer.testing import CliRunner

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from serving.batch import Limits, Options, run_batch
from serving.batch.engines import dask_engine
from serving.batch.scorer import ServedScorer
from serving.batch.witness import differing, witness
from serving.cli import batch

dask = pytest.importorskip("dask", reason="needs the extra dask")
distributed = pytest.importorskip("distributed", reason="needs the extra dask")
ROOT = Path(__file__).resolve().parents[2]
SMALL = Options(limits=Limits(chunk_rows=7))


@dataclass
class Slow(StandIn):
    """Takes its time, so that a worker can be killed in the middle of a chunk, and leaves word of who works."""

    folder: str = ""

    def __call__(self, columns: Columns) -> Columns:
        (Path(self.folder) / str(os.getpid())).touch()
        time.sleep(0.3)
        return super().__call__(columns)


def rules(refusal: pytest.ExceptionInfo[ContractError]) -> set[str]:
    return {violation.rule for violation in refusal.value.violations}


def test_a_worker_killed_while_it_works_changes_no_byte(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", flat(48))  # 48 + 12 second pledges = 60 rows, 9 chunks
    here = run_batch(source, tmp_path / "a-out.parquet", scorer=StandIn(), options=SMALL)
    seen = tmp_path / "seen"
    seen.mkdir()
    killed: list[int] = []

    def kill(done: int) -> None:
        if done == 2:
            victim = int(sorted(path.name for path in seen.iterdir())[0])
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        options = replace(SMALL, engine=dask_engine(cluster.scheduler_address), after_chunk=kill)
        there = run_batch(source, tmp_path / "b-out.parquet", scorer=Slow(folder=str(seen)), options=options)
    assert killed and len(list(seen.iterdir())) >= 2
    assert there["counts"]["rows"] == 60 and there["counts"]["chunks"] == here["counts"]["chunks"]
    assert there["output"]["sha256"] == here["output"]["sha256"]


def test_the_command_on_workers_of_its_own_gives_the_same_file_from_a_real_model(tmp_path: Path) -> None:
    home = add_model(tmp_path / "home").home
    source = write_parquet(tmp_path / "a.parquet", flat(12))
    made = []
    for engine in ("local", "dask"):
        out = tmp_path / f"{engine}.parquet"
        words = ["batch", "run", str(source), str(out), "--engine", engine, "--home", str(home), "--chunk-rows", "4"]
        program = [sys.executable, "-c", "from serving.cli import main; main()", *words]
        done = subprocess.run(
            program, cwd=ROOT, env=environment(ROOT), capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        made.append(out.read_bytes())
    assert made[0] == made[1]


def test_a_scheduler_that_does_not_answer_is_an_error_in_a_sentence(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("serving.batch.cluster.CONNECT_SECONDS", 1.0)
    home = add_model(tmp_path / "home").home
    source = write_parquet(tmp_path / "a.parquet", flat(3))
    app = typer.Typer()
    batch.register(app)
    typer.Typer.callback(app)(lambda: None)
    words = ["batch", "run", str(source), str(tmp_path / "b.parquet"), "--home", str(home), "--engine", "dask"]
    refused = CliRunner().invoke(app, [*words, "--scheduler", "tcp://127.0.0.1:1"])
    assert isinstance(refused.exception, ContractError) and "does not answer" in str(refused.exception)
    assert not (tmp_path / "b.parquet").exists()


def test_a_cluster_without_workers_is_an_error_in_a_sentence(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("serving.batch.cluster.WORKER_SECONDS", 1.0)
    source = write_parquet(tmp_path / "a.parquet", flat(3))
    with distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster:
        options = replace(SMALL, engine=dask_engine(cluster.scheduler_address))
        with pytest.raises(ContractError) as refusal:
            run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=options)
    assert rules(refusal) == {"no_worker"}


@dataclass
class Deadly(StandIn):
    """Ends the process that scores with it."""

    def __call__(self, columns: Columns) -> Columns:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


def test_rows_that_kill_every_worker_end_the_run_with_a_sentence(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", flat(3))
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        options = replace(SMALL, engine=dask_engine(cluster.scheduler_address))
        with pytest.raises(ContractError) as refusal:
            run_batch(source, tmp_path / "b.parquet", scorer=Deadly(), options=options)
    assert rules(refusal) == {"workers_died"}


def test_a_scheduler_lost_during_the_run_leaves_a_run_to_resume(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", flat(48))
    here = run_batch(source, tmp_path / "a-out.parquet", scorer=StandIn(), options=SMALL)
    (tmp_path / "seen").mkdir()
    scorer = Slow(folder=str(tmp_path / "seen"))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", dashboard_address=None
    ) as cluster:

        def close(done: int) -> None:
            if done == 2:
                cluster.close()

        options = replace(SMALL, engine=dask_engine(cluster.scheduler_address), after_chunk=close)
        with pytest.raises(ContractError) as refusal:
            run_batch(source, tmp_path / "b.parquet", scorer=scorer, options=options)
    assert rules(refusal) == {"scheduler_lost"}
    again = run_batch(source, tmp_path / "b.parquet", scorer=scorer, options=replace(SMALL, resume=True))
    assert again["output"]["sha256"] == here["output"]["sha256"]


@contextmanager
def worker_of(tree: Path, scheduler: str) -> Iterator[None]:
    """A worker in a process of its own that runs the code of another tree."""
    words = [sys.executable, "-m", "dask", "worker", scheduler, "--nworkers", "1", "--nthreads", "1", "--no-dashboard"]
    with subprocess.Popen(words, cwd=tree, env=environment(tree), stderr=subprocess.DEVNULL) as child:
        try:
            yield
        finally:
            child.terminate()


def environment(tree: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(tree), str(ROOT / "tests" / "batch")])}


@pytest.fixture(scope="module")
def other_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages in which one rule has another comment."""
    tree = tmp_path_factory.mktemp("other")
    for name in ("eco_credit", "serving", "data_contracts"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (tree / "eco_credit" / "core" / "numbers.py").open("a") as sink:
        sink.write("# another state of the code\n")
    return tree


def test_a_worker_with_other_code_is_refused_before_the_first_row(other_tree: Path, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", flat(3))
    chunks: list[int] = []
    with (
        distributed.LocalCluster(n_workers=0, processes=False, protocol="tcp://", dashboard_address=None) as cluster,
        worker_of(other_tree, cluster.scheduler_address),
    ):
        engine = dask_engine(cluster.scheduler_address)
        options = replace(SMALL, engine=engine, after_chunk=chunks.append)
        with pytest.raises(ContractError, match="differs in code") as refusal:
            run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=options)
    assert rules(refusal) == {"other_version"} and chunks == []


def test_a_worker_that_joins_late_with_other_code_does_not_work(other_tree: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    source = write_parquet(tmp_path / "a.parquet", flat(48))
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", dashboard_address=None
    ) as cluster:
        address, joined = cluster.scheduler_address, []

        def join(done: int) -> None:
            if done == 1:
                stranger = worker_of(other_tree, address)
                stranger.__enter__()
                joined.append(stranger)
                until = time.monotonic() + 30.0
                while len(cluster.scheduler.workers) < 2 and time.monotonic() < until:
                    time.sleep(0.05)

        options = replace(SMALL, engine=dask_engine(address), after_chunk=join)
        try:
            with pytest.raises(ContractError, match="differs in code"):
                run_batch(source, tmp_path / "b.parquet", scorer=Slow(folder=str(seen)), options=options)
        finally:
            joined[0].__exit__(None, None, None)
    assert [path.name for path in seen.iterdir()] == [str(os.getpid())]


def test_a_worker_that_serves_another_model_is_refused(tmp_path: Path) -> None:
    home = add_model(tmp_path / "home").home

    @dataclass
    class Moved(ServedScorer):
        """A scorer that finds an empty store wherever it is sent."""

        def __getstate__(self) -> dict[str, Any]:
            return super().__getstate__() | {"home": tmp_path / "nowhere"}

    source = write_parquet(tmp_path / "a.parquet", flat(3))
    with distributed.LocalCluster(n_workers=1, processes=True, threads_per_worker=1, dashboard_address=None) as cluster:
        options = replace(SMALL, engine=dask_engine(cluster.scheduler_address))
        with pytest.raises(ContractError, match="differs in model"):
            run_batch(source, tmp_path / "b.parquet", scorer=Moved(home), options=options)


def test_the_witness_names_what_differs() -> None:
    own = witness()
    assert differing(own, own) == []
    assert differing(own, {**own, "numpy": "0"}) == ["numpy"]
    assert differing(own, {}) == list(own)
