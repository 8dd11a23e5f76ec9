"""A route that is declared like every other and answered without the framework's machinery for parameters."""

from __future__ import annotations

import inspect
from typing import Any

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from serving.access.guard import Guarded, admit


class PlainRoute(Guarded):
    """A route whose endpoint takes the request and gives the response, and nothing else.

    It stands in the API description as any route does, and behind the same guard. There is nothing to solve or to
    close around it, so the endpoint is called as it is; what it raises is answered by the application's handlers. An
    endpoint that asks for more than the request goes the usual way.
    """

    def __init__(self, path: str, endpoint: Any, **details: Any) -> None:
        """Make the route as `Guarded` does.

        Raises:
            TypeError: the endpoint does not declare who may call it.
        """
        super().__init__(path, endpoint, **details)
        if list(inspect.signature(endpoint).parameters) == ["request"] and not self.dependencies:
            self.app = self._answer

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if self.permission is not None:
            await admit(request, self.permission)
        response = await self.endpoint(request)
        await response(scope, receive, send)
