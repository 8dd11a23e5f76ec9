"""Files in, files out: parquet, csv and xlsx, a million rows in bounded memory, restartable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from serving.batch.settings import Limits

if TYPE_CHECKING:
    from serving.batch.run import Options, RejectShare, Scorer, run_batch

__all__ = ["Limits", "Options", "RejectShare", "Scorer", "run_batch"]


def __getattr__(name: str) -> Any:
    """Load the runner, and Arrow with it, when it is first asked for: other rooms read only our cells and rows."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from serving.batch import run

    return getattr(run, name)
