"""The decision log: written before the answer goes out, never changed afterwards."""

from serving.audit.journal import Journal
from serving.audit.record import Entry, KeyConflict, Recorded, derived

__all__ = ["Entry", "Journal", "KeyConflict", "Recorded", "derived"]
