"""The decision log: written before the answer goes out, never changed afterwards."""

from serving.audit.journal import Journal
from serving.audit.record import Entry, KeyConflict, Recorded

__all__ = ["Entry", "Journal", "KeyConflict", "Recorded"]
