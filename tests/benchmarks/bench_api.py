"""Server CPU of one complete score against an empty FastAPI endpoint on the same server, in one run.

The server is a child process; its CPU (user plus system) is read before and after each burst, so the cost
of the client does not count. Bursts of A and B alternate; the ratio is taken pair by pair.

    python tests/benchmarks/bench_api.py --home DIR [--requests 300] [--pairs 7] [--connections 8]

Requests that come in together are scored in one pass; ``--connections 1`` shows what a request costs that is alone.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER = """
import sys
from pathlib import Path
from typing import Any
from fastapi import Body, FastAPI
from serving.app import create_app
from serving.server import Server, config
from serving.settings import Settings
app = create_app(Settings(home=Path(sys.argv[1])))
empty = FastAPI()
@empty.get("/nothing")
async def nothing():
    return {}
@empty.post("/same-body")
async def same_body(body: Any = Body()):
    return body
app.mount("/empty", empty)
Server(config(app, "127.0.0.1", int(sys.argv[2]))).run()
"""


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(port: int, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("the server did not become ready")


def burst(port: int, requests: list[tuple[str, str, bytes | None]], connections: int) -> int:
    """Send requests over several connections at once, so that the server does not idle between them."""
    parts = [requests[i::connections] for i in range(connections)]
    with ThreadPoolExecutor(connections) as pool:
        return sum(pool.map(lambda part: one_connection(port, part), parts))


def one_connection(port: int, requests: list[tuple[str, str, bytes | None]]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    good = 0
    for method, path, body in requests:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        good += answer.status == 200
    connection.close()
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(options.home), str(port)], cwd=ROOT)
    try:
        wait_until_ready(port)
        body = (ROOT / "examples" / "forest_right.json").read_bytes()
        kinds = {
            "score": ("POST", "/v1/scores", body),
            "empty": ("GET", "/empty/nothing", None),
            "echo": ("POST", "/empty/same-body", body),
        }
        costs: dict[str, list[float]] = {name: [] for name in kinds}
        for pair in range(options.pairs + 1):
            for name, request in kinds.items():
                before = cpu_seconds(server.pid)
                good = burst(port, [request] * options.requests, options.connections)
                if good != options.requests:
                    raise SystemExit(f"{name}: {options.requests - good} of {options.requests} answers were not 200")
                if pair:  # the first pair warms up
                    costs[name].append((cpu_seconds(server.pid) - before) / options.requests)
        ratios = [a / b for a, b in zip(costs["score"], costs["empty"], strict=True)]
        to_echo = [a / b for a, b in zip(costs["score"], costs["echo"], strict=True)]
        print(
            json.dumps(
                {
                    "connections": options.connections,
                    "server_cpu_ms_per_score": round(1000 * statistics.median(costs["score"]), 3),
                    "server_cpu_ms_per_empty": round(1000 * statistics.median(costs["empty"]), 3),
                    "ratio_median": round(statistics.median(ratios), 2),
                    "ratio_to_an_echo_of_the_same_body": round(statistics.median(to_echo), 2),
                    "ratio_min_max": [round(min(ratios), 2), round(max(ratios), 2)],
                }
            )
        )
    finally:
        server.terminate()
        server.wait(20)


if __name__ == "__main__":
    main()
