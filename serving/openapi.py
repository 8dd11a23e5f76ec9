"""The API description (OpenAPI 3.1), written to ``docs/openapi.json`` and compared in the tests.

``python -m serving.openapi docs/openapi.json`` writes it anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from serving.openapi_examples import body_examples, csv_rows
from serving.problems import MEDIA_TYPE, PROBLEMS
from serving.routes.answers import ProblemDocument
from serving.routes.shapes import AccountRequest, OnePledge
from serving.routes.user_shapes import NewKey, Rotation
from serving.tensors import InferRequest

if TYPE_CHECKING:
    from fastapi import FastAPI

_NAMED = (OnePledge, AccountRequest, InferRequest, NewKey, Rotation, ProblemDocument)
"""Shapes that routes refer to by name."""
_REF = "#/components/schemas/{model}"


def _schemas() -> dict[str, Any]:
    """Schemas the routes refer to by name."""
    from serving.schemas import application_schemas, outcome_schema

    models = [(model, "validation") for model in _NAMED]
    _, found = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]
    return dict(found["$defs"]) | application_schemas() | {"Outcome": outcome_schema()}


def _problem_answer() -> dict[str, Any]:
    codes = ", ".join(f"{kind.status} {code}" for code, kind in PROBLEMS.items())
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {"description": f"A problem document. Types: {codes}", "content": {MEDIA_TYPE: {"schema": schema}}}


_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key (eck_…, made by `eco-credit users add`) or a signed token (JWT) of the configured "
    "issuer. A demo asks for neither. `x-permission` of an operation names what the caller's role must allow.",
}


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(_schemas())
    document["components"]["securitySchemes"] = {"bearer": _BEARER}
    for path, examples in body_examples().items():
        document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"] = examples
    text = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]
    text["text/csv"] = text["text/csv"] | {"examples": {"orders": {"summary": "One order", "value": csv_rows()}}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            if path.startswith(("/v1/", "/v2")):
                operation["responses"]["default"] = _problem_answer()
    return document


def describe(app: FastAPI) -> None:
    """Let the application describe itself with our contracts and problem documents."""
    plain = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(plain())
        return app.openapi_schema

    app.openapi = complete  # type: ignore[method-assign]


def text() -> str:
    """The description as it is committed: sorted, indented, with the version of the interface only."""
    from serving.app import create_app
    from serving.settings import Settings

    document = create_app(Settings()).openapi()
    # The version of the distribution changes without the interface; the path carries the interface's.
    document["info"]["version"] = "v1"
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
