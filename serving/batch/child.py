"""The process in which an uploaded workbook is decoded: few rights, little memory, few seconds.

Run as ``python -m serving.batch.child KIND FILE``; it writes one JSON document and nothing else.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

MEMORY = 1 << 30
"""Address space of the process, bytes."""
SECONDS = 10
"""Processor time of the process."""


def _limit() -> None:
    """Bound memory, processor time and open files; write no file and no core, which would hold personal data."""
    try:
        import resource  # not on every platform
    except ImportError:
        return
    wanted = {
        resource.RLIMIT_AS: MEMORY, resource.RLIMIT_CPU: SECONDS, resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (bound, bound))


def answer(kind: str, path: Path) -> dict[str, Any]:
    """What the workbook holds, or why it is refused, as plain data."""
    from eco_credit.core.errors import ContractError
    from serving.batch.one import read_one

    try:
        return {"read": asdict(read_one(kind, path))}
    except ContractError as error:
        return {"refused": [{"field": v.field, "rule": v.rule, "en": v.en, "zh": v.zh} for v in error.violations]}


if __name__ == "__main__":
    _limit()
    sys.stdout.write(json.dumps(answer(sys.argv[1], Path(sys.argv[2])), ensure_ascii=True, allow_nan=False))
