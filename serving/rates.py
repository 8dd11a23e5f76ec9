"""How often one caller may ask: counted before a body is read, so that a refusal costs next to nothing."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from serving.access.principal import DEMO, Principal
from serving.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from serving.state import State

PER_MINUTE = 600
"""Requests of one caller in a minute where the settings do not say and callers log in."""
STRANGERS = 60
"""Requests in a minute from one address that were refused because nobody was named."""


class Rates:
    """Counts of this process, by caller; where nobody logs in, by address."""

    def __init__(self, state: State) -> None:
        """Count for the service ``state``."""
        self._state = state
        self._window = SlidingWindowCounterRateLimiter(MemoryStorage())

    @property
    def per_minute(self) -> int:
        """Requests a caller may make in a minute; 0 is no limit."""
        told = self._state.settings.rate_per_minute
        if told is not None:
            return told
        return 0 if self._state.open_to_all else PER_MINUTE

    def take(self, connection: HTTPConnection, by: Principal) -> None:
        """Count one request of a caller who was let in; the answer's headers say what is left.

        Raises:
            Problem: ``rate_limited`` (429).
        """
        if self.per_minute == 0:
            return
        name = _address(connection) if by is DEMO else f"{by.tenant}/{by.user}"
        self._count(connection, RateLimitItemPerMinute(self.per_minute), "caller", name)

    def stranger(self, connection: HTTPConnection) -> None:
        """Count one request that nobody answers for. Callers who log in from the same address are not held up.

        Raises:
            Problem: ``rate_limited`` (429), in place of another 401.
        """
        most = max(STRANGERS, self._state.settings.login.failed_logins_per_minute)
        self._count(connection, RateLimitItemPerMinute(most), "stranger", _address(connection))

    def _count(self, connection: HTTPConnection, item: RateLimitItem, *names: str) -> None:
        taken = self._window.hit(item, *names)
        stats = self._window.get_window_stats(item, *names)
        reset = max(1, math.ceil(stats.reset_time - time.time()))
        connection.scope["state"]["rate"] = (item.amount, max(0, stats.remaining), reset)
        if not taken:
            raise Problem("rate_limited", headers={"Retry-After": str(reset)})


def _address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else "unknown"
