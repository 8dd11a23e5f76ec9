"""Serving stays light: what training and drawing need is never loaded on the way of a score."""

from __future__ import annotations

import socket
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


SERVE = """
import os, signal, sys, threading, time
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
sys.argv[1:], example = ["serve", "--port", sys.argv[5], "--home", sys.argv[3]], Path(sys.argv[4]).read_bytes()
from http.client import HTTPConnection
def ask() -> None:
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", int(sys.argv[3]), timeout=30)
            connection.request("POST", "/v1/scores", example, {"Content-Type": "application/json"})
            if connection.getresponse().status == 200:
                break
        except OSError:
            time.sleep(0.05)
    print("LOADED " + ",".join(sorted({name.partition(".")[0] for name in sys.modules})), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=ask, daemon=True).start()
from serving.cli import main
main()
"""


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def loaded_by_the_command(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The same of the process that ``eco-credit serve`` starts, after it has answered one score."""
    home = tmp_path_factory.mktemp("served") / "home"
    add_model(home)
    example = ROOT / "examples" / "forest_right.json"
    command = [sys.executable, "-c", SERVE, str(ROOT), str(HERE), str(home), str(example), str(free_port())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    assert lines, done.stderr
    return set(lines[0].removeprefix("LOADED ").split(","))


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


@pytest.mark.parametrize("name", HEAVY)
def test_the_process_that_serves_loads_nothing_heavy_either(loaded_by_the_command: set[str], name: str) -> None:
    assert name not in loaded_by_the_command


def test_what_the_process_that_serves_needs_is_seen_by_the_same_check(loaded_by_the_command: set[str]) -> None:
    assert {"numpy", "uvicorn", "typer", "fastapi", "eco_credit", "serving"} <= loaded_by_the_command
