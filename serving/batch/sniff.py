"""What a file really is, before anything decodes it: size, first bytes, what an archive claims to hold."""

from __future__ import annotations

import zipfile
from pathlib import Path

from serving.batch.rules import refusal
from serving.batch.settings import Limits

_FORMATS = {".parquet": "parquet", ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "xlsx", ".xlsm": "xlsx"}
_PARQUET, _ZIP = b"PAR1", b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_BINARY = (_PARQUET, _ZIP, _OLD_OFFICE, b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"%PDF")


def sniff(path: Path, limits: Limits) -> str:
    """Tell the format of a file by its ending and make sure the content agrees.

    Args:
        path: the file.
        limits: largest sizes.

    Returns:
        ``parquet``, ``csv`` or ``xlsx``.

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
    _content(path, kind)
    if kind == "xlsx":
        _archive(path, limits)
    return kind


def _content(path: Path, kind: str) -> None:
    """First and last bytes agree with the ending."""
    with path.open("rb") as source:
        start = source.read(8)
        source.seek(-min(path.stat().st_size, 4), 2)
        end = source.read(4)
    if kind == "xlsx" and start.startswith(_OLD_OFFICE):
        raise refusal(path.name, "encrypted")
    fits = {
        "parquet": start.startswith(_PARQUET) and end == _PARQUET,
        "xlsx": start.startswith(_ZIP),
        "csv": not start.startswith(_BINARY),
    }[kind]
    if not fits:
        raise refusal(path.name, "wrong_format")


def _archive(path: Path, limits: Limits) -> None:
    """A workbook claims a bounded number of members that unpack to a bounded size."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError):
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
