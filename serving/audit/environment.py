"""What the numbers were made on: libraries and processor, in one line."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata
from pathlib import Path

from eco_credit.core.canonical import sha256

_LIBRARIES = ("numpy", "pydantic")


def _processor() -> str:
    """The processor's model and the instructions it knows, where the system tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    kept = {line.partition(":")[0].strip(): line for line in lines if line.startswith(("model name", "flags", "Feat"))}
    return "\n".join(kept.values())


@cache
def environment() -> str:
    """Interpreter, libraries on the scoring path and processor, such as ``python 3.11.2; numpy 2.3.5; x86_64 1f0c…``.

    The processor stands by the first 16 hexadecimal digits of the SHA-256 of its model and instruction set: numpy
    chooses its loops by them.
    """
    versions = [f"{name} {metadata.version(name)}" for name in _LIBRARIES]
    return "; ".join(
        [f"python {platform.python_version()}", *versions, f"{platform.machine()} {sha256(_processor().encode())[:16]}"]
    )
