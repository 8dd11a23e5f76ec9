"""Files in, files out: parquet, csv and xlsx, a million rows in bounded memory, restartable."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.batch.finish import DiskFault, DiskFull, RejectShare
    from serving.batch.run import Options, Scorer, run_batch
    from serving.batch.settings import Limits

__all__ = ["DiskFault", "DiskFull", "Limits", "Options", "RejectShare", "Scorer", "run_batch"]
_ROOMS = {"DiskFault": "finish", "DiskFull": "finish", "RejectShare": "finish", "Limits": "settings"}


def __getattr__(name: str) -> Any:
    # Readers of tables weigh a hundred megabytes: a service that only keeps jobs must not load them.
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"serving.batch.{_ROOMS.get(name, 'run')}"), name)
