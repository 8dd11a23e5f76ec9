"""The application: routes, problems, lifetime. One app carries both the API and the web page."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from eco_credit.core.errors import ContractError, EcoCreditError
from eco_credit.core.provenance import code_version
from serving import decide, tracing
from serving.audit import KeyConflict
from serving.audit.journal import Clock, utc_now
from serving.envelope import Envelope, log_failure
from serving.models import Champions, reconcile
from serving.openapi import describe
from serving.pipeline import House, Pipeline
from serving.problems import Problem, from_error, response
from serving.routes import (
    accounts,
    appraisals,
    audits,
    catalogue,
    decision_list,
    decisions,
    inference,
    jobs,
    operations,
    scores,
    users,
)
from serving.routes.shapes import violations_of
from serving.settings import Settings
from serving.state import State

log = logging.getLogger("eco_credit.serving")
_ASK_SECONDS = 300.0
_BY_STATUS = {404: "not_found", 405: "method_not_allowed", 408: "receive_timeout", 413: "body_too_large"}


def _on_problem(request: Request, error: Problem) -> Response:
    return response(error, request)


def _on_error(request: Request, error: EcoCreditError) -> Response:
    problem = from_error(error)
    if problem.kind.status >= 500:
        log_failure(error, request.scope)
    return response(problem, request)


def _on_conflict(request: Request, error: KeyConflict) -> Response:
    return response(decide.conflict(error), request)


def _on_http(request: Request, error: HTTPException) -> Response:
    problem = Problem(_BY_STATUS.get(error.status_code, "bad_request"), headers=error.headers)
    return response(problem, request)


def _on_validation(request: Request, error: RequestValidationError) -> Response:
    return response(from_error(ContractError(violations_of(list(error.errors())))), request)


async def _keep_fresh(state: State) -> None:
    """Look for a new champion until the service ends, and keep ready what a rollback would go back to."""
    while True:
        await asyncio.to_thread(state.refresh)
        await asyncio.to_thread(state.warm)
        await asyncio.sleep(state.settings.refresh_seconds)


async def _keep_checkpoints(state: State) -> None:
    """Write checkpoints of the decision log until the service ends, where a folder is named for them."""
    while state.settings.checkpoints is not None:
        await asyncio.to_thread(state.checkpoint)
        await asyncio.sleep(state.settings.checkpoint_seconds)


async def _keep_jobs(state: State) -> None:
    """Look after the processes of jobs until the service ends."""
    while state.settings.job_processes:
        try:
            await asyncio.to_thread(state.jobs.tick, state.clock())
        except OSError as error:  # a full or missing disk must not end the looking after
            log.error("jobs were not looked after: %s", type(error).__name__)
        await asyncio.sleep(state.settings.refresh_seconds)


async def _keep_challenger(state: State) -> None:
    """Look for a new challenger, apart from the champion: a slow probe must not hold up a rollback."""
    while True:
        await asyncio.to_thread(state.refresh_challenger)
        await asyncio.sleep(state.settings.refresh_seconds)


async def _ask_registry(state: State) -> None:
    """Ask MLflow at start and from then on whether an alias moved, without holding up `_keep_fresh`."""
    while state.settings.reconcile:
        await asyncio.to_thread(reconcile, state.settings)
        await asyncio.sleep(_ASK_SECONDS)


def _lifespan(state: State) -> Any:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await asyncio.to_thread(state.start)
        works = (_keep_fresh, _keep_challenger, _ask_registry, _keep_checkpoints, _keep_jobs)
        beside = [asyncio.create_task(work(state)) for work in works]
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*beside)
            await asyncio.to_thread(state.stop)

    return lifespan


def _add_web(app: FastAPI, state: State) -> None:
    """Add the web page where it is wanted and its room is installed."""
    if state.settings.web and importlib.util.find_spec("serving.web.routes") is not None:
        app.include_router(importlib.import_module("serving.web.routes").build_router(state), include_in_schema=False)
        importlib.import_module("serving.web.paged").page_errors(app)


def create_app(
    settings: Settings | None = None,
    *,
    pipeline: Pipeline | None = None,
    champions: Champions | None = None,
    clock: Clock = utc_now,
) -> FastAPI:
    """Make the application.

    Args:
        settings: what to serve and how; read from ``ECO_CREDIT_*`` when None.
        pipeline: computations behind the routes; those of the house when None.
        champions: holder of the model in service; the store's champion when None.
        clock: gives the UTC time of records.

    Returns:
        the ASGI application; its `State` is at ``app.state.service``. Nothing is opened or loaded
        before its lifespan starts.
    """
    settings = settings or Settings()
    state = State(settings, champions or Champions(settings), pipeline or House(), clock)
    app = FastAPI(
        title="eco_credit",
        version=code_version(),
        lifespan=_lifespan(state),
        # The documentation pages of the framework load scripts from outside; the file itself stays.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # served by the catalogue, with a tag
        redirect_slashes=False,
    )
    app.state.service = state
    if settings.otel is not None:
        state.trace_to(tracing.tracer_to(settings.otel))
    app.add_middleware(Envelope, state=state)
    for kind, answer in (
        (Problem, _on_problem),
        (EcoCreditError, _on_error),
        (KeyConflict, _on_conflict),
        (HTTPException, _on_http),
        (RequestValidationError, _on_validation),
    ):
        app.add_exception_handler(kind, answer)  # type: ignore[arg-type]
    # the busiest route is the application's own: an included router is matched twice
    app.router.routes.extend(scores.build_router(state).routes)
    rooms = (decision_list, decisions, audits, appraisals, accounts, catalogue, inference, jobs, users, operations)
    for room in rooms:
        app.include_router(room.build_router(state))
    _add_web(app, state)
    describe(app)
    return app
