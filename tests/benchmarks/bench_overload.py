"""What happens to the service at several times the load it can bear: who is let in is answered soon, and many are.

Three phases against the real server in a child process, each ``--seconds`` long: one caller at a time (unloaded), as
many as the server takes at once (capacity), and arrivals at ``--times`` the capacity that do not wait for answers
(overload). They take turns ``--rounds`` times, so that what others do on the machine falls on all three. A ratio is
taken within each round; its median is the figure, its least and greatest say how far it can be trusted.

    python tests/benchmarks/bench_overload.py --home DIR [--seconds 3] [--times 5] [--rounds 5] [--steady-scores N]

On a machine that others use as well the waits are mostly theirs; the processor time of the server per score and per
refusal is not, nor is the part of its processor time in the overload that went into answers. ``waits_together`` is
the same ratio of p99 over the waits of all rounds.

Aims: p99 of the accepted at most 3 times that of the unloaded, goodput at least 80 % of the capacity; the verdict says
whether the medians meet them. Exit code 1 when they do not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench_api import ROOT, cpu_seconds, free_port, wait_until_ready

SERVER = """
import sys
from pathlib import Path
from serving.app import create_app
from serving.server import Server, config
from serving.settings import Settings
more = {"steady_scores": int(sys.argv[3])} if int(sys.argv[3]) else {}
app = create_app(Settings(access="open", home=Path(sys.argv[1]), web=False, **more))
Server(config(app, "127.0.0.1", int(sys.argv[2]))).run()
"""
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
MOST_CONNECTIONS = 256
MOST_P99_RATIO, LEAST_GOODPUT = 3.0, 0.8
LEAD_IN = 1.0


class Line(asyncio.Protocol):
    """One connection of a caller: one request at a time."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[int] | None = None
        self.held = b""
        self.open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def ask(self, raw: bytes) -> asyncio.Future[int]:
        self.answer, self.held = asyncio.get_running_loop().create_future(), b""
        self.transport.write(raw)
        return self.answer

    def data_received(self, data: bytes) -> None:
        self.held += data
        head, found, body = self.held.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if found and length and len(body) >= int(length[1]) and self.answer and not self.answer.done():
            self.answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self.answer and not self.answer.done():
            self.answer.set_result(0)


class Callers:
    """Connections that are free, and how long the accepted waited."""

    def __init__(self, port: int, raw: bytes) -> None:
        self.port, self.raw = port, raw
        self.free: list[Line] = []
        self.made = 0
        self.waits: list[float] = []
        self.statuses: Counter[int] = Counter()

    async def line(self) -> Line:
        while self.free:
            line = self.free.pop()
            if line.open:
                return line
            self.made -= 1
        self.made += 1
        _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", self.port)
        return line

    async def ask(self) -> None:
        line = await self.line()
        started = time.perf_counter()
        status = await line.ask(self.raw)
        if status == 200:
            self.waits.append(time.perf_counter() - started)
        self.statuses[status] += 1
        self.free.append(line)


