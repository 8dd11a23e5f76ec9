"""Receiving a posted form: bounded in size, time and number of names, and only from our own pages."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from eco_credit.core.errors import EcoCreditError
from serving.access.origin import same_origin

MAX_FORM_BYTES = 290_000
"""A form with twenty pledges, every field filled in with texts of usual length, takes half of this."""
MAX_NAMES = 4_000
MAX_FILE_BYTES = 2 << 20
"""A workbook with one application takes a twentieth of this."""
_SECONDS = 10.0


class FormRefused(EcoCreditError):
    """A posted form that is not read at all.

    Attributes:
        key: key of the sentence that says why.
        status: HTTP status.
    """

    code = "form_refused"

    def __init__(self, key: str, status: int) -> None:
        """Name the sentence and the status."""
        super().__init__(key)
        self.key, self.status = key, status


def check_origin(request: Request) -> None:
    """Refuse a form sent from another site: it could fill the decision log, or log its reader in as somebody else.

    Raises:
        FormRefused: 403, the form comes from elsewhere.
    """
    if not same_origin(request):
        raise FormRefused("notice.cross_site", 403)


async def _bounded(request: Request) -> bytes:
    """The body, counted while it arrives."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise FormRefused("notice.too_large", 413)
    return bytes(body)


async def read_body(request: Request) -> dict[str, str]:
    """Receive a form.

    Returns:
        Posted names and texts; of a name posted twice the first one counts.

    Raises:
        FormRefused: too large or too many names (413), too slow (408), not a form in UTF-8 (400), from
            another site (403).
    """
    check_origin(request)
    try:
        async with asyncio.timeout(_SECONDS):
            body = await _bounded(request)
    except (TimeoutError, ClientDisconnect):
        raise FormRefused("notice.refused", 408) from None
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_NAMES, errors="strict")
    except ValueError:
        raise FormRefused("notice.refused", 400) from None
    return dict(reversed(pairs))


async def read_upload(request: Request) -> bytes:
    """Receive the one file of an upload form; its name is looked at for the ending alone.

    Raises:
        FormRefused: too large (413), too slow (408), no file, another ending or no such form (400), from another
            site (403).
    """
    check_origin(request)
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > MAX_FILE_BYTES:
            raise FormRefused("notice.file_too_large", 413)
        return message

    try:
        async with asyncio.timeout(_SECONDS):
            return await _file_of(Request(request.scope, counted))
    except (TimeoutError, ClientDisconnect):
        raise FormRefused("notice.refused", 408) from None
    except (MultiPartException, HTTPException):
        raise FormRefused("notice.refused", 400) from None


async def _file_of(request: Request) -> bytes:
    """The content of the field ``file``."""
    async with request.form(max_files=1, max_fields=4) as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise FormRefused("notice.no_file", 400)
        if not sent.filename.lower().endswith((".xlsx", ".xlsm", ".xls", ".et")):
            raise FormRefused("notice.only_xlsx", 400)
        return await sent.read()
