"""The lines about who read what: an allow-list of fields, things as keyed hashes, never a value.

What is scored or decided leaves a record in the decision log. What is only read leaves a line here, before anything
is shown, so that no reading goes unnoticed (JSON lines, logger ``eco_credit.access``).
"""

from __future__ import annotations

import hmac
import logging
import os
import secrets
from collections.abc import Mapping, MutableMapping
from hashlib import sha256
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import StorageUnavailable
from serving.access.principal import Principal
from serving.access.roles import Permission

NAME = "eco_credit.access"
FIELDS = frozenset(
    {"event", "at", "request_id", "method", "route", "permission", "tenant", "roles", "key_id", "caller", "object"}
)
"""Everything a line may hold."""
READS = frozenset({Permission.CASES, Permission.AUDIT, Permission.JOBS, Permission.USERS})
"""Permissions whose use leaves a line."""
_KEY_BYTES = 32
_SHOWN = 24


def _allowed(_: Any, __: str, fields: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if name in FIELDS}


def _line(_: Any, __: str, fields: MutableMapping[str, Any]) -> str:
    return canonical_json(dict(fields)).decode()


def access_logger() -> Any:
    """A logger that drops every field outside `FIELDS` and writes one JSON object a line."""
    import structlog  # with all it draws in a tenth of a service's start, and an open one writes no line

    return structlog.wrap_logger(logging.getLogger(NAME), processors=[_allowed, _line])


def send_lines(path: Path | None) -> None:
    """Write the lines to a file of their own, which may be rotated from outside, or to standard error."""
    logger = logging.getLogger(NAME)
    if path is None:
        handler: logging.Handler = logging.StreamHandler()
    else:
        os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
        handler = WatchedFileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def log_key(home: Path) -> bytes:
    """The secret of the keyed hashes: ``log.key`` of the store, made when it is missing.

    Raises:
        StorageUnavailable: it can neither be read nor made.
    """
    return secret_of(home, "log.key", "the key of the access log", "访问日志的密钥")


def secret_of(home: Path, name: str, en: str, zh: str) -> bytes:
    """A secret of the store, which all its services share: 32 random bytes in a file, made when it is missing.

    Args:
        home: folder of the store.
        name: name of the file.
        en: what the secret is, for a refusal.
        zh: the same in Chinese.

    Raises:
        StorageUnavailable: it can neither be read nor made, or is not 32 bytes long.
    """
    try:
        found = _read_or_made(home, name)
    except OSError as error:
        raise StorageUnavailable(f"{en} cannot be used", f"{zh}无法使用") from error
    if len(found) != _KEY_BYTES:
        raise StorageUnavailable(f"{en} is damaged", f"{zh}已损坏")
    return found


def _read_or_made(home: Path, name: str) -> bytes:
    path = home / name
    if not path.exists():
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = home / f".{name}.{os.getpid()}.{secrets.token_hex(4)}.part"
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as sink:
            sink.write(secrets.token_bytes(_KEY_BYTES))
            sink.flush()
            os.fsync(sink.fileno())
        try:
            os.link(part, path)  # refuses to replace the key that another process has just made
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return path.read_bytes()


def hashed(key: bytes, text: str) -> str:
    """The keyed hash a thing or a person appears as: 24 hexadecimal digits of HMAC-SHA-256.

    Example:
        >>> len(hashed(bytes(32), "d-1")), hashed(bytes(32), "d-1") == hashed(bytes([1]) * 32, "d-1")
        (24, False)
    """
    return hmac.new(key, text.encode(), sha256).hexdigest()[:_SHOWN]


def caller_of(key: bytes, by: Principal) -> str:
    """The keyed hash of a caller."""
    return hashed(key, f"{by.tenant}/{by.user}")
