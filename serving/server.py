"""Running the application under uvicorn, with the bounds it does not set by itself."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from socket import socket
from typing import cast

import uvicorn
from fastapi import FastAPI

from eco_credit.core.errors import ContractError, Violation
from serving.access.log import send_lines
from serving.access.origin import is_loopback
from serving.app import create_app
from serving.front import Front, protocol
from serving.settings import Settings

_HEADER_BYTES = 16_384
_KEEP_ALIVE_SECONDS = 15
_SHUTDOWN_SECONDS = 20
_COLLECT_AFTER = 100_000
"""Net new containers before the collector looks; an answer makes a few thousand and frees them by counting."""


class Server(uvicorn.Server):
    """uvicorn's server, settled once it has started, and stopped in order."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Start, then take what was loaded out of the collector's sight: contracts, rules and model stay for good."""
        await super().startup(sockets=sockets)
        gc.collect()
        gc.freeze()
        gc.set_threshold(_COLLECT_AFTER, 50, 50)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Say "not ready" for a while, so that nobody is sent here any more; then close, finish and flush."""
        service = cast(FastAPI, self.config.app).state.service
        service.stopping = True
        until = time.monotonic() + service.settings.drain_seconds
        while time.monotonic() < until and not self.force_exit:
            await asyncio.sleep(0.05)
        await super().shutdown(sockets=sockets)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """As uvicorn does, but a SIGTERM that was obeyed is not raised again: the process ends with 0."""
        with super().capture_signals():
            yield
            self._captured_signals[:] = [one for one in self._captured_signals if one != signal.SIGTERM]


def config(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    """Configuration of the server for an application made by `serving.app.create_app`.

    Headers are bounded to 16 KiB and to a deadline, connections to four times the requests worked on at once, and a
    stop waits at most 20 s.
    """
    service = app.state.service
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol(Front(service.settings, service.metrics)),
        ws="none",
        h11_max_incomplete_event_size=_HEADER_BYTES,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        server_header=False,
        proxy_headers=False,
        access_log=False,
        log_level="warning",
    )


def serve(settings: Settings, host: str | None = None, port: int | None = None) -> None:
    """Serve until stopped; SIGTERM finishes what is in flight, writes what waits and returns.

    Args:
        settings: the settings.
        host: address; that of the settings when None.
        port: TCP port; that of the settings when None. 0 lets the system choose.

    Raises:
        ContractError: other machines could reach a service that may ask nobody for a key.
    """
    host = host or settings.host
    check_reach(settings, host)
    app = create_app(settings)
    send_lines(settings.login.access_log)
    Server(config(app, host, settings.port if port is None else port)).run()


def check_reach(settings: Settings, host: str) -> None:
    """Refuse an address that other machines can reach, unless every caller is asked for a key.

    ``auto`` is not enough: it opens as soon as a model trained on synthetic data is promoted.

    Raises:
        ContractError: naming the setting to change, in both languages.
    """
    if settings.access == "keys" or is_loopback(host):
        return
    en = "other machines can reach this address: ask for keys (ECO_CREDIT_ACCESS=keys), or stay on 127.0.0.1"
    zh = "其他机器可以访问该地址：请设置 ECO_CREDIT_ACCESS=keys 要求密钥，或仅监听 127.0.0.1"
    raise ContractError([Violation("--host", "loopback", en, zh)])
