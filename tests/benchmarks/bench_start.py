"""CPU seconds of the serving process from its start until ``/readyz`` answers, and until the first score is answered.

The probe is the child process that loads the package before the serving process does; its CPU is counted by itself
and in the sum. Not counted: what is made ready after ``/readyz`` answers (a package to roll back to, a challenger).

python tests/benchmarks/bench_start.py --home DIR [--turns 5]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from load import burst, cpu_seconds, ended_children_cpu_seconds, free_port, request_bytes, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
SERVE = "import sys; from serving.cli import main; sys.exit(main())"


def start(home: Path) -> dict[str, float]:
    """CPU seconds until ready, until the first score, and of the first score; wall seconds until ready."""
    port, begun = free_port(), time.monotonic()
    command = [sys.executable, "-c", SERVE, "serve", "--port", str(port)]
    environment = os.environ | {"ECO_CREDIT_HOME": str(home)}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_ready(port)
        ready, wall = cpu_seconds(server.pid), time.monotonic() - begun
        probe = ended_children_cpu_seconds(server.pid)
        body = (ROOT / "examples" / "forest_right.json").read_bytes()
        if burst(port, [request_bytes("POST", "/v1/scores", body)], 1) != 1:
            raise SystemExit("the first score was not answered")
        return {
            "cpu_s_until_ready": ready,
            "cpu_s_of_the_probe": probe,
            "cpu_s_until_ready_with_probe": ready + probe,
            "cpu_s_until_scored": cpu_seconds(server.pid),
            "wall_s_until_ready": wall,
        }
    finally:
        server.terminate()
        server.wait(20)


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    found = [start(options.home) for _ in range(options.turns)]
    print(json.dumps({name: round(statistics.median(turn[name] for turn in found), 3) for name in found[0]}, indent=1))


if __name__ == "__main__":
    main()
