"""Callers who dawdle, crowds, a stop in the middle, and a disk that takes no more: on the real server."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from test_api_server import ROOT, exchange, free_port, head, recorded, running
from test_api_swap import wait_until

from serving.front import Front
from serving.metrics import Metrics
from serving.settings import Settings

POST = head(Content_Length="13") + b'{"amount": 4}'


def until_closed(line: socket.socket, seconds: float) -> tuple[bytes, float]:
    """What comes until the other side closes, and how long that took."""
    started, answer = time.monotonic(), b""
    line.settimeout(seconds)
    while part := line.recv(65536):
        answer += part
    return answer, time.monotonic() - started


# ---- callers who dawdle ------------------------------------------------------------------------


def test_a_half_sent_header_holds_a_connection_no_longer_than_the_deadline(tmp_path: Path) -> None:
    with running(tmp_path / "home", header_timeout=1.0) as (_, port):
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(b"POST /v1/scores HTTP/1.1\r\nHost: x\r\n")
            answer, taken = until_closed(line, 10.0)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert 0.5 < taken < 5.0
        assert httpx.get(f"http://127.0.0.1:{port}/livez").status_code == 200


def test_a_header_sent_a_byte_at_a_time_gains_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "home", header_timeout=1.0) as (_, port):
        started = time.monotonic()
        with socket.create_connection(("127.0.0.1", port)) as line, pytest.raises(OSError):
            for _ in range(200):
                line.sendall(b"G")
                time.sleep(0.05)
        assert time.monotonic() - started < 5.0


def test_a_silent_connection_is_closed_and_each_request_has_its_own_deadline(tmp_path: Path) -> None:
    with running(tmp_path / "home", header_timeout=1.0) as (_, port):
        with socket.create_connection(("127.0.0.1", port)) as line:
            assert until_closed(line, 10.0)[0] == b""
        with socket.create_connection(("127.0.0.1", port)) as line:
            for _ in range(4):  # together longer than the deadline of one header
                line.sendall(POST)
                answer = b""
                while not answer.endswith(b"}"):
                    answer += line.recv(65536)
                assert answer.startswith(b"HTTP/1.1 200 ")
                time.sleep(0.4)
            line.sendall(b"GET /livez HTT")
            assert b" 408 " in until_closed(line, 10.0)[0]


def test_a_reader_who_does_not_read_is_let_go(tmp_path: Path) -> None:
    with running(tmp_path / "home", answer_timeout=1.0) as (_, port):
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", port))
            line.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
            at_work = "eco_credit_in_flight 2.0"  # that reader, and whoever asks for the figures
            figures = f"http://127.0.0.1:{port}/metrics"
            wait_until(lambda: at_work in httpx.get(figures).text)
            wait_until(lambda: at_work not in httpx.get(figures).text, 10.0)
            answer, _ = until_closed(line, 10.0)
        whole = httpx.get(f"http://127.0.0.1:{port}/openapi.json").content
        assert len(answer) < 99 * len(whole)


# ---- crowds ------------------------------------------------------------------------------------


def test_a_crowd_is_turned_away_early_with_retry_after_and_the_rest_is_answered(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home, max_scores=1) as (process, port):

        def caller(number: int) -> list[tuple[int, str]]:
            found = []
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as http:
                for _ in range(20):
                    answer = http.post("/v1/scores", json={"amount": number}, headers={"Accept-Language": "zh"})
                    if answer.status_code == 503:
                        assert answer.headers["Retry-After"] == "1"
                        assert answer.headers["Content-Type"] == "application/problem+json"
                        assert answer.headers["X-Content-Type-Options"] == "nosniff"
                        assert answer.json()["type"] == "/problems/overloaded"
                        assert answer.json()["title"] == "请求过多，请稍后重试"
                        assert answer.json()["request_id"] == answer.headers["X-Request-Id"]
                    found.append((answer.status_code, answer.json().get("decision_id", "")))
            return found

        with ThreadPoolExecutor(12) as pool:
            answers = [one for found in pool.map(caller, range(12)) for one in found]
        figures = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    statuses = [status for status, _ in answers]
    assert set(statuses) == {200, 503}
    counted = f'eco_credit_requests_total{{method="POST",route="/v1/scores",status="503"}} {statuses.count(503)}.0'
    assert counted in figures
    assert sorted(recorded(home)) == sorted(made for status, made in answers if status == 200)


def test_a_burst_is_let_in_once_and_a_lasting_crowd_is_not() -> None:
    front = Front(Settings(max_scores=6, steady_scores=2), Metrics())

    def let_in(at: float) -> int:
        front.now, taken = 0, 0
        while front.admits(at):
            front.now += 1
            taken += 1
        return taken

    assert [let_in(1.0), let_in(1.0), let_in(1.001)] == [6, 2, 2]
    # 4 places in 10 s: after 5 s half of the burst, after a long time all of it and no more
    assert [let_in(6.001), let_in(1000.0)] == [4, 6]


def test_one_caller_after_another_is_never_a_crowd(tmp_path: Path) -> None:
    with running(tmp_path / "home", max_scores=1) as (_, port), httpx.Client() as http:
        for amount in range(30):
            assert http.post(f"http://127.0.0.1:{port}/v1/scores", json={"amount": amount}).status_code == 200
        # a caller who goes away in the middle gives the place back
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.sendall(head(Content_Length="100") + b"{")
        time.sleep(0.2)
        assert http.post(f"http://127.0.0.1:{port}/v1/scores", json={"amount": 1}).status_code == 200


def test_too_many_connections_are_told_to_come_again(tmp_path: Path) -> None:
    with running(tmp_path / "home", max_in_flight=1) as (_, port):
        lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        time.sleep(0.2)
        status, body = exchange(port, b"GET /v1/rules HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (status, json.loads(body)["type"]) == (503, "/problems/overloaded")
        for line in lines:
            line.close()
        time.sleep(0.2)
        assert exchange(port, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 200


# ---- a stop ------------------------------------------------------------------------------------


def test_a_stop_is_not_ready_first_then_finishes_what_is_in_flight_and_ends_with_zero(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home, drain_seconds=1.5, receive_timeout=10.0) as (process, port):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
            line.sendall(POST[:-5])  # in flight: the rest of the body is still to come
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            ready = httpx.get(f"http://127.0.0.1:{port}/readyz")
            assert (ready.status_code, ready.json()["checks"]["running"]) == (503, False)
            assert httpx.post(f"http://127.0.0.1:{port}/v1/scores", json={"amount": 8}).status_code == 200
            time.sleep(1.5)
            with pytest.raises(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{port}/livez")
            line.sendall(POST[-5:])
            answer, _ = until_closed(line, 10.0)
            assert answer.startswith(b"HTTP/1.1 200 ")
        assert process.wait(timeout=15) == 0
    assert len(recorded(home)) == 2


# ---- a disk that takes no more -----------------------------------------------------------------


def test_a_full_disk_is_503_and_no_answer_that_is_not_recorded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    answered, refused = [], 0
    with running(home, file_bytes=400_000) as (process, port), httpx.Client(timeout=30) as http:
        for amount in range(3000):
            answer = http.post(f"http://127.0.0.1:{port}/v1/scores", json={"amount": amount})
            if answer.status_code == 200:
                answered.append(answer.json()["decision_id"])
                continue
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/storage_unavailable")
            assert answer.headers["Retry-After"]
            refused += 1
            if refused == 5:
                break
        assert http.get(f"http://127.0.0.1:{port}/livez").status_code == 200
        process.kill()
    assert refused == 5
    assert answered
    # the disk has room again: all that was answered is there, and nothing that was refused
    with running(home) as (process, port):
        assert httpx.post(f"http://127.0.0.1:{port}/v1/scores", json={"amount": 1}).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert recorded(home)[:-1] == answered


def on_a_disk_of_its_own(home: Path, options: str) -> list[str]:
    """Command that starts another one with a small file system mounted at ``home``; none where that is not allowed."""
    home.mkdir(mode=0o700)
    start = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o {options} none "$0" && exec "$@"', str(home)]
    try:
        allowed = subprocess.run([*start, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        allowed = False
    return start if allowed else []


def test_a_small_disk_that_fills_up_keeps_every_answer_it_gave(tmp_path: Path) -> None:
    home = tmp_path / "home"
    answered, refused = [], 0
    small = on_a_disk_of_its_own(home, "size=600k,mode=0700")
    told = {} if small else {"file_bytes": 600_000}
    with (
        running(home, before=small, **told) as (_, port),
        httpx.Client(timeout=30, base_url=f"http://127.0.0.1:{port}") as http,
    ):
        for amount in range(5000):
            answer = http.post("/v1/scores", json={"amount": amount})
            if answer.status_code == 200:
                answered.append(answer.json())
                continue
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/storage_unavailable")
            refused += 1
            if refused == 5:
                break
        assert refused == 5
        assert len(answered) > 10
        for body in answered[:3] + answered[-3:]:
            assert http.get(f"/v1/decisions/{body['decision_id']}").json()["answer"] == body


def test_a_store_that_cannot_be_written_is_not_served(tmp_path: Path) -> None:
    home = tmp_path / "home"
    arguments = [sys.executable, str(Path(__file__).with_name("plain_server.py")), str(home), str(free_port())]
    read_only = on_a_disk_of_its_own(home, "ro,size=600k")
    if not read_only:  # not even a folder
        home.rmdir()
        home.write_bytes(b"")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([*read_only, *arguments], capture_output=True, check=False, timeout=60, env=environment)
    assert done.returncode != 0
    assert b"the decision log cannot be opened" in done.stderr


def test_a_log_that_cannot_be_written_is_503_until_it_can(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running(home) as (_, port), httpx.Client(timeout=30, base_url=f"http://127.0.0.1:{port}") as http:
        assert http.post("/v1/scores", json={"amount": 1}).status_code == 200
        other = sqlite3.connect(home / "decisions.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        refused = http.post("/v1/scores", json={"amount": 2})
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/storage_unavailable")
        other.execute("ROLLBACK")
        other.close()
        assert http.post("/v1/scores", json={"amount": 3}).status_code == 200
        assert http.get("/readyz").status_code == 200
