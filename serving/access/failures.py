"""How often one peer may be refused before it has to wait."""

from __future__ import annotations

import secrets
from hashlib import blake2b

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

_BUCKETS = 65_536


class Failures:
    """Counts refused credentials by peer and minute.

    Peers share a bounded number of counters, chosen by a secret hash: a flood of addresses takes no more memory,
    and nobody can choose to share a counter with somebody else.
    """

    def __init__(self, most: int) -> None:
        """Allow ``most`` refusals a minute."""
        self._item = RateLimitItemPerMinute(most)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._secret = secrets.token_bytes(16)

    def _counter(self, peer: str) -> str:
        digest = blake2b(peer.encode(), key=self._secret, digest_size=4).digest()
        return str(int.from_bytes(digest) % _BUCKETS)

    def too_many(self, peer: str) -> bool:
        """True when a peer has to wait."""
        return not self._limiter.test(self._item, self._counter(peer))

    def add(self, peer: str) -> None:
        """Count a refusal."""
        self._limiter.hit(self._item, self._counter(peer))
