"""A run that is killed with signal 9 at any moment ends with the bytes of a quiet one; many kills: kill_batch.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from batch_rows import flat, write_parquet

SCRIPT = """
import json, sys
sys.path[:0] = {paths!r}
from pathlib import Path
from batch_rows import StandIn
from kill_batch import kill_runs
from serving.batch import Limits, Options, run_batch
import serving.batch.finish, serving.batch.run
source, folder = Path(sys.argv[1]), Path(sys.argv[2])
def run(out, resume):
    run_batch(source, out, scorer=StandIn(), options=Options(Limits(chunk_rows=40), resume=resume))
print(json.dumps(kill_runs(source, folder, run, kills=25, seed=3, ending=sys.argv[3])))
"""


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
@pytest.mark.parametrize("ending", [".parquet", ".xlsx"])
def test_kills_at_any_moment_change_no_byte(tmp_path: Path, ending: str) -> None:
    columns = flat(400)
    columns["charge_rank"][7] = 0.0
    source = write_parquet(tmp_path / "in.parquet", columns)
    (tmp_path / "work").mkdir()
    here = Path(__file__).parent
    script = SCRIPT.format(paths=[str(here), str(here.parents[1])])
    words = [sys.executable, "-c", script, str(source), str(tmp_path / "work"), ending]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, cwd=here.parents[1])
    assert done.returncode == 0, done.stderr
    assert '"kills": 25' in done.stdout and '"differ": 0' in done.stdout, done.stdout
