"""Receiving the file of a job: raw or as a form, counted while it arrives, straight to the disk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from eco_credit.core.errors import ContractError, StorageUnavailable
from serving.batch.mapping import shipped
from serving.jobs.store import Wanted
from serving.problems import Problem, violation

MEDIA = {
    "application/vnd.apache.parquet": ".parquet",
    "application/x-parquet": ".parquet",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.ms-excel": ".xls",
    "application/x-dbf": ".dbf",
}
"""Media type of a raw body to the ending of its file."""
RESULTS = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv": "text/csv; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Ending of a result to its media type."""
_BLOCK = 1 << 20
_NAMES = ("format", "mapping", "reasons", "reject_limit", "lang")
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069/\\]")


async def receive(request: Request, folder: Path, *, most: int, seconds: float) -> Wanted:
    """Receive the file of a job into a folder as ``input.*``.

    Args:
        request: a raw body with its media type and options in the query, or a form with the field ``file``.
        folder: gets the file.
        most: largest body, bytes.
        seconds: longest time to receive it.

    Returns:
        What is asked of the job.

    Raises:
        Problem: ``media_type`` (415), ``body_too_large`` (413), ``receive_timeout`` (408), ``bad_request`` (400).
        ContractError: an option has a wrong value.
        StorageUnavailable: there is no room for the file.
    """
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most:
        raise Problem("body_too_large")
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        async with asyncio.timeout(seconds):
            if media == "multipart/form-data":
                return await _form(request, folder, most)
            if media not in MEDIA:
                raise Problem("media_type", violations=[_media()])
            wanted = wanted_of(MEDIA[media], request.query_params, name="")
            await _write(folder / f"input{wanted.ending}", request.stream(), most)
            return wanted
    except TimeoutError:
        raise Problem("receive_timeout") from None
    except ClientDisconnect:
        raise Problem("bad_request") from None
    except OSError as error:
        raise StorageUnavailable("there is no room for the file", "没有空间保存文件") from error


def _media() -> Any:
    en = f"one of {', '.join(MEDIA)}, or multipart/form-data with the field file"
    return violation("Content-Type", "media_type", en, f"须为 {'、'.join(MEDIA)}，或带 file 字段的 multipart/form-data")


async def _write(path: Path, blocks: AsyncIterator[bytes], most: int) -> None:
    """Write blocks as they arrive; more than allowed is refused at once."""
    received = 0
    with path.open("wb") as sink:
        async for block in blocks:
            received += len(block)
            if received > most:
                raise Problem("body_too_large")
            await asyncio.to_thread(sink.write, block)


async def _form(request: Request, folder: Path, most: int) -> Wanted:
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > most:
            raise Problem("body_too_large")
        return message

    try:
        async with Request(request.scope, counted).form(max_files=1, max_fields=8) as form:
            sent = form.get("file")
            if not isinstance(sent, UploadFile) or not sent.filename:
                en, zh = "a form needs the field file", "表单须带 file 字段"
                raise Problem("bad_request", violations=[violation("file", "required", en, zh)])
            told = {name: value for name in _NAMES if isinstance(value := form.get(name), str) and value}
            wanted = wanted_of(Path(sent.filename).suffix.lower(), told, name=sent.filename)
            await _write(folder / f"input{wanted.ending}", _blocks(sent), most)
            return wanted
    except (MultiPartException, HTTPException):
        raise Problem("bad_request") from None


async def _blocks(sent: UploadFile) -> AsyncIterator[bytes]:
    while block := await sent.read(_BLOCK):
        yield block


def wanted_of(ending: str, told: Mapping[str, str], *, name: str) -> Wanted:
    """What is asked, from the texts of a query or form.

    Raises:
        ContractError: an ending, a mapping, a number or a language that is not known.
    """
    known = {*MEDIA.values(), ".xlsm", ".et", ".txt"}
    wrong = []
    if ending not in known:
        wrong.append(violation("file", "unsupported_format", f"one of {', '.join(sorted(known))}", "不支持的文件格式"))
    result = f".{told['format'].lower()}" if "format" in told else (ending if ending in RESULTS else ".csv")
    if result not in RESULTS:
        wrong.append(violation("format", "result_format", "parquet, csv or xlsx", "仅支持 parquet、csv、xlsx"))
    mappings = tuple(filter(None, told.get("mapping", "").split(",")))
    if not set(mappings) <= set(shipped()):
        wrong.append(violation("mapping", "code", f"one of {', '.join(shipped())}", "没有该内置映射"))
    reasons, limit = _number(told.get("reasons", "3"), 8), _number(told.get("reject_limit", "0.5"), 1)
    if reasons is None or not reasons.is_integer():
        wrong.append(violation("reasons", "range", "a whole number from 0 to 8", "须为0至8的整数"))
    if limit is None:
        wrong.append(violation("reject_limit", "range", "a ratio from 0 to 1", "须为0至1的比例"))
    if told.get("lang", "zh") not in ("zh", "en"):
        wrong.append(violation("lang", "code", "zh or en", "zh 或 en"))
    if wrong or reasons is None or limit is None:
        raise ContractError(wrong)
    shown = _UNPRINTED.sub("", name)[-80:]
    return Wanted(ending, result, mappings, int(reasons), limit, told.get("lang", "zh"), shown)


def _number(text: str, most: float) -> float | None:
    return float(text) if re.fullmatch(r"\d{1,3}(\.\d{1,6})?", text) and float(text) <= most else None
