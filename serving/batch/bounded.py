"""An uploaded workbook, looked at from outside and then decoded in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from eco_credit.core.errors import ContractError, Violation
from serving.batch.isolated import clean_environment
from serving.batch.one import UPLOAD, Complaint, One
from serving.batch.rules import refusal
from serving.batch.sniff import sniff

WALL_SECONDS = 20.0
"""Longest time the process may take; its processor time is bounded more tightly."""
_NAME = "upload.xlsx"
_MOST_ANSWER = 16 << 20


async def read_bounded(kind: str, content: bytes) -> One:
    """Read the one application of an uploaded workbook.

    Size, first bytes, number of members and what they claim to unpack to are checked here; only then a child
    process with bounds on memory and time decodes the file. The file's own name is not used.

    Args:
        kind: collateral kind.
        content: the file.

    Returns:
        Values and complaints.

    Raises:
        ContractError: the file is refused; rule ``reader_stopped`` when the process died or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="eco-credit-") as folder:
        path = Path(folder, _NAME)
        await asyncio.to_thread(path.write_bytes, content)
        await asyncio.to_thread(sniff, path, UPLOAD)
        found = await _decoded(kind, path)
    if "refused" in found:
        raise ContractError([Violation(**one) for one in found["refused"]])
    read = found["read"]
    return One(**read | {"complaints": [Complaint(**one) for one in read["complaints"]]})


async def _decoded(kind: str, path: Path) -> dict[str, Any]:
    """The answer of the child process."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "serving.batch.child", kind, str(path), env=clean_environment(),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(WALL_SECONDS):
            said, _ = await child.communicate()
    except TimeoutError:
        said = b""
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0 or not 0 < len(said) <= _MOST_ANSWER:
        raise refusal(_NAME, "reader_stopped")
    answer: dict[str, Any] = json.loads(said)
    return answer
