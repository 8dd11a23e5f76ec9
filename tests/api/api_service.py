"""A service for the tests: real routes, journal and parser; the pipeline is real or a simple one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import httpx
from fastapi import FastAPI

from eco_credit.core.errors import ContractError, Violation
from serving.app import create_app
from serving.models import Champions, Triple
from serving.pipeline import Answer, Ask
from serving.settings import Settings


class Plain:
    """Stands for the pipeline where only the plumbing is looked at: limit = half the amount."""

    def score(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        """Answer each with half the amount; an application without an amount breaks the contract."""
        return [self.one(ask) for ask in asks]

    def one(self, ask: Ask) -> Answer | Exception:
        """The answer to one application, or what is wrong with it."""
        raw = ask.raw
        if not isinstance(raw.get("amount"), int | float):
            return ContractError([Violation("amount", "required", "must be given", "必填")])
        body = {"decision_id": ask.decision_id, "max_loan": raw["amount"] / 2, "recommendation": "refer", "zh": "林权"}
        return Answer(body, str(raw.get("application_id", "a-1")), ask.triple.package.digest, "rules", "application@1")

    def appraise(self, raw: Mapping[str, Any], book: Any, held: Any) -> dict[str, Any]:
        """Give the body back."""
        return dict(raw)

    def account(self, raw: Mapping[str, Any], rules: Any) -> dict[str, Any]:
        """Give the body back."""
        return dict(raw)


class Ticking:
    """A clock that starts at a known moment and moves one second at each look."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The next second."""
        self.now += timedelta(seconds=1)
        return self.now


def package_of(name: str = "eco-credit", *, version: str = "1", synthetic: bool = True) -> Any:
    """What the plumbing sees of a model package."""
    return SimpleNamespace(name=name, version=version, digest="ab" * 32, synthetic=synthetic, gate={"passed": True})


def triple_of(**details: Any) -> Triple:
    """A triple around `package_of`."""
    return Triple(package_of(**details), SimpleNamespace(), "contract-digest")  # type: ignore[arg-type]


class Client:
    """A running application, spoken to in process: its lifespan is entered and left for real."""

    def __init__(self, app: FastAPI) -> None:
        self.app, self.state = app, app.state.service
        self._loop = asyncio.Runner()
        self._lifespan = app.router.lifespan_context(app)
        # An exception that leaves the application is a failed test, not an answer.
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://service")

    def __enter__(self) -> Self:
        """Start the application."""
        self._loop.run(self._lifespan.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the application."""
        self._loop.run(self._lifespan.__aexit__(None, None, None))
        self._loop.run(self._http.aclose())
        self._loop.close()

    def get(self, path: str, **headers: str) -> httpx.Response:
        """GET; ``accept_language="zh"`` becomes a header."""
        return self._loop.run(self._http.get(path, headers=named(headers)))

    def post(self, path: str, raw: bytes, **headers: str) -> httpx.Response:
        """POST raw bytes as application/json."""
        given = {"content-type": "application/json"} | named(headers)
        return self._loop.run(self._http.post(path, content=raw, headers=given))

    def post_together(self, path: str, bodies: list[bytes], **headers: str) -> list[httpx.Response]:
        """POST several bodies at once."""
        given = {"content-type": "application/json"} | named(headers)

        async def all_at_once() -> list[httpx.Response]:
            return await asyncio.gather(*(self._http.post(path, content=raw, headers=given) for raw in bodies))

        return self._loop.run(all_at_once())

    def together(self, posts: list[tuple[str, bytes, dict[str, str]]]) -> list[httpx.Response]:
        """POST several requests at once, each with headers of its own."""

        async def all_at_once() -> list[httpx.Response]:
            asked = (self._http.post(path, content=raw, headers=named(given)) for path, raw, given in posts)
            return await asyncio.gather(*asked)

        return self._loop.run(all_at_once())

    def wait(self, seconds: float) -> None:
        """Let the application's own tasks run."""
        self._loop.run(asyncio.sleep(seconds))

    def wait_for(self, ready: Callable[[], bool], seconds: float = 40.0) -> None:
        """Let the application's own tasks run until something holds."""
        until = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < until, "it did not come about"
            self.wait(0.05)

    def records(self) -> list[Any]:
        """All records of the decision log."""
        return list(self.state.journal.records("demo"))


def named(headers: Mapping[str, str]) -> dict[str, str]:
    """Header names from keyword names."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


def body_of(value: Any) -> bytes:
    """JSON as a client would write it."""
    return json.dumps(value, ensure_ascii=False).encode()


def plain_client(settings: Settings, pipeline: Any | None = None, **details: Any) -> Client:
    """A service around a simple pipeline, not yet started."""
    champions = Champions(settings, lambda _: triple_of(**details))
    return Client(create_app(settings, pipeline=pipeline or Plain(), champions=champions, clock=Ticking()))
