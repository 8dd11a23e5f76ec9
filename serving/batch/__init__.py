"""Files in, files out: parquet, csv and xlsx, a million rows in bounded memory, restartable."""

from serving.batch.finish import DiskFull, RejectShare
from serving.batch.run import Options, Scorer, run_batch
from serving.batch.settings import Limits

__all__ = ["DiskFull", "Limits", "Options", "RejectShare", "Scorer", "run_batch"]
