"""``/v2``: the Open Inference Protocol (KServe, version 2) as a thin adapter around the model in service.

Figures of the model alone, for rows of features: no pledge is appraised, nothing is recommended and nothing is
recorded. That is why it asks for the permission of those who judge models, not of those who decide on loans.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.provenance import code_version
from serving.access import Guarded, Permission, needs, public
from serving.json_body import read_object
from serving.problems import Problem
from serving.routes.reply import body_of, json_reply
from serving.routes.shapes import read_shape
from serving.state import State
from serving.tensors import InferRequest, estimate, inputs_of, outputs_of, read_columns
from serving.triple import Triple

PLATFORM = "eco_credit_tables_v1"


def build_router(state: State) -> APIRouter:
    """The routes of the protocol, on one service."""
    router = APIRouter(tags=["inference"], route_class=Guarded)
    _add_server(router, state)
    _add_model(router, state)
    return router


def _add_server(router: APIRouter, state: State) -> None:
    @router.get("/v2", operation_id="inferenceServer", summary="Server metadata", response_class=Response)
    @needs(Permission.CATALOGUE)
    async def server() -> Response:
        """Name and version of the server; it has no extensions."""
        return json_reply({"name": "eco_credit", "version": code_version(), "extensions": []})

    @router.get("/v2/health/live", operation_id="inferenceLive", summary="Server is live", response_class=Response)
    @public
    async def live() -> Response:
        """Always true while the process answers."""
        return json_reply({"live": True})

    @router.get("/v2/health/ready", operation_id="inferenceReady", summary="Server is ready", response_class=Response)
    @public
    async def ready() -> Response:
        """True when a verified model is in service; 503 when not."""
        good = state.champions.ready and not state.stopping
        return json_reply({"ready": good}, 200 if good else 503)


def _add_model(router: APIRouter, state: State) -> None:
    @router.get(
        "/v2/models/{name}", operation_id="inferenceModel", summary="Model metadata", response_class=Response
    )
    @needs(Permission.CATALOGUE)
    async def model(name: str) -> Response:
        """Inputs and outputs of the model in service, by name and datatype."""
        return json_reply(metadata(_named(state, name)))

    @router.get(
        "/v2/models/{name}/ready", operation_id="inferenceModelReady", summary="Model is ready", response_class=Response
    )
    @needs(Permission.CATALOGUE)
    async def model_ready(name: str) -> Response:
        """True when the model of that name is in service."""
        return json_reply({"name": _named(state, name).package.name, "ready": True})

    @router.post(
        "/v2/models/{name}/infer",
        operation_id="infer",
        summary="Estimate rows of features",
        response_class=Response,
        openapi_extra=body_of("InferRequest"),
    )
    @needs(Permission.MODELS)
    async def infer(name: str, request: Request) -> Response:
        """PD and LGD with their ranges, points and grade of up to 1000 rows. Nothing is decided or recorded."""
        triple = _named(state, name)
        raw = await read_object(request, state.limits, timeout=state.settings.receive_timeout)
        return json_reply(await state.run(inferred, triple, raw))


def _named(state: State, name: str) -> Triple:
    """The triple in service when the name is its own.

    Raises:
        Problem: ``not_found``.
        ModelNotServable: none is in service.
    """
    if name != state.settings.model_name:
        raise Problem("not_found")
    return state.champions.current()


def metadata(triple: Triple) -> dict[str, Any]:
    """Model metadata of the protocol; -1 stands for any number of rows."""
    package = triple.package
    sides = {"inputs": inputs_of(package), "outputs": outputs_of()}
    shown = {
        side: [{"name": name, "datatype": kind, "shape": [-1]} for name, kind in columns.items()]
        for side, columns in sides.items()
    }
    return {"name": package.name, "versions": [package.version], "platform": PLATFORM, **shown}


def inferred(triple: Triple, raw: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to an inference request.

    Raises:
        ContractError: the body, a column or an output asked for is not as the metadata says.
    """
    asked, package = read_shape(InferRequest, raw), triple.package
    given = estimate(package, read_columns(asked["inputs"], inputs_of(package)))
    kinds = outputs_of()
    wanted = [output["name"] for output in asked.get("outputs") or [{"name": name} for name in kinds]]
    unknown = [place for place, name in enumerate(wanted) if name not in kinds]
    if unknown:
        en, zh = "the model gives no such column; see the metadata of the model", "模型不输出该列，见模型元数据"
        raise ContractError([Violation(f"outputs[{place}].name", "extra", en, zh) for place in unknown])
    outputs = [
        {"name": name, "datatype": kinds[name], "shape": [len(given[name])], "data": given[name]} for name in wanted
    ]
    told = {"digest": package.digest, "synthetic": package.synthetic}
    answer = {"model_name": package.name, "model_version": package.version, "outputs": outputs, "parameters": told}
    return answer | ({"id": asked["id"]} if asked.get("id") is not None else {})
