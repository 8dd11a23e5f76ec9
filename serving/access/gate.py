"""Finding out who calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from serving.access.principal import DEMO, Principal
from serving.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from serving.state import State


class Gate:
    """Knows the callers of one service; the demo has one, who needs no login."""

    def __init__(self, state: State) -> None:
        """Stand before the service ``state``."""
        self._state = state

    def principal(self, connection: HTTPConnection) -> Principal:
        """Who calls.

        Raises:
            Problem: ``unauthenticated`` (401).
        """
        if self._state.open_to_all:
            return DEMO
        raise Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})
