"""Server CPU of one complete score against an empty FastAPI endpoint of the same process, in one run.

The empty endpoint stands in a FastAPI application of its own beside ours, so that it pays for nothing of ours. A second
empty endpoint is mounted inside our application: what goes around every request of ours goes around it too.
The server is a child process; its CPU (user plus system, all threads) is read before and after each burst, so the
cost of the client does not count. Bursts take turns; the ratio is taken turn by turn.

    python tests/benchmarks/bench_api.py --home DIR [--requests 400] [--turns 7] [--connections 1,8,16,32,64] [--keyed]

Requests that come in together are scored in one pass: a request that is alone costs most, so the number of
connections belongs to every ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from load import burst, cpu_seconds, free_port, keyed, request_bytes, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
SERVER = """
import sys
from pathlib import Path
from typing import Any
from fastapi import Body, FastAPI
from serving.app import create_app
from serving.server import Server, config
from serving.settings import Settings
most = int(sys.argv[3])  # nobody is turned away: the cost of an answer is measured, not that of a refusal
app = create_app(Settings(home=Path(sys.argv[1]), max_scores=most, steady_scores=most))
empty = FastAPI()
@empty.get("/empty/nothing")
async def nothing():
    return {}
@empty.post("/empty/same-body")
async def same_body(body: Any = Body()):
    return body
inside = FastAPI()
@inside.get("/nothing")
async def nothing_inside():
    return {}
app.mount("/inside", inside)
async def both(scope, receive, send):
    # beside our application, not inside it: nothing of ours goes around the empty endpoint
    await (empty if scope.get("path", "").startswith("/empty/") else app)(scope, receive, send)
settings = config(app, "127.0.0.1", int(sys.argv[2]))
both.state = app.state
settings.app = both
Server(settings).run()
"""


def costs(port: int, pid: int, options: argparse.Namespace, connections: int) -> dict[str, list[float]]:
    """Server CPU seconds per request of each kind, one figure a turn."""
    body = (ROOT / "examples" / f"{options.example}.json").read_bytes()
    kinds = {
        "score": request_bytes("POST", "/v1/scores", body),
        "empty": request_bytes("GET", "/empty/nothing"),
        "inside": request_bytes("GET", "/inside/nothing"),
        "echo": request_bytes("POST", "/empty/same-body", body),
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(options.turns + 1):
        for name, request in kinds.items():
            before = cpu_seconds(pid)
            of_ours = name == "score" and options.keyed
            requests = keyed(request, options.requests) if of_ours else [request] * options.requests
            good = burst(port, requests, connections)
            if good != options.requests:
                raise SystemExit(f"{name}: {options.requests - good} of {options.requests} answers were not 200")
            if turn:  # the first turn warms up
                found[name].append((cpu_seconds(pid) - before) / options.requests)
    return found


def summary(found: dict[str, list[float]]) -> dict[str, object]:
    """Medians and ratios of one load."""
    ratios = {
        name: [a / b for a, b in zip(found["score"], found[name], strict=True)] for name in ("empty", "inside", "echo")
    }
    return {
        "server_cpu_ms_per_score": round(1000 * statistics.median(found["score"]), 3),
        "server_cpu_ms_per_empty": round(1000 * statistics.median(found["empty"]), 3),
        "ratio_median": round(statistics.median(ratios["empty"]), 2),
        "ratio_min_max": [round(min(ratios["empty"]), 2), round(max(ratios["empty"]), 2)],
        "ratio_to_an_empty_endpoint_inside_ours": round(statistics.median(ratios["inside"]), 2),
        "ratio_to_an_echo_of_the_same_body": round(statistics.median(ratios["echo"]), 2),
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--example", default="forest_right")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--connections", default="1,8,16,32,64")
    parser.add_argument("--keyed", action="store_true", help="give every score an idempotency key of its own")
    options = parser.parse_args()
    port = free_port()
    loads = [int(connections) for connections in options.connections.split(",")]
    arguments = [sys.executable, "-c", SERVER, str(options.home), str(port), str(max(loads))]
    server = subprocess.Popen(arguments, cwd=ROOT)
    try:
        wait_until_ready(port)
        found = {f"connections_{n}": summary(costs(port, server.pid, options, n)) for n in loads}
        print(json.dumps({"example": options.example} | found, indent=1))
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
