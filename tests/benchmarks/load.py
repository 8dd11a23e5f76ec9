"""What the benchmarks of servers share: a child's CPU by the system's clock, and a client that keeps connections busy.

The client is one loop over plain sockets: it must be cheaper than the server, or the server would never meet as many
requests at once as there are connections.
"""

from __future__ import annotations

import http.client
import os
import selectors
import socket
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

_SCHED_CLOCK = 2
"""Kind of clock in ``clock_getcpuclockid(3)`` of Linux: CPU time of a process in nanoseconds, all its threads."""
_TIMEOUT = 120.0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all its threads."""
    return time.clock_gettime((~pid << 3) | _SCHED_CLOCK)


def family(pid: int) -> list[int]:
    """A process and all processes below it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def family_cpu_seconds(pid: int) -> float:
    """`cpu_seconds` of a process and all processes below it that still run."""
    return sum(cpu_seconds(member) for member in family(pid))


def ended_children_cpu_seconds(pid: int) -> float:
    """User and system time of the children of a process that have ended, to the clock tick (10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(port: int, path: str = "/readyz", seconds: float = 120.0) -> None:
    """Ask a path until it answers 200."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.02)
    raise SystemExit("the server did not become ready")


def request_bytes(method: str, path: str, body: bytes = b"") -> bytes:
    """One request of HTTP/1.1 as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept-Encoding: identity"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class _Connection:
    """One connection and what it has received of the answer it waits for."""

    socket: socket.socket
    received: bytearray = field(default_factory=bytearray)

    def answered(self) -> bool:
        """Take what has come; True when the answer is complete."""
        self.received += self.socket.recv(1 << 18)
        head = self.received.find(b"\r\n\r\n")
        if head < 0:
            return False
        lines = bytes(self.received[:head]).lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        return len(self.received) >= head + 4 + length


def keyed(request: bytes, count: int) -> Iterator[bytes]:
    """A request so many times, each with an idempotency key of its own."""
    head, _, rest = request.partition(b"\r\n")
    for _ in range(count):
        yield head + b"\r\nIdempotency-Key: " + uuid.uuid4().hex.encode() + b"\r\n" + rest


def burst(port: int, requests: Iterable[bytes], connections: int) -> int:
    """Send requests over several connections, each with one under way all the time.

    Returns:
        how many answers had the status 200.
    """
    left, good = iter(requests), 0
    with selectors.DefaultSelector() as waiting:
        for request in islice(left, connections):
            opened = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT)
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            waiting.register(opened, selectors.EVENT_READ, _Connection(opened))
            opened.sendall(request)
        while waiting.get_map():
            for key, _ in waiting.select(_TIMEOUT):
                connection: _Connection = key.data
                if not connection.answered():
                    continue
                good += connection.received.startswith(b"HTTP/1.1 200")
                connection.received.clear()
                following = next(left, None)
                if following is not None:
                    connection.socket.sendall(following)
                else:
                    waiting.unregister(connection.socket)
                    connection.socket.close()
    return good
