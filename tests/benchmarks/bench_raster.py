"""Peak memory and CPU per cell of a streamed raster job, at two sizes of one generated stack, in one run.

python tests/benchmarks/bench_raster.py [--sides 2000 10000] [--parcels 16]

Needs the extra geo. The stack is land cover, precipitation, evapotranspiration, heights and NDVI; the services are
water retention and soil retention with all LS definitions.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
WEST, NORTH, CELL, STRIP = 400_000.0, 3_700_000.0, 30.0, 500
RUN = """
import json, resource, sys, time
from pathlib import Path
from eco_credit.gep.spatial import raster_account, read_job
start = time.process_time()
made = raster_account(read_job(Path(sys.argv[1])))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"cpu": time.process_time() - start, "peak_mb": peak, "rows": len(made.account.rows)}))
"""


def surface(name: str, rows: Any, columns: Any) -> Any:
    """Cells of a layer for some rows: smooth waves with a little texture, the same for every size."""
    wave = np.sin(rows / 97.0) * np.cos(columns / 131.0) + 0.1 * np.sin(rows / 7.0 + columns / 5.0)
    made = {
        "land_cover": 1.0 + (wave > 0.2),
        "precipitation": 1000.0 + 200.0 * wave,
        "evapotranspiration": 600.0 + 50.0 * wave,
        "dem": 800.0 + 300.0 * wave + 0.05 * columns,
        "ndvi": 0.5 + 0.3 * wave / 1.1,
    }[name]
    return made.astype(np.uint8 if name == "land_cover" else np.float32)


def write_stack(folder: Path, side: int) -> None:
    """Write the stack strip by strip, so that making the input needs little memory either."""
    import rasterio

    for name in ("land_cover", "precipitation", "evapotranspiration", "dem", "ndvi"):
        kind = "uint8" if name == "land_cover" else "float32"
        with rasterio.open(
            folder / f"{name}.tif",
            "w",
            driver="GTiff",
            width=side,
            height=side,
            count=1,
            dtype=kind,
            crs="EPSG:4547",
            transform=rasterio.Affine(CELL, 0.0, WEST, 0.0, -CELL, NORTH),
            tiled=True,
            blockxsize=512,
            blockysize=512,
        ) as sink:
            columns = np.arange(side)[None, :]
            for top in range(0, side, STRIP):
                rows = np.arange(top, min(top + STRIP, side))[:, None]
                window = rasterio.windows.Window(0, top, side, len(rows))
                sink.write(surface(name, rows, columns), 1, window=window)


def write_job(folder: Path, side: int, parcels: int) -> Path:
    """Write square parcels side by side over the whole stack, and the job."""
    across = max(1, round(parcels**0.5))
    size = side * CELL / across
    features = []
    for i in range(across * across):
        w, n = WEST + (i % across) * size, NORTH - (i // across) * size
        ring = [[w, n - size], [w + size, n - size], [w + size, n], [w, n], [w, n - size]]
        features.append(
            {
                "type": "Feature",
                "properties": {"parcel_id": f"P{i}"},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    crs = {"type": "name", "properties": {"name": "EPSG:4547"}}
    (folder / "parcels.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}), encoding="utf-8"
    )
    job = {
        "account_year": 2025,
        "parcels": {"path": "parcels.geojson"},
        "services": ["water_retention", "soil_retention"],
        "layers": {
            "land_cover": {"path": "land_cover.tif"},
            "precipitation": {"path": "precipitation.tif", "unit": "mm"},
            "evapotranspiration": {"path": "evapotranspiration.tif", "unit": "mm"},
            "dem": {"path": "dem.tif"},
            "ndvi": {"path": "ndvi.tif", "unit": "ratio"},
            "rainfall_erosivity": {"value": 5000.0},
            "soil_erodibility": {"value": 0.03, "unit": "t ha h/(ha MJ mm)"},
        },
        "classes": {
            1: {"ecosystem": "evergreen_broadleaf", "practice_factor": 1.0},
            2: {"ecosystem": "meadow", "practice_factor": 0.8},
        },
    }
    import yaml

    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(job), encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[2000, 10_000])
    parser.add_argument("--parcels", type=int, default=16)
    options = parser.parse_args()
    results = []
    for side in options.sides:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_stack(folder, side)
            path = write_job(folder, side, options.parcels)
            done = subprocess.run(
                [sys.executable, "-c", RUN, str(path)], cwd=ROOT, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(done.stderr[-2000:])
            figures = json.loads(done.stdout.splitlines()[-1])
        results.append(
            {
                "side": side,
                "cells": side * side,
                "cpu_us_per_cell": 1e6 * figures["cpu"] / side**2,
                "peak_mb": round(figures["peak_mb"]),
            }
        )
    print(
        json.dumps(
            {"runs": results, "peak_ratio_large_to_small": round(results[-1]["peak_mb"] / results[0]["peak_mb"], 2)}
        )
    )


if __name__ == "__main__":
    main()
