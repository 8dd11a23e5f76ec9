"""A batch run against the script one would write by hand, and a workbook in and out; ratios of one run.

The script reads the same parquet with pandas, predicts with the same boosters of the package, asks LightGBM for the
contributions to PD (``pred_contrib=True``), picks three reasons and writes parquet. It appraises nothing, checks
nothing and gets its features ready-made, so the ratio is in its favour.

python tests/benchmarks/bench_batch_against.py --home DIR [--rows 20000] [--repeated] [--xlsx-rows 5000]

The rows differ in every number and name (`batch_input`); ``--repeated`` takes the three examples over and over. Without
rows of a workbook (``--xlsx-rows 0``) none is made.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from batch_input import write_rows
from bench_batch import ROOT, RUN

SCRIPT = """
import json, sys, time
from pathlib import Path
import lightgbm as lgb, numpy as np, pandas as pd
source, target, package = map(Path, sys.argv[1:])
start = time.process_time()
frame = pd.read_parquet(source)
boosters = {p.name.split(".")[0]: lgb.Booster(model_file=p) for p in sorted(package.glob("*.lightgbm.txt"))}
noise = np.random.default_rng(1)
out, told = frame[["application_id", "pledge_id"]].copy(), {}
for name, booster in boosters.items():
    told[name] = booster.num_trees()
    matrix = noise.random((len(frame), booster.num_feature()))
    out[name] = booster.predict(matrix, num_threads=1)
    if name == "pd":
        parts = booster.predict(matrix, pred_contrib=True, num_threads=1)[:, :-1]
        top = np.argsort(-np.abs(parts), axis=1)[:, :3]
        for place in range(top.shape[1]):
            out[f"reason_{place + 1}"] = np.array(booster.feature_name())[top[:, place]]
out.to_parquet(target)
sys.stderr.write("\\n@" + json.dumps({"cpu": time.process_time() - start, "trees": told}) + "\\n")
"""


def measured(words: list[str]) -> dict[str, Any]:
    """Figures a child writes behind the last ``@`` of its errors."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stderr.rsplit("@", 1)[1])
    return found


def package_of(home: Path) -> Path:
    """Folder of the champion's package."""
    from eco_credit.registry import Store, served

    digest = served(Store(home), "eco-credit").digest
    return next(path.parent for path in home.rglob("pd.lightgbm.txt") if digest in str(path))


def write_workbook_of(source: Path, target: Path) -> None:
    """The rows of a parquet file as a workbook."""
    import pyarrow.parquet as pq

    from serving.batch.output import write_parts

    table = pq.read_table(source)
    keep = [name for name in table.column_names if table.column(name).null_count < table.num_rows]
    write_parts([table.select(keep)], target, empty=table.select(keep).schema)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeated", action="store_true")
    parser.add_argument("--xlsx-rows", type=int, default=5_000)
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    found: dict[str, Any] = {"rows": given.rows, "xlsx_rows": given.xlsx_rows}
    run = [sys.executable, "-c", RUN]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "in.parquet"
        write_rows(source, given.rows, distinct=not given.repeated)
        home = ["--home", str(given.home)]
        ours = measured([*run, str(source), str(folder / "out.parquet"), *home])
        hand = measured([sys.executable, "-c", SCRIPT, str(source), str(folder / "hand.parquet"),
                         str(package_of(given.home))])  # fmt: skip
        found |= {
            "trees": hand["trees"],
            "ours_us_per_row": round(1e6 * ours["cpu"] / given.rows, 1),
            "ours_peak_mb": round(ours["peak_mb"]),
            "script_us_per_row": round(1e6 * hand["cpu"] / given.rows, 1),
            "ours_over_script": round(ours["cpu"] / hand["cpu"], 3),
        }
        if given.xlsx_rows:
            write_rows(source, given.xlsx_rows, distinct=not given.repeated)
            write_workbook_of(source, folder / "in.xlsx")
            sheet = measured([*run, str(folder / "in.xlsx"), str(folder / "out.xlsx"), *home])
            found |= {"xlsx_cpu_seconds": round(sheet["cpu"], 1), "xlsx_peak_mb": round(sheet["peak_mb"]),
                      "xlsx_cpu_seconds_for_50000": round(sheet["cpu"] * 50_000 / given.xlsx_rows, 1)}  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    main()
