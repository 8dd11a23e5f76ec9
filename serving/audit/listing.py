"""Lists of recorded answers for the desk: chosen by an index, a page at a time, the newest first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from serving.audit.record import recorded_of
from serving.audit.tables import decisions

if TYPE_CHECKING:
    from serving.audit.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which answers a page shows.

    Attributes:
        after: only those recorded before this sequence number: where the page before ended.
        limit: most answers of the page.
        recommendation: ``approve``, ``refer`` or ``decline``.
        kind: a kind of pledge the application has.
        text: beginning of the application's number.
        since: first valuation day, ISO.
        until: last valuation day, ISO.
    """

    after: int | None = None
    limit: int = 50
    recommendation: str | None = None
    kind: str | None = None
    text: str | None = None
    since: str | None = None
    until: str | None = None

    def where(self, tenant: str) -> list[sa.ColumnElement[bool]]:
        """The conditions, all on columns of the one index."""
        c = decisions.c
        found: list[sa.ColumnElement[bool]] = [c.tenant == tenant, c.kind == "score"]
        if self.after is not None:
            found.append(c.sequence < self.after)
        if self.recommendation is not None:
            found.append(c.recommendation == self.recommendation)
        if self.kind is not None:
            found.append((" " + c.pledge_kinds + " ").contains(f" {self.kind} ", autoescape=True))
        if self.text is not None:
            found.append(sa.func.substr(c.application_id, 1, len(self.text)) == self.text)
        if self.since is not None:
            found.append(c.as_of >= self.since)
        if self.until is not None:
            found.append(c.as_of <= self.until)
        return found


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a page.

    Attributes:
        sequence: place in the tenant's chain.
        decision_id: identifier of the answer.
        created_at: UTC time of the record.
        answer: canonical JSON of the answer.
        outcomes: canonical JSON of what people decided about it, oldest first.
    """

    sequence: int
    decision_id: str
    created_at: str
    answer: bytes
    outcomes: tuple[bytes, ...] = ()


def chosen(tenant: str, wanted: Wanted) -> sa.Select[Any]:
    """The query for the places of a page: it reads the index alone."""
    c = decisions.c
    return sa.select(c.sequence).where(*wanted.where(tenant)).order_by(c.sequence.desc()).limit(wanted.limit)


def listed(connection: sa.Connection, tenant: str, wanted: Wanted, vault: Vault) -> list[Listed]:
    """The answers of a page as they are stored, with their outcomes in plain."""
    c = decisions.c
    places = list(connection.execute(chosen(tenant, wanted)).scalars())
    if not places:
        return []
    own = sa.select(c.sequence, c.decision_id, c.created_at, c.answer).where(c.tenant == tenant)
    rows = connection.execute(own.where(c.sequence.in_(places)).order_by(c.sequence.desc())).all()
    after = sa.select(decisions).where(c.tenant == tenant, c.about.in_([row.decision_id for row in rows]))
    outcomes: dict[str | None, list[bytes]] = defaultdict(list)
    for row in connection.execute(after.order_by(c.sequence)).all():
        one = vault.open(connection.exec_driver_sql, recorded_of(row)).entry
        outcomes[one.about].append(one.answer)
    return [Listed(*row, tuple(outcomes[row.decision_id])) for row in rows]
