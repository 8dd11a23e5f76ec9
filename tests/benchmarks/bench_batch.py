"""CPU per row and peak memory of a streamed batch run, at two sizes, in one run.

python tests/benchmarks/bench_batch.py --home DIR [--rows 100000 1000000]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import json, resource, sys, time
from serving.cli import build
import typer
start = time.process_time()
command = typer.main.get_command(build())
code = command.main(["batch", "run", *sys.argv[1:], "--json"], standalone_mode=False)
usage = resource.getrusage(resource.RUSAGE_SELF)
cpu, peak = time.process_time() - start, usage.ru_maxrss / 1024
sys.stderr.write("\\n@" + json.dumps({"cpu": cpu, "peak_mb": peak, "code": code}) + "\\n")
"""


def write_rows(path: Path, rows: int) -> None:
    """Write flat rows in parts, so that making the input needs little memory either."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from eco_credit.contracts import frame_of_columns, to_flat
    from serving.cli.demo import EXAMPLES, example_path

    applications = [json.loads(example_path(name).read_text("utf-8")) for name in EXAMPLES]
    base = frame_of_columns(to_flat(applications))
    writer = None
    step = 60_000
    for start in range(0, rows, step):
        count = min(step, rows - start)
        part = base.iloc[[i % len(base) for i in range(count)]].reset_index(drop=True)
        part["application_id"] = [f"B-{start + i}" for i in range(count)]
        part["pledge_id"] = [f"B-{start + i}-A" for i in range(count)]
        part["amount_requested"] = part["amount_requested"] * [0.5 + ((start + i) % 1000) / 1000 for i in range(count)]
        table = pa.Table.from_pandas(part, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table.cast(writer.schema))
    if writer is not None:
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in options.rows:
            source, target = Path(folder) / f"in{rows}.parquet", Path(folder) / f"out{rows}.parquet"
            write_rows(source, rows)
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
