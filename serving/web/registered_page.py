"""All versions in the registry, any of which a risk modeller may propose, and a proposed model on paper."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from eco_credit.core.errors import EcoCreditError
from eco_credit.registry.package import load_package
from eco_credit.registry.pointer import check_chain, read_history
from eco_credit.registry.proposals import OPEN, newest_version, proposals
from eco_credit.registry.registered import Registered, registered
from eco_credit.reports.validation_report_gates import COLOURS
from eco_credit.reports.validation_report_model import ModelFacts
from serving.access import Permission, needs
from serving.web.models_view import store_of
from serving.web.pages import Page

if TYPE_CHECKING:
    from serving.state import State

_ONE_AT_A_TIME = threading.Lock()
"""The registry is asked by a child process that takes seconds; a crowd of readers is not a crowd of children."""
_WAIT_SECONDS = 20.0


def add_registered(router: APIRouter, state: State) -> None:
    """Add ``/models/registered`` and ``/models/proposals/{number}``; both stand before the pages of an alias."""

    @router.get("/models/registered")
    @needs(Permission.MODELS)
    async def versions(request: Request) -> Response:
        page = Page.of(request, demo=state.demo)
        try:
            values = await asyncio.to_thread(_versions, state)
        except EcoCreditError as error:
            return page.notice(page.t("models.registered.title"), getattr(error, page.lang), status=503)
        except TimeoutError:
            return page.notice(page.t("models.registered.title"), page.t("models.registered.busy"), status=503)
        return page.draw("registered.html.j2", **values)


def _versions(state: State) -> dict[str, Any]:
    """Every version with what may be done about it."""
    store, name = store_of(state), state.settings.model_name
    if not _ONE_AT_A_TIME.acquire(timeout=_WAIT_SECONDS):
        raise TimeoutError
    try:
        found = registered(store, name)
    finally:
        _ONE_AT_A_TIME.release()
    trusted = store.trusted()
    champions = check_chain(read_history(store.pointer_path(name), trusted), trusted)
    waiting = {one.asked.digest for one in proposals(store, name) if one.state == OPEN}
    rows = [_row(one, champions[-1].digest if champions else "", waiting, newest_version(champions)) for one in found]
    return {"rows": rows, "open_to_propose": [row["version"] for row in rows if row["state"] == "free"]}


def _row(one: Registered, champion: str, waiting: set[str], newest: int) -> dict[str, Any]:
    state = "free"
    if one.digest == champion:
        state = "champion"
    elif one.digest in waiting:
        state = "waiting"
    elif one.version < newest:
        state = "earlier"
    return {"version": one.version, "digest": one.digest, "trainer": one.trainer, "state": state,
            "gate": one.gate if one.gate in COLOURS else "", "synthetic": one.synthetic}  # fmt: skip


def proposed_facts(state: State, number: str) -> ModelFacts | None:
    """The package of a proposal, read for people to judge; None where there is no such proposal or package."""
    store, name = store_of(state), state.settings.model_name
    try:
        asked = next(one.asked for one in proposals(store, name) if str(one.asked.sequence) == number)
        folder = store.served_folder(name) / asked.digest
        return ModelFacts.of(load_package(folder, store.trusted(), False, version=str(asked.version)))
    except (EcoCreditError, OSError, StopIteration):
        return None
