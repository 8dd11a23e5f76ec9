"""The guard before every route: a route says what it needs, or it cannot be made."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from serving.access.log import READS
from serving.access.principal import Principal
from serving.access.roles import Permission
from serving.problems import Problem

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])
_NEEDS = "__eco_credit_needs__"


def needs(permission: Permission) -> Callable[[_Endpoint], _Endpoint]:
    """Declare the permission a route asks of its caller; stands right under the route."""

    def declare(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _NEEDS, permission)
        return endpoint

    return declare


def public(endpoint: _Endpoint) -> _Endpoint:
    """Declare that anybody may call a route; it must show nothing of a case or a tenant."""
    setattr(endpoint, _NEEDS, None)
    return endpoint


def who(request: Request) -> Principal:
    """The caller of a request to a guarded route."""
    found: Principal = request.scope["state"]["principal"]
    return found


async def admit(request: Request, permission: Permission) -> None:
    """Find out who calls and let the request pass, or refuse it; a reading leaves a line first.

    Raises:
        Problem: ``unauthenticated`` (401), ``forbidden`` (403), ``too_many_logins`` or ``rate_limited`` (429).
    """
    service = request.app.state.service
    try:
        principal: Principal = await service.gate.principal(request)
    except Problem as refused:
        if refused.kind.status == 401:
            service.rates.stranger(request)
        raise
    service.rates.take(request, principal)
    request.scope["state"]["principal"] = principal
    if not principal.may(permission):
        service.gate.note(request, principal, permission, event="forbidden")
        raise Problem("forbidden")
    if permission in READS:
        service.gate.note(request, principal, permission)


class Guarded(APIRoute):
    """A route of this service; `APIRouter` gets it as ``route_class``.

    Attributes:
        permission: what the caller must be allowed to do; None for a public route.
    """

    permission: Permission | None

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Make the route.

        Raises:
            TypeError: the endpoint declares neither `needs` nor `public`.
        """
        if not hasattr(endpoint, _NEEDS):
            raise TypeError(f"{path}: say who may call it, by needs(...) or public")
        self.permission = getattr(endpoint, _NEEDS)
        if self.permission is not None:
            asked: dict[str, Any] = {"security": [{"bearer": []}], "x-permission": self.permission.value}
            options["openapi_extra"] = (options.get("openapi_extra") or {}) | asked
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the framework, behind the guard."""
        handler, permission = super().get_route_handler(), self.permission
        if permission is None:
            return handler

        async def guarded(request: Request) -> Response:
            await admit(request, permission)
            return await handler(request)

        return guarded
