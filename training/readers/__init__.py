"""Readers: how the raw columns of a tape become inputs and outcomes."""

from __future__ import annotations

from training.datasets import Reader, tape_reader
from training.readers.guaranteed_loans import guaranteed_loans


def readers() -> dict[str, Reader]:
    """Reader by the name plans use."""
    return {"tape": tape_reader, "guaranteed_loans": guaranteed_loans}
