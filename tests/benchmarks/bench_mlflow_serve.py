"""Server CPU of one complete score of ours against one prediction of a bare model behind ``mlflow models serve``.

The bare model is the booster for PD out of the champion's own package, logged with its signature to an MLflow of its
own in SQLite and served with ``--env-manager local``. It gets its features ready-made; it appraises nothing, explains
nothing, decides nothing and records nothing. Both servers run at once, each is asked in turn, and the CPU of all their
processes counts.

    python tests/benchmarks/bench_mlflow_serve.py --home DIR [--requests 200] [--turns 5] [--connections 1,8,32]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_batch_against import package_of
from load import burst, family_cpu_seconds, free_port, request_bytes, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
LOG_MODEL = """
import sys
import lightgbm as lgb
import mlflow
import pandas as pd
booster = lgb.Booster(model_file=sys.argv[2])
row = pd.DataFrame([[0.1 * i for i in range(booster.num_feature())]], columns=booster.feature_name())
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("bare")
with mlflow.start_run():
    print("MODEL", mlflow.lightgbm.log_model(booster, name="bare", input_example=row).model_uri)
"""


def environment(folder: Path) -> dict[str, str]:
    """Keep MLflow inside the folder and off the network; it finds its server beside the interpreter."""
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return (
        os.environ
        | {"PATH": path}
        | {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    )


def bare_model(folder: Path, booster: Path) -> str:
    """Log the bare model; returns its URI."""
    made = environment(folder)
    command = [sys.executable, "-c", LOG_MODEL, made["MLFLOW_TRACKING_URI"], str(booster)]
    done = subprocess.run(command, cwd=folder, env=made, capture_output=True, text=True, check=True)
    return next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("MODEL"))


def serve_bare(folder: Path, port: int, booster: Path) -> subprocess.Popen[bytes]:
    """Start MLflow's own server on the bare model."""
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", bare_model(folder, booster), "-p", str(port)]
    command += ["--env-manager", "local", "--host", "127.0.0.1"]
    return subprocess.Popen(
        command, cwd=folder, env=environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def serve_ours(home: Path, port: int, most: int) -> subprocess.Popen[bytes]:
    """Start our service; of ``most`` callers at once it turns nobody away."""
    code = "import sys; from serving.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "serve", "--port", str(port)]
    bounds = {f"ECO_CREDIT_{name}_SCORES": str(most) for name in ("MAX", "STEADY")}
    made = os.environ | {"ECO_CREDIT_HOME": str(home)} | bounds
    return subprocess.Popen(command, cwd=ROOT, env=made, stdout=subprocess.DEVNULL)


def costs(
    ports: dict[str, int], pids: dict[str, int], options: argparse.Namespace, *, booster: Path, connections: int
) -> dict[str, object]:
    """Median CPU of one request of each server, and their ratio turn by turn."""
    names = re.search(r"^feature_names=(.*)$", booster.read_text(), re.M)[1].split()
    row = {"columns": names, "data": [[0.1 * i for i in range(len(names))]]}
    requests = {
        "ours": request_bytes("POST", "/v1/scores", (ROOT / "examples" / "forest_right.json").read_bytes()),
        "mlflow": request_bytes("POST", "/invocations", json.dumps({"dataframe_split": row}).encode()),
    }
    spent: dict[str, list[float]] = {name: [] for name in requests}
    for turn in range(options.turns + 1):
        for name, request in requests.items():
            before = family_cpu_seconds(pids[name])
            if burst(ports[name], [request] * options.requests, connections) != options.requests:
                raise SystemExit(f"{name}: not every answer was 200")
            if turn:  # the first turn warms up
                spent[name].append(1000 * (family_cpu_seconds(pids[name]) - before) / options.requests)
    ratios = [theirs / ours for theirs, ours in zip(spent["mlflow"], spent["ours"], strict=True)]
    return {
        "cpu_ms_per_complete_score": round(statistics.median(spent["ours"]), 3),
        "cpu_ms_per_bare_prediction": round(statistics.median(spent["mlflow"]), 3),
        "bare_to_ours_median": round(statistics.median(ratios), 2),
        "bare_to_ours_min_max": [round(min(ratios), 2), round(max(ratios), 2)],
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--connections", default="1,8,32")
    options = parser.parse_args()
    ports = {"ours": free_port(), "mlflow": free_port()}
    loads = [int(connections) for connections in options.connections.split(",")]
    booster = package_of(options.home) / "pd.lightgbm.txt"
    with tempfile.TemporaryDirectory() as folder:
        servers = {
            "mlflow": serve_bare(Path(folder), ports["mlflow"], booster),
            "ours": serve_ours(options.home, ports["ours"], max(loads)),
        }
        try:
            wait_until_ready(ports["ours"])
            wait_until_ready(ports["mlflow"], "/ping")
            pids = {name: server.pid for name, server in servers.items()}
            print(
                json.dumps(
                    {f"connections_{n}": costs(ports, pids, options, booster=booster, connections=n) for n in loads},
                    indent=1,
                )
            )
        finally:
            for server in servers.values():
                server.terminate()
                server.wait(30)


if __name__ == "__main__":
    main()
