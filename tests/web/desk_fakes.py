"""A realistic answer and a service around it: real routes, journal and contracts, a pipeline that only looks real."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import httpx
import uvicorn
from fastapi import FastAPI

from eco_credit.contracts import contract, read_application
from eco_credit.core.errors import ContractError
from eco_credit.rulebook import load
from serving.app import create_app
from serving.models import Champions, Triple
from serving.pipeline import Answer, Ask
from serving.settings import Settings

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
"""Noon in Beijing on the day of the examples."""

STEPS = [
    {"code": "stock", "zh": "总蓄积", "en": "Standing stock", "unit": "m3", "value": 3600.0},
    {"code": "outturn", "zh": "综合出材率", "en": "Outturn rate", "unit": "ratio", "value": 0.7},
    {"code": "revenue", "zh": "主伐收入", "en": "Revenue of final felling", "unit": "CNY", "value": 2268000.0},
]
HAIRCUTS = [
    {"name": "liquidity", "zh": "变现折扣", "en": "Liquidity", "ratio": 0.2, "rule": "valuation.forest.haircut_sale"},
    {"name": "fire", "zh": "火险折扣", "en": "Fire hazard", "ratio": 0.05, "rule": "valuation.forest.haircut_fire"},
]
REASONS = [
    {"code": "C02", "points": -18.4, "sign": "adverse", "zh": "负债相对现金流偏高", "en": "Debt high against cash flow",
     "action_zh": "降额或延长期限", "action_en": "Lower amount or longer term"},
    {"code": "C07", "points": 12.0, "sign": "favourable", "zh": "信用记录良好", "en": "Clean credit record",
     "action_zh": "继续保持", "action_en": "Keep it"},
]


def pledge_answer(pledge: Mapping[str, Any], *, refused: bool = False) -> dict[str, Any]:
    """One pledge: central value 1 234 550 yuan, lending value = 1 234 550 x 0.8 x 0.95 = 938 258."""
    why = [{"code": "F02", "points": None, "sign": "gate", "zh": "权属有争议", "en": "Ownership disputed"}]
    return {
        "pledge_id": pledge["pledge_id"],
        "kind": pledge["kind"],
        "eligible": not refused,
        "ineligible_reasons": why if refused else [],
        "gep": {"entitled_cny_per_year": 53200.0, "public_benefit_cny_per_year": 168000.0},
        "appraisal": {"low": 900000.0, "central": 1234550.0, "high": 1600000.0, "approach": "replacement_cost",
                      "steps": STEPS},
        "haircuts": HAIRCUTS,
        "cap": {"ratio": 0.6, "rule": "valuation.forest.ltv"},
        "lending_value": 0.0 if refused else 938258.0,
        "recovery": {"low": 500000.0, "central": 700000.0, "high": 820000.0},
        "reasons": [],
    }


def answer(application: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
    """A score answer to an application; a disputed pledge is refused and the loan declined."""
    refused = any(pledge.get("disputed") for pledge in application["pledges"])
    return {
        "decision_id": "d-" + "0" * 26,
        "application_id": application["application_id"],
        "as_of": application["as_of"],
        "currency": "CNY",
        "pledges": [pledge_answer(pledge, refused=bool(pledge.get("disputed"))) for pledge in application["pledges"]],
        "pd": {"value": 0.0312, "low": 0.0201, "high": 0.0467, "horizon_months": 12},
        "lgd": {"value": 0.38, "low": 0.3, "high": 0.47},
        "regulatory_lgd": 0.45,
        "expected_loss_rate": 0.011856,
        "score": 612.0,
        "grade": "B2",
        "recommendation": "decline" if refused else "approve",
        "max_loan": 0.0 if refused else 800000.0,
        "rate_floor": 0.052856,
        "conditions": [{"code": "register_charge", "stage": "precedent", "zh": "办妥抵质押登记后放款",
                        "en": "Pay out only after the charge is registered"}],
        "reasons": REASONS,
        "out_of_scope": False,
        "provenance": {
            "contract": contract("application").reference,
            "rules_day": application["as_of"],
            "rules_hash": "ab" * 32,
            "overlay_hash": None,
            "book_hash": None,
            "models": [{"name": "eco-credit", "version": "1", "digest": "cd" * 32}],
            "code_version": "0.1.0",
            "input_hash": "ef" * 32,
            "synthetic_model": True,
        },
    } | changed


class LooksReal:
    """A pipeline that validates for real and answers with :func:`answer`; it counts its answers."""

    def __init__(self) -> None:
        self.scored = 0

    def score(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        return [self._one(ask) for ask in asks]

    def _one(self, ask: Ask) -> Answer | Exception:
        self.scored += 1
        try:
            body = answer(read_application(ask.raw), decision_id=ask.decision_id)
        except ContractError as error:
            return error
        digest = ask.triple.package.digest
        return Answer(body, body["application_id"], digest, "ab" * 32, body["provenance"]["contract"])

    def appraise(self, raw: Mapping[str, Any], triple: Triple) -> dict[str, Any]:
        return dict(raw)

    def account(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        return dict(raw)


def service(home: Path, *, port: int = 8000) -> tuple[FastAPI, LooksReal]:
    """The application with its web page, a decision log in ``home`` and the pipeline above."""
    pipeline = LooksReal()
    settings = Settings(access="open", home=home, port=port)
    package: Any = SimpleNamespace(name="eco-credit", version="1", digest="cd" * 32, synthetic=True, gate={})
    triple = Triple(package, load(), contract("application").digest)
    champions = Champions(settings, load=lambda _: triple)
    return create_app(settings, pipeline=pipeline, champions=champions, clock=lambda: NOON), pipeline


class Visitor:
    """A person at the desk: the running application spoken to in process, redirects followed."""

    def __init__(self, home: Path) -> None:
        self.app, self.pipeline = service(home)
        self._loop = asyncio.Runner()
        self._lifespan = self.app.router.lifespan_context(self.app)
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app), base_url="http://desk", follow_redirects=True,
            headers={"accept-language": "zh-CN"},
        )

    def __enter__(self) -> Self:
        self._loop.run(self._lifespan.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._lifespan.__aexit__(None, None, None))
        self._loop.run(self._http.aclose())
        self._loop.close()

    def get(self, address: str, **details: Any) -> httpx.Response:
        return self._loop.run(self._http.get(address, **details))

    def post(self, address: str, **details: Any) -> httpx.Response:
        return self._loop.run(self._http.post(address, **details))


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application behind a real server of this process, for a browser; its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
