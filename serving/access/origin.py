"""Where a request comes from: this machine or another, a page of this site or of another."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

_FORWARDED = frozenset(
    {
        *(b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip", b"x-forwarded"),
        *(b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-server"),
    }
)
"""Headers by which a proxy says that it stands between."""
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods that change something."""


def is_loopback(host: str) -> bool:
    """True for the names and addresses that no other machine can reach.

    Example:
        >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.0.0.7", "bank.example")]
        [True, True, True, False, False, False]
    """
    if host in ("127.0.0.1", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def peer_of(connection: HTTPConnection) -> str:
    """The address at the other end; of IPv6 the network, since one household holds all its addresses."""
    host = connection.client.host if connection.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


@lru_cache(maxsize=256)
def _name_in(host: str) -> str:
    """The name in a ``Host`` header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return host


def over_network(connection: HTTPConnection) -> bool:
    """True when the reader's browser calls this service by another name than this machine's own."""
    return not is_loopback(_name_in(connection.headers.get("host", "")))


def from_here(connection: HTTPConnection) -> bool:
    """True when the caller sits at this machine and means it, not somebody behind a proxy here.

    A page of a stranger can have its own name lead to this machine (DNS rebinding) and so reach a service that asks
    for no login, by the reader's own browser. Such a name has a dot in it; ``localhost`` and bare names have none.
    """
    if not is_loopback(connection.client.host if connection.client else ""):
        return False
    host = b""
    for header, value in connection.scope["headers"]:  # one pass: an open service does this on every request
        if header in _FORWARDED:
            return False
        host = value if header == b"host" else host
    name = _name_in(host.decode("latin-1"))
    return is_loopback(name) or not ("." in name or ":" in name)


def same_origin(connection: HTTPConnection) -> bool:
    """True when a page of this site sent the request, or something that is no browser.

    Browsers say it in ``Sec-Fetch-Site``, which a page cannot set; older ones, and those that do not trust the
    connection, only in ``Origin``.
    """
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = connection.headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc == connection.headers.get("host", "") != ""
