"""Run schemathesis over every operation of the API description, against a real server of a store.

    python tests/fuzz/fuzz_schema.py --examples 1000 [--seed 1] [--home STORE]

Exits 1 when an operation was answered by 5xx. Needs the extra ``test-fuzz``.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fuzz_run import store_for

PHASES = "examples,coverage,fuzzing,stateful"
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def served(home: Path) -> Iterator[str]:
    """A service in a process of its own, open to all on this machine; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {**os.environ, "ECO_CREDIT_HOME": str(home), "ECO_CREDIT_ACCESS": "open", "PYTHONPATH": str(ROOT)}
    code = "import sys; from serving.cli import main; sys.argv[1:] = ['serve', '--port', sys.argv[1]]; main()"
    server = subprocess.Popen([sys.executable, "-c", code, str(port)], env=given, stdout=subprocess.DEVNULL)
    try:
        address, until = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}/readyz", timeout=2).close()
                break
            except OSError:
                if time.monotonic() > until or server.poll() is not None:
                    raise
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def without_not(part: Any) -> Any:
    """A description without ``not``: the generator cannot read the class of control characters behind it."""
    if isinstance(part, dict):
        return {key: without_not(value) for key, value in part.items() if key != "not"}
    return [without_not(one) for one in part] if isinstance(part, list) else part


def run(
    address: str, folder: Path, *, examples: int, seed: int, phases: str = PHASES
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis against a service; only answers of 5xx count as failures."""
    with urllib.request.urlopen(f"{address}/openapi.json", timeout=10) as reply:
        description = without_not(json.loads(reply.read()))
    file = folder / "openapi.json"
    file.write_text(json.dumps(description), encoding="utf-8")
    program = str(Path(sys.executable).with_name("schemathesis"))
    told = ["--checks", "not_a_server_error", "--max-examples", str(examples), "--seed", str(seed), "--no-color"]
    told += ["--phases", phases, "--suppress-health-check", "all"]
    command = [program, "run", str(file), "--url", address, *told]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, help="store to serve from; a small hand-made model when not given")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = asked.home or store_for(Path(scratch) / "store")
        with served(home) as address:
            done = run(address, Path(scratch), examples=asked.examples, seed=asked.seed)
    print(done.stdout[-3_000:])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
