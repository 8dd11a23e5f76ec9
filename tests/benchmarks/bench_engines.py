"""Wall and CPU of the same rows by the local engine, by Dask and by Spark, on the cores of this machine, in one run.

python tests/benchmarks/bench_engines.py --home DIR [--rows 50000] [--workers 2] [--engines local dask spark]

CPU is that of the whole process tree, the Java machine included: orphans are handed to this process, which waits for
them and reads the kernel's count of ended children (Linux).
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from batch_input import write_rows
from bench_batch import ROOT

HEAD = """
import sys, time
from pathlib import Path
source, out, home, workers = *sys.argv[1:4], int(sys.argv[4])
"""
RUN = """
from serving.batch import Limits, Options, run_batch
from serving.batch.engines import dask_engine, local
from serving.batch.scorer import ServedScorer
def main(engine):
    options = Options(Limits(chunk_rows=5000), engine)
    start = time.monotonic()
    run_batch(Path(source), Path(out), scorer=ServedScorer(Path(home)), options=options)
    sys.stderr.write(f"\\n@{time.monotonic() - start}")
"""
DASK = """
import distributed
if __name__ == "__main__":
    with distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster:
        main(dask_engine(cluster.scheduler_address))
"""
SPARK = """
from pyspark.sql import SparkSession
from serving.batch.spark import spark_score
from serving.batch.settings import Limits
builder = SparkSession.builder.master(f"local[{workers}]").config("spark.ui.enabled", "false")
builder = builder.config("spark.driver.memory", "2g").config("spark.sql.shuffle.partitions", str(2 * workers))
spark = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1").getOrCreate()
start = time.monotonic()
frame = spark_score(spark.read.parquet(source), store=Path(home), limits=Limits(chunk_rows=5000))
frame.write.mode("overwrite").parquet(out)
sys.stderr.write(f"\\n@{time.monotonic() - start}")
spark.stop()
"""
ENGINES = {"local": HEAD + RUN + "main(local)\n", "dask": HEAD + RUN + DASK, "spark": HEAD + SPARK}


def measured(engine: str, source: Path, out: Path, options: argparse.Namespace) -> dict[str, float]:
    """Seconds of one run: ``wall`` without the start of cluster or session, ``whole`` and ``cpu`` with it."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    script = out.with_name(f"run_{engine}.py")
    script.write_text(ENGINES[engine])
    done = subprocess.run(
        [sys.executable, str(script), str(source), str(out), str(options.home), str(options.workers)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    whole = time.monotonic() - start
    _wait_for_orphans()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall": float(done.stderr.rsplit("@", 1)[1].split()[0]), "whole": whole, "cpu": cpu}


def _adopt_orphans() -> None:
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def _wait_for_orphans(seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.1)
        except ChildProcessError:
            return
    raise SystemExit("a process of the run did not end: its CPU would be missing")


def size_of(path: Path) -> int:
    """Bytes of a file, or of the files of a folder."""
    return sum(p.stat().st_size for p in path.rglob("*.parquet")) if path.is_dir() else path.stat().st_size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--repeated", action="store_true", help="the three examples over and over")
    options = parser.parse_args()
    options.home = options.home.resolve()
    _adopt_orphans()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in.parquet"
        write_rows(source, options.rows, distinct=not options.repeated)
        found, digests = {}, {}
        for engine in options.engines:
            out = Path(folder) / f"{engine}.parquet"
            found[engine] = measured(engine, source, out, options) | {"result_bytes": size_of(out)}
            digests[engine] = hashlib.sha256(out.read_bytes()).hexdigest() if out.is_file() else None
        first = found[options.engines[0]]
        ratios = {
            engine: {name: round(value[name] / first[name], 2) for name in ("wall", "whole", "cpu")}
            for engine, value in found.items()
        }
        rounded = {e: {name: round(value, 2) for name, value in each.items()} for e, each in found.items()}
        per_row = {e: round(1e6 * each["cpu"] / options.rows, 1) for e, each in found.items()}
        same = len({digest for digest in digests.values() if digest}) == 1
        load = [round(value, 1) for value in os.getloadavg()]
        print(
            json.dumps(
                {"rows": options.rows, "input_bytes": size_of(source), "load": load, "seconds": rounded,
                 "ratios_to_first": ratios, "cpu_us_per_row": per_row, "files_of_one_sha256": same},
                indent=1,
            )
        )  # fmt: skip


if __name__ == "__main__":
    main()
