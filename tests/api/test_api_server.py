"""The real server on loopback: claims in headers, slow bodies, kills, a clean stop."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.audit.journal import Journal
from serving.audit.record import GENESIS, link

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(home: Path, *, before: Sequence[str] = (), **told: Any) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The server in a process of its own, alive when this yields; ``before`` is a command that starts it."""
    port = free_port()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    arguments = [*before, sys.executable, str(HERE / "plain_server.py"), str(home), str(port), json.dumps(told)]
    process = subprocess.Popen(arguments, env=environment)
    try:
        for _ in range(300):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, "the server ended while starting"
                time.sleep(0.05)
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def exchange(port: int, raw: bytes, *, seconds: float = 5.0) -> tuple[int, bytes]:
    """Send raw bytes, keep the sending side open, and read one answer: (status, body)."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        line.sendall(raw)
        answer, wanted = b"", 0
        while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < wanted:
            part = line.recv(65536)
            if not part:
                break
            answer += part
            length = re.search(rb"content-length: (\d+)", answer.lower())
            wanted = int(length[1]) if length else 0
        status, _, body = answer.partition(b"\r\n\r\n")
        return (int(status.split()[1]) if status else 0), body


def head(**lines: str) -> bytes:
    """Request line and headers of a POST to the scores."""
    named = {"Host": "x", "Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in lines.items()}
    return ("POST /v1/scores HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in named.items()) + "\r\n").encode()


def recorded(home: Path) -> list[str]:
    """Identifiers in the log of a stopped server, after checking its chain."""
    journal = Journal(home / "decisions.db")
    records = journal.records("demo")
    journal.close()
    previous = GENESIS
    for place, record in enumerate(records, start=1):
        assert (record.sequence, record.previous_hash) == (place, previous)
        previous = link(
            record.entry, sequence=place, created_at=record.created_at, previous_hash=record.previous_hash
        )
        assert record.hash == previous
    return [record.entry.decision_id for record in records]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """One server for the tests that do not kill it."""
    home = tmp_path_factory.mktemp("server") / "home"
    with running(home) as (_, port):
        yield home, port


@pytest.mark.parametrize("claim", [str(2 * 1024**3), "20001", "9" * 18])
def test_a_claim_of_too_large_a_body_is_refused_before_the_body_is_sent(server: tuple[Path, int], claim: str) -> None:
    started = time.monotonic()
    status, body = exchange(server[1], head(Content_Length=claim))
    assert status == 413
    assert json.loads(body)["errors"][0]["rule"] == "max_bytes"
    assert time.monotonic() - started < 1.0


def test_a_chunked_body_is_counted_while_it_arrives(server: tuple[Path, int]) -> None:
    chunk = b"1000\r\n" + b" " * 0x1000 + b"\r\n"
    # Six chunks of 4096 bytes make 24 576 > 20 000; the last chunk never comes.
    status, body = exchange(server[1], head(Transfer_Encoding="chunked") + chunk * 6)
    assert (status, json.loads(body)["type"]) == (413, "/problems/body_too_large")


def test_a_body_that_does_not_arrive_is_given_up(server: tuple[Path, int]) -> None:
    status, body = exchange(server[1], head(Content_Length="100") + b'{"amount"')
    assert (status, json.loads(body)["errors"][0]["rule"]) == (408, "in_time")


@pytest.mark.parametrize(
    "raw",
    [
        head(Content_Length="-1"),
        head(Content_Length="1e3"),
        head(Content_Length="9" * 24),
        head(Content_Length="5", content_length="6") + b"{}",
        head(X_Long="x" * 40_000),
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\r\n\r\n",
    ],
)
def test_a_request_that_is_not_http_is_a_plain_400(server: tuple[Path, int], raw: bytes) -> None:
    assert exchange(server[1], raw)[0] == 400


def test_after_all_that_the_server_answers_as_before(server: tuple[Path, int]) -> None:
    answer = httpx.post(f"http://127.0.0.1:{server[1]}/v1/scores", json={"amount": 4})
    assert (answer.status_code, answer.json()["max_loan"]) == (200, 2.0)
    assert "server" not in answer.headers


@pytest.mark.parametrize("after", [0.05, 0.15, 0.3])
def test_a_kill_loses_no_answer_that_was_sent(tmp_path: Path, after: float) -> None:
    """Four clients post with their own keys until the server is killed; every answer seen is in the log, once."""
    home, seen = tmp_path / "home", list[str]()
    with running(home) as (process, port):

        def client(number: int) -> None:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
                for i in range(10_000):
                    try:
                        key = {"Idempotency-Key": f"{number}.{i}"}
                        answer = http.post("/v1/scores", json={"amount": i}, headers=key)
                    except httpx.TransportError:
                        return
                    seen.append(answer.json()["decision_id"])

        clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
        for thread in clients:
            thread.start()
        while not seen:
            time.sleep(0.005)
        time.sleep(after)
        process.kill()
        for thread in clients:
            thread.join()
    stored = recorded(home)
    assert seen
    assert set(seen) <= set(stored)
    assert len(stored) == len(set(stored))
    # At most the requests in flight were recorded without being answered.
    assert len(stored) - len(seen) <= 4


def test_a_stop_finishes_what_is_in_flight_and_exits_cleanly(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home) as (process, port):
        decision_id = httpx.post(f"http://127.0.0.1:{port}/v1/scores", json={"amount": 4}).json()["decision_id"]
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=10)
    assert code == 0
    assert recorded(home) == [decision_id]
