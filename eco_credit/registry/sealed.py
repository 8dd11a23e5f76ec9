r"""A record whose personal part only the key of one person opens.

The request is sealed whole: from what would be left of it, and the answer, the fields that take few values could be
worked out by trying them on the model. Of the answer, what its contract calls personal is taken out. What is stored
in place of the request is::

    sealed-1 <key id> <names taken out of the answer, commas between>\n<nonce><ciphertext and tag>

AES-256-GCM with a nonce of chance; the first line, tenant, identifier and kind of the record are bound to it. Inside
are the values taken out of the answer, the digests of request and features, and the request, to the byte.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import StorageUnavailable
from eco_credit.registry.subject_keys import NONCE_BYTES

MARK = b"sealed-1 "
"""First bytes of a sealed request; a request that is not begins with a brace."""
_KEY_ID = 32
_VALUE = rb'("(?:[^"\\]|\\.)*"|[^,}\]]*)'
"""A plain value in canonical JSON."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a record that is sealed, or that comes out of it.

    Attributes:
        request: canonical JSON of the request; empty once the key is gone.
        answer: canonical JSON of the answer; what is personal in it is ``null`` once the key is gone.
        request_hash: digest of the request; empty once the key is gone.
        features: digest of the features; empty once the key is gone.
    """

    request: bytes
    answer: bytes
    request_hash: str
    features: str


@dataclass(frozen=True, slots=True)
class Place:
    """What a sealed part is bound to, beside its own first line.

    Attributes:
        tenant: whose record it is.
        decision_id: identifier of the record.
        kind: ``score`` or ``outcome``.
    """

    tenant: str
    decision_id: str
    kind: str


def key_id_of(request: bytes) -> str | None:
    """Identifier of the key that opens a stored request; None for one that is not sealed.

    Example:
        >>> key_id_of(b'{"application_id":"a"}') is None
        True
    """
    if not request.startswith(MARK):
        return None
    return request[len(MARK) : len(MARK) + _KEY_ID].decode("ascii", "replace")


def beginning(key_id: str) -> bytes:
    """What the stored requests begin with that one key opens."""
    return MARK + key_id.encode("ascii")


def seal(cipher: AESGCM, key_id: str, place: Place, part: Part, names: Sequence[str]) -> Part:
    """Seal the personal part of a record.

    Args:
        cipher: cipher of the person's data key.
        key_id: identifier of that key.
        place: what it is bound to.
        part: the record in plain.
        names: names of the personal fields of the answer.

    Returns:
        What is stored: the sealed request, the answer without what is personal, no digests.
    """
    answer, taken = _without(part.answer, tuple(names))
    head = beginning(key_id) + b" " + ",".join(names).encode("ascii")
    inner = {"answer": taken, "features": part.features, "request_hash": part.request_hash}
    nonce = secrets.token_bytes(NONCE_BYTES)
    text = canonical_json(inner) + b"\n" + part.request
    return Part(head + b"\n" + nonce + cipher.encrypt(nonce, text, _bound(head, place)), answer, "", "")


def unseal(cipher: AESGCM, place: Place, stored: Part) -> Part:
    """The record in plain again, to the byte.

    Raises:
        StorageUnavailable: it is not what was sealed there under this key.
    """
    head, _, body = stored.request.partition(b"\n")
    try:
        text = cipher.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], _bound(head, place))
        first, _, request = text.partition(b"\n")
        inner = json.loads(first)
        answer = _with(stored.answer, _names_of(head), inner["answer"])
        return Part(request, answer, inner["request_hash"], inner["features"])
    except (InvalidTag, ValueError, KeyError, StopIteration) as error:
        raise StorageUnavailable("a sealed record does not open with its key", "加密记录无法用其密钥打开") from error


def without_key(stored: Part) -> Part:
    """What is left of a sealed record once its key is gone."""
    return Part(b"{}", stored.answer, "", "")


def _names_of(head: bytes) -> tuple[str, ...]:
    names = head[len(MARK) + _KEY_ID + 1 :].decode("ascii")
    return tuple(names.split(",")) if names else ()


def _bound(head: bytes, place: Place) -> bytes:
    return b"\n".join((head, place.tenant.encode(), place.decision_id.encode(), place.kind.encode()))


@cache
def _pattern(names: tuple[str, ...]) -> re.Pattern[bytes]:
    """The named fields of canonical JSON with their values.

    Inside a text a quotation mark stands behind a backslash, so that a name followed by a colon is always a field.
    """
    which = b"|".join(re.escape(name.encode("ascii")) for name in names)
    return re.compile(rb'("(?:' + which + rb')":)' + _VALUE)


def _without(answer: bytes, names: tuple[str, ...]) -> tuple[bytes, list[str]]:
    """Put null for the named fields; the values taken out, as they were written, in order."""
    if not names:
        return answer, []
    taken: list[str] = []

    def take(found: re.Match[bytes]) -> bytes:
        taken.append(found[2].decode())
        return found[1] + b"null"

    return _pattern(names).sub(take, answer), taken


def _with(answer: bytes, names: tuple[str, ...], taken: Sequence[str]) -> bytes:
    if not names:
        return answer
    values = iter(taken)
    return _pattern(names).sub(lambda found: found[1] + next(values).encode(), answer)
