"""A route that is declared like every other and answered without the framework's machinery for parameters."""

from __future__ import annotations

import inspect
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Receive, Scope, Send


class PlainRoute(APIRoute):
    """A route whose endpoint takes the request and gives the response, and nothing else.

    It stands in the API description as any route does. There is nothing to solve or to close around it, so the
    endpoint is called as it is; what it raises is answered by the application's handlers. An endpoint that asks
    for more than the request goes the usual way.
    """

    def __init__(self, path: str, endpoint: Any, **details: Any) -> None:
        """Make the route as `APIRoute` does."""
        super().__init__(path, endpoint, **details)
        if list(inspect.signature(endpoint).parameters) == ["request"] and not self.dependencies:
            self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.endpoint(Request(scope, receive))
        await response(scope, receive, send)
