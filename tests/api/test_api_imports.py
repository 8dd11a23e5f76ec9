"""Serving stays light: what training and drawing need is never loaded on the way of a score."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from small_store import add_model

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
HEAVY = (
    "shap", "optbinning", "matplotlib", "dask", "distributed", "mlflow", "pandas", "sklearn", "lightgbm", "optuna",
    "pandera", "pint", "pyarrow", "joblib",
)

SCORE = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from api_service import Client
from serving.app import create_app
from serving.settings import Settings
with Client(create_app(Settings(access="open", home=Path(sys.argv[3])))) as client:
    answer = client.post("/v1/scores", Path(sys.argv[4]).read_bytes())
    page = client.get("/")
    assert answer.status_code == 200, answer.text
    assert page.status_code == 200
print(",".join(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Top names of all modules loaded by a service that has scored one application and shown its page."""
    home = tmp_path_factory.mktemp("light") / "home"
    add_model(home)
    example = ROOT / "examples" / "forest_right.json"
    command = [sys.executable, "-c", SCORE, str(ROOT), str(HERE), str(home), str(example)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.strip().split(","))


@pytest.mark.parametrize("name", HEAVY)
def test_a_score_loads_nothing_heavy(loaded: set[str], name: str) -> None:
    assert name not in loaded


def test_what_a_score_does_need_is_seen_by_the_same_check(loaded: set[str]) -> None:
    assert {"numpy", "pydantic", "fastapi", "sqlalchemy", "eco_credit", "serving"} <= loaded
