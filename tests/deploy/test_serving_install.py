"""What the serving image installs is enough to serve: tried in an environment with nothing else in it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("ECO_CREDIT_SERVING_PYTHON")
HOME = os.environ.get("ECO_CREDIT_SERVING_HOME")
pytestmark = pytest.mark.skipif(
    PYTHON is None or HOME is None,
    reason="ECO_CREDIT_SERVING_PYTHON and ECO_CREDIT_SERVING_HOME name no serving environment and store",
)


def command(*arguments: str) -> list[str]:
    return [str(Path(str(PYTHON)).with_name("eco-credit")), *arguments]


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "ECO_CREDIT_HOME": str(HOME)}


def test_training_and_its_libraries_are_not_there() -> None:
    absent = ("training", "mlflow", "pandas", "sklearn")
    code = f"from importlib.util import find_spec; print([name for name in {absent} if find_spec(name)])"
    done = subprocess.run([str(PYTHON), "-c", code], cwd="/", capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif("ECO_CREDIT_SBOM" not in os.environ, reason="ECO_CREDIT_SBOM names no bill of materials")
def test_the_bill_of_materials_names_what_is_installed_and_nothing_else() -> None:
    code = "from importlib.metadata import distributions; [print(d.name.lower(), d.version) for d in distributions()]"
    done = subprocess.run([str(PYTHON), "-c", code], cwd="/", capture_output=True, text=True, timeout=60, check=True)
    bill = json.loads(Path(os.environ["ECO_CREDIT_SBOM"]).read_text(encoding="utf-8"))
    assert {f"{one['name'].lower()} {one['version']}" for one in bill["components"]} == set(done.stdout.splitlines())


def test_it_serves_scores_and_runs_a_file(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(command("serve", "--port", str(port)), env=environment(), cwd=tmp_path)
    try:
        base = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 60
        while True:
            try:
                assert urllib.request.urlopen(f"{base}/readyz", timeout=2).status == 200
                break
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.2)
        body = (ROOT / "examples" / "forest_right.json").read_bytes()
        asked = urllib.request.Request(f"{base}/v1/scores", body, {"Content-Type": "application/json"})
        answer = json.loads(urllib.request.urlopen(asked, timeout=20).read())
        assert answer["pd"]["value"] > 0
        assert b"<form" in urllib.request.urlopen(f"{base}/apply/forest_right", timeout=20).read()
    finally:
        server.terminate()
        assert server.wait(30) == 0
    applications, out = Path(str(HOME)) / "demo" / "applications.parquet", tmp_path / "out.xlsx"
    done = subprocess.run(
        command("batch", "run", str(applications), str(out), "--json"),
        env=environment(), cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert out.stat().st_size > 10_000
