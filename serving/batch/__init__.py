"""Files in, files out: parquet, csv and xlsx, a million rows in bounded memory, restartable."""

from serving.batch.run import Options, RejectShare, Scorer, run_batch
from serving.batch.settings import Limits

__all__ = ["Limits", "Options", "RejectShare", "Scorer", "run_batch"]
