"""Training on Dask against training in one process: seconds, CPU, and the peak memory of every process (Linux).

python tests/benchmarks/bench_train_dask.py [--loans 40000] [--large 200000] [--workers 2] [--rows 5000]

``cost``: the same plan on a tape that fits, nothing sampled, so that both do the same work. ``memory``: a larger tape
with a small limit of rows held in one process. Memory is what a process needs above what it had when it began to wait
for work, by the kernel's own high-water mark, beside the size of the table of features of all rows in float64.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MB = 2**20
Sizes = dict[str, float]
PLAN = {
    "name": "bench",
    "about": "A plan for measuring",
    "split": {"start": "2014-01-01", "stop": "2020-01-01", "calibrate": "2021-07-01", "evaluate": "2023-07-01",
              "end": "2025-11-01"},
    "pd": {"rounds": 200, "patience": 20, "max_bin": 63, "min_rows": 40},
    "lgd": {"rounds": 40, "max_bin": 15},
    "champion": {"shape": "tables", "reason": "to measure"},
    "challengers": {"binning": "own"},
    "evidence": {"cross_validation": False},
}  # fmt: skip


def status(pid: int | str, name: str) -> float:
    """A size the kernel keeps of a process, such as VmRSS or VmHWM, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024 / MB


def begin(pid: int | str) -> float:
    """Forget the high-water mark of a process; its memory now, in MB."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return status(pid, "VmRSS")


def warm(_: Any = None) -> int:
    """Load what training loads, so that code is not counted as data."""
    import lightgbm
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    import scipy.stats  # noqa: F401
    import sklearn.linear_model  # noqa: F401

    import training.spread
    import training.train  # noqa: F401
    from eco_credit.contracts import contract

    contract("loan_tape")
    x = np.random.default_rng(0).normal(size=(500, 3))
    lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(x, x[:, 0]), 2)
    file = io.BytesIO()
    pq.write_table(pa.table({"x": x[:, 0], "name": ["a"] * len(x)}), file)
    for batch in pq.ParquetFile(file).iter_batches():
        batch.to_pandas()
    return os.getpid()


def trained(engine: str, tape: Path, *, workers: int, rows: int, parts: int) -> dict[str, Any]:
    """One training in this process, with what it needed."""
    from eco_credit.registry import Store
    from training.plan import plan_of
    from training.train import Setting, train

    plan = plan_of(PLAN | ({"dask": {"parts": parts, "rows": rows}} if engine == "dask" else {}))
    with tempfile.TemporaryDirectory() as home:
        if engine == "local":
            idle = {str(warm()): begin("self")}
            start = time.monotonic()
            made = train(plan, tape, Setting(Store(Path(home)), register=False))
            wall, peaks = time.monotonic() - start, {pid: status(pid, "VmHWM") for pid in idle}
        else:
            wall, made, idle, peaks = on_workers(plan, tape, Path(home), workers)
    return {
        "engine": engine,
        "wall": wall,
        "above_idle_mb": [round(peaks[pid] - idle[pid], 1) for pid in idle],
        "idle_mb": [round(size, 1) for size in idle.values()],
        "auc": made.gate["statistics"]["pd"]["auc"]["value"],
        "digest": made.digest[:12],
        "sampled": made.gate["statistics"].get("spread", {}).get("sampled"),
    }


def on_workers(plan: Any, tape: Path, home: Path, workers: int) -> tuple[float, Any, Sizes, Sizes]:
    """A training on workers of this machine: seconds, package, and memory of this process and of each worker."""
    import distributed

    from eco_credit.registry import Store
    from training.spread import on_dask
    from training.spread_team import Cluster
    from training.train import Setting, train

    with distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as cluster:
        with distributed.Client(cluster, set_as_default=False) as client:
            pids = [str(pid) for pid in client.run(warm).values()]
        idle = {pid: begin(pid) for pid in [str(warm()), *pids]}
        start = time.monotonic()
        read = on_dask(Cluster(cluster.scheduler_address))
        made = train(plan, tape, Setting(Store(home), register=False, read=read))
        return time.monotonic() - start, made, idle, {pid: status(pid, "VmHWM") for pid in idle}


def measured(engine: str, tape: Path, options: Sequence[str]) -> dict[str, Any]:
    """One training in a process of its own, with the CPU of it and all of its workers."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, __file__, "--engine", engine, "--tape", str(tape), *options],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found | {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}


def written(folder: Path, loans: int, files: int = 8) -> tuple[Path, float]:
    """A folder with a simulated tape in parts, and the size of the table of its features in MB."""
    import numpy as np

    from eco_credit.contracts import contract
    from eco_credit.core.numbers import take
    from training.simulate import simulate_tape
    from training.simulate.tape import write_tape

    tape = simulate_tape(loans, seed=7)
    folder.mkdir()
    for at, rows in enumerate(np.array_split(np.arange(loans), files)):
        write_tape(take(tape, rows), folder / f"part-{at}.parquet")
    write_tape(tape, folder.with_suffix(".parquet"))
    inputs = [f for f in contract("loan_tape").fields if f.family and f.known_at == "origination"]
    return folder, loans * len(inputs) * 8 / MB


def told(name: str, loans: int, table: float, runs: Sequence[dict[str, Any]]) -> None:
    """Print one table."""
    print(f"\n{name}: {loans} loans, table of features {table:.0f} MB")
    for run in runs:
        peaks = ", ".join(f"{peak:.0f}" for peak in run["above_idle_mb"])
        print(
            f"{run['engine']:6} wall {run['wall']:.1f} s  CPU {run['cpu']:.1f} s  above idle {peaks} MB "
            f"(idle {', '.join(f'{size:.0f}' for size in run['idle_mb'])})  AUC {run['auc']:.4f}  "
            f"sampled {run['sampled']}  {run['digest']}"
        )


def main() -> None:
    """Run, or be one of the runs."""
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument("--loans", type=int, default=40_000)
    read.add_argument("--large", type=int, default=200_000)
    read.add_argument("--workers", type=int, default=2)
    read.add_argument("--rows", type=int, default=5_000)
    read.add_argument("--parts", type=int, default=4)
    read.add_argument("--engine")
    read.add_argument("--tape", type=Path)
    given = read.parse_args()
    if given.engine:
        made = trained(given.engine, given.tape, workers=given.workers, rows=given.rows, parts=given.parts)
        print(json.dumps(made))
        return
    common = ["--workers", str(given.workers), "--parts", str(given.parts)]
    with tempfile.TemporaryDirectory() as temporary:
        folder, table = written(Path(temporary) / "fits", given.loans)
        all_rows = [*common, "--rows", "5000000"]
        runs = [measured("local", folder.with_suffix(".parquet"), all_rows), measured("dask", folder, all_rows)]
        told("cost", given.loans, table, runs)
        folder, table = written(Path(temporary) / "large", given.large)
        some = [*common, "--rows", str(given.rows)]
        runs = [measured("local", folder.with_suffix(".parquet"), some), measured("dask", folder, some)]
        told("memory", given.large, table, runs)


if __name__ == "__main__":
    main()
