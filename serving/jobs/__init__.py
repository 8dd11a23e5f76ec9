"""File batches as jobs of the service: kept in folders, run in child processes, resumed after any stop."""

from serving.jobs.runner import Runner
from serving.jobs.store import Job, JobStore, Wanted

__all__ = ["Job", "JobStore", "Runner", "Wanted"]