async def one_after_another(callers: Callers, seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        await callers.ask()


async def unloaded(port: int, raw: bytes, seconds: float) -> Callers:
    callers = Callers(port, raw)
    await one_after_another(callers, seconds)
    return callers


async def capacity(port: int, raw: bytes, seconds: float, at_once: int) -> Callers:
    callers = Callers(port, raw)
    await asyncio.gather(*(one_after_another(callers, seconds) for _ in range(at_once)))
    return callers


async def overload(callers: Callers, seconds: float, rate: float) -> int:
    """Arrivals at a steady rate, whether answers come or not; returns those whom no connection was left for."""
    started, sent, unsent = time.perf_counter(), 0, 0
    asked: set[asyncio.Task[None]] = set()
    while (now := time.perf_counter() - started) < seconds:
        for _ in range(int(now * rate) - sent - unsent):
            if len(asked) >= MOST_CONNECTIONS:
                unsent += 1
                continue
            task = asyncio.create_task(callers.ask())
            asked.add(task)
            task.add_done_callback(asked.discard)
            sent += 1
        await asyncio.sleep(0.001)
    await asyncio.gather(*asked)
    return unsent


async def after_lead_in(server: int, callers: Callers, seconds: float, rate: float) -> tuple[int, float]:
    """An overload once the burst that is let in at its beginning is over; also the server's CPU during it, seconds."""
    await overload(callers, LEAD_IN, rate)
    callers.waits.clear()
    callers.statuses.clear()
    before = cpu_seconds(server)
    unsent = await overload(callers, seconds, rate)
    return unsent, cpu_seconds(server) - before


def p99(waits: list[float]) -> float:
    return 1000.0 * sorted(waits)[int(0.99 * (len(waits) - 1))]


Waits = dict[str, list[float]]


def one_round(server: int, port: int, raw: bytes, options: argparse.Namespace, waits: Waits) -> dict[str, float]:
    alone = asyncio.run(unloaded(port, raw, options.seconds))
    before = cpu_seconds(server)
    full = asyncio.run(capacity(port, raw, options.seconds, options.at_once))
    spent = cpu_seconds(server) - before
    most = full.statuses[200] / options.seconds
    crowd = Callers(port, raw)
    unsent, cpu = asyncio.run(after_lead_in(server, crowd, options.seconds, options.times * most))
    waits["alone"] += alone.waits
    waits["accepted"] += crowd.waits
    of_score = spent / full.statuses[200]
    of_refusal = (cpu - of_score * crowd.statuses[200]) / max(1, crowd.statuses[503])
    good = crowd.statuses[200] / options.seconds
    return {
        "unloaded_p50_ms": 1000.0 * statistics.median(alone.waits),
        "unloaded_p99_ms": p99(alone.waits),
        "capacity_per_s": most,
        "offered_per_s": (sum(crowd.statuses.values()) + unsent) / options.seconds,
        "sent_per_s": sum(crowd.statuses.values()) / options.seconds,
        "accepted_p50_ms": 1000.0 * statistics.median(crowd.waits),
        "accepted_p99_ms": p99(crowd.waits),
        "goodput_per_s": good,
        "p50_ratio": statistics.median(crowd.waits) / statistics.median(alone.waits),
        "p99_ratio": p99(crowd.waits) / p99(alone.waits),
        "goodput_ratio": good / most,
        "server_cpu_ms_per_score": 1000.0 * of_score,
        "server_cpu_ms_per_refusal": 1000.0 * of_refusal,
        "part_of_cpu_in_answers": min(1.0, of_score * crowd.statuses[200] / cpu),
        "other_answers": sum(n for status, n in crowd.statuses.items() if status not in (200, 503)),
    }


def told(rounds: list[dict[str, float]], waits: Waits) -> dict[str, object]:
    """Medians over the rounds, the spread of the two ratios, and whether they meet their aims."""
    found: dict[str, object] = {name: round(statistics.median(one[name] for one in rounds), 2) for name in rounds[0]}
    for name in ("p99_ratio", "goodput_ratio"):
        found[f"{name}_min_max"] = [round(pick(one[name] for one in rounds), 2) for pick in (min, max)]
    found["p99_ratio_waits_together"] = round(p99(waits["accepted"]) / p99(waits["alone"]), 2)
    verdict = {
        f"p99 at most {MOST_P99_RATIO} x": statistics.median(one["p99_ratio"] for one in rounds) <= MOST_P99_RATIO,
        f"goodput at least {LEAST_GOODPUT}": statistics.median(one["goodput_ratio"] for one in rounds) >= LEAST_GOODPUT,
    }
    return found | {"verdict": {aim: "met" if met else "missed" for aim, met in verdict.items()}}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--times", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--each", action="store_true", help="print every round too")
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--steady-scores", type=int, default=0, help="0: what the settings say")
    options = parser.parse_args()
    body = (ROOT / "examples" / "forest_right.json").read_bytes()
    head = f"POST /v1/scores HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    raw = head.encode() + b"\r\n\r\n" + body
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"  # a decision log of its own
        home.mkdir()
        for name in ("served", "keys"):
            (home / name).symlink_to((options.home / name).resolve())
        arguments = [sys.executable, "-c", SERVER, str(home), str(port), str(options.steady_scores)]
        server = subprocess.Popen(arguments, cwd=ROOT)
        try:
            wait_until_ready(port)
            asyncio.run(capacity(port, raw, 1.0, options.at_once))  # warms up
            waits: Waits = {"alone": [], "accepted": []}
            rounds = [one_round(server.pid, port, raw, options, waits) for _ in range(options.rounds)]
        finally:
            server.terminate()
            server.wait(30)
    if options.each:
        print(json.dumps([{name: round(value, 2) for name, value in one.items()} for one in rounds]))
    found = told(rounds, waits)
    print(json.dumps(found, indent=1))
    return int("missed" in str(found["verdict"]))


if __name__ == "__main__":
    sys.exit(main())
