"""The verifier of the decision log: small, apart from the writer, and it names the first bad record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from eco_credit.core.errors import StorageUnavailable
from serving.audit.database import open_engine
from serving.audit.journal import recorded_of
from serving.audit.record import GENESIS, Recorded, link
from serving.audit.tables import decisions


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier found.

    Attributes:
        records: records read and found sound, in order from the first.
        head: hash of the last sound record.
        first_bad: sequence number of the first record that does not fit, or None.
        why: what does not fit, or None.
    """

    records: int
    head: str
    first_bad: int | None = None
    why: str | None = None


def verify(path: Path) -> Verdict:
    """Walk the chain from the first record: sequence without gap, link to the record before, own hash.

    Args:
        path: the SQLite file of the log.

    Returns:
        The verdict. A chain alone cannot show that its last records were cut off.

    Raises:
        StorageUnavailable: the log cannot be read.
    """
    if not path.exists():
        raise StorageUnavailable("there is no decision log in this store", "该目录没有决策记录库")
    records, head = 0, GENESIS
    try:
        with open_engine(path, writes=False).connect() as connection:
            rows = connection.execution_options(stream_results=True).execute(
                sa.select(decisions).order_by(decisions.c.sequence)
            )
            for row in rows:
                found = recorded_of(row)
                why = _defect(found, records + 1, head)
                if why is not None:
                    return Verdict(records, head, found.sequence, why)
                records, head = records + 1, found.hash
    except sa.exc.SQLAlchemyError as error:
        raise StorageUnavailable("the decision log cannot be read", "决策记录库无法读取") from error
    return Verdict(records, head)


def _defect(found: Recorded, expected: int, head: str) -> str | None:
    if found.sequence != expected:
        return f"record {expected} is missing"
    if found.previous_hash != head:
        return "it does not point to the record before"
    own = link(found.entry, sequence=found.sequence, created_at=found.created_at, previous_hash=found.previous_hash)
    return None if own == found.hash else "its content does not match its hash"
