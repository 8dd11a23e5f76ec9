"""What holds whether or not the extra dask is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_without_the_extra_the_command_names_it_and_leaves_with_3(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").touch()
    code = "import sys; sys.modules['distributed'] = None; from serving.cli import main; main()"
    words = ["train", "demo", "--data", str(tmp_path / "t.parquet"), "--engine", "dask", "--home", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3 and "eco-credit[dask]" in done.stderr and "附加组件" in done.stderr, done.stderr


def test_the_modules_of_training_load_no_cluster() -> None:
    code = (
        "import sys, training.train, training.spread, training.spread_grow, training.spread_parts;"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'dask', 'distributed', 'psutil', 'lightgbm'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
