"""Files that are all there or not there at all, and JSON that is read without surprises."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from eco_credit.core.errors import ModelNotServable

IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


def identifier(text: str) -> str:
    """Take a model name or alias of lower-case letters, digits, ``_`` and ``-``.

    Raises:
        ModelNotServable: anything else, so that a name can never be a path.
    """
    if not IDENTIFIER.fullmatch(text):
        raise ModelNotServable("a model name or alias is not well formed", "模型名称或别名不合规")
    return text


def write_durably(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file in one step: temporary file, fsync, rename, fsync of the folder."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system allows it."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def parse_json(data: bytes, where: str) -> Any:
    """Decode JSON strictly: UTF-8, no doubled key, no NaN or infinity, no endless nesting.

    Raises:
        ModelNotServable: anything else.
    """
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ModelNotServable(f"model file {where} is not sound JSON", f"模型文件 {where} 不是合规的 JSON") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice")
    return result


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number")
