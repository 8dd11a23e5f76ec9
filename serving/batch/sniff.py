"""What a file really is, before anything decodes it: size, first bytes, what an archive claims to hold."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

from serving.batch.biff import STREAMS
from serving.batch.ole import MAGIC, streams_of
from serving.batch.rules import refusal
from serving.batch.settings import Limits

_FORMATS = {
    ".parquet": "parquet", ".csv": "csv", ".txt": "csv", ".tsv": "csv",
    ".xlsx": "workbook", ".xlsm": "workbook", ".xls": "workbook", ".et": "workbook",
}  # fmt: skip
_PARQUET, _ZIP = b"PAR1", b"PK\x03\x04"
_BINARY = (_PARQUET, _ZIP, MAGIC[:4], b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"%PDF")
_DIRECTORY_END = b"PK\x05\x06"
_DIRECTORY_ENTRY = 1 << 10
OLD_BYTES = 1 << 30
"""Largest old workbook: 256 columns of 65,536 rows do not fill more."""


def sniff(path: Path, limits: Limits) -> str:
    """Tell the format of a file by its ending and make sure the content agrees; a workbook is told by its content.

    Args:
        path: the file.
        limits: largest sizes.

    Returns:
        ``parquet``, ``csv``, ``xlsx`` or ``xls``; the last is an old workbook, of WPS too, whatever its ending.

    Raises:
        ContractError: there is no such file, it is empty or too large, its ending is not supported,
            or the content is something else.
    """
    if not path.is_file():
        raise refusal(path.name, "no_such_file")
    kind = _FORMATS.get(path.suffix.lower())
    if kind is None:
        raise refusal(path.name, "unsupported_format")
    size = path.stat().st_size
    if size == 0:
        raise refusal(path.name, "empty_file")
    if size > limits.file_bytes:
        raise refusal(path.name, "too_large")
    with path.open("rb") as source:
        start = source.read(8)
        source.seek(-min(size, 4), 2)
        end = source.read(4)
    if kind == "workbook":
        return _workbook(path, start, limits)
    fits = start.startswith(_PARQUET) and end == _PARQUET if kind == "parquet" else not start.startswith(_BINARY)
    if not fits:
        raise refusal(path.name, "wrong_format")
    return kind


def _workbook(path: Path, start: bytes, limits: Limits) -> str:
    """Which generation of workbook it is."""
    if start.startswith(_ZIP):
        _archive(path, limits)
        return "xlsx"
    if not start.startswith(MAGIC[:4]):
        raise refusal(path.name, "not_a_workbook")
    if path.stat().st_size > min(OLD_BYTES, limits.table_bytes):
        raise refusal(path.name, "too_large")
    streams = streams_of(path)
    if not streams & set(STREAMS):
        rule = "encrypted" if "EncryptedPackage" in streams else "not_a_workbook" if streams else "unreadable"
        raise refusal(path.name, rule)
    return "xls"


def _archive(path: Path, limits: Limits) -> None:
    """A workbook claims a bounded number of members that unpack to a bounded size."""
    _directory(path, limits)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise refusal(path.name, "unreadable") from None
    if "xl/workbook.xml" not in {member.filename for member in members}:
        raise refusal(path.name, "wrong_format")
    if any(member.flag_bits & 0x1 for member in members):
        raise refusal(path.name, "encrypted")
    total = sum(member.file_size for member in members)
    if len(members) > limits.members or total > limits.table_bytes:
        raise refusal(path.name, "unsafe_archive")
    if total > 1 << 20 and any(m.file_size > limits.expansion * max(m.compress_size, 1) for m in members):
        raise refusal(path.name, "unsafe_archive")


def _directory(path: Path, limits: Limits) -> None:
    """The list of members is itself bounded: opening an archive reads all of it."""
    with path.open("rb") as source:
        source.seek(-min(path.stat().st_size, (1 << 16) + 22), 2)
        tail = source.read()
    at = tail.rfind(_DIRECTORY_END)
    if at < 0 or at + 22 > len(tail):
        raise refusal(path.name, "unreadable")
    count, size = struct.unpack_from("<HI", tail, at + 10)
    if count > limits.members or size > limits.members * _DIRECTORY_ENTRY:
        raise refusal(path.name, "unsafe_archive")
