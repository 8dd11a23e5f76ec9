"""CPU per row and peak memory of a streamed batch run, at two sizes, in one run.

python tests/benchmarks/bench_batch.py --home DIR [--rows 100000 1000000] [--repeated]

The rows differ in every number and name (`batch_input`); ``--repeated`` takes the three examples over and over.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from batch_input import write_rows

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import json, resource, sys, time
from serving.cli import build
import typer
start = time.process_time()
command = typer.main.get_command(build())
code = command.main(["batch", "run", *sys.argv[1:], "--json"], standalone_mode=False)
own, child = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
cpu = time.process_time() - start + child.ru_utime + child.ru_stime  # a workbook is read by a child
peak = max(own.ru_maxrss, child.ru_maxrss) / 1024
sys.stderr.write("\\n@" + json.dumps({"cpu": cpu, "peak_mb": peak, "code": code}) + "\\n")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--repeated", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            source, target = Path(folder) / f"in{rows}.parquet", Path(folder) / f"out{rows}.parquet"
            write_rows(source, rows, distinct=not options.repeated)
            done = subprocess.run(
                [sys.executable, "-c", RUN, str(source), str(target), "--home", str(options.home)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SystemExit(done.stderr[-2000:])
            figures = json.loads(done.stderr.rsplit("@", 1)[1])
            results.append(
                {
                    "rows": rows,
                    "cpu_us_per_row": round(1e6 * figures["cpu"] / rows, 1),
                    "peak_mb": round(figures["peak_mb"]),
                }
            )
    print(
        json.dumps(
            {
                "runs": results,
                "peak_ratio_large_to_small": round(results[-1]["peak_mb"] / results[0]["peak_mb"], 2),
                "own_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()
