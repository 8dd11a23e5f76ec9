"""Moving a decision log, such as from SQLite to PostgreSQL: every record as it is, in order, and checked on arrival.

The wrapped keys of the people go with the records they open; the key file stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from eco_credit.core.errors import GateNotMet, StorageUnavailable
from serving.audit.database import Address, open_engine, open_log, reading, tenants_of
from serving.audit.postgres import bind_by
from serving.audit.tables import chains, decisions, subject_keys
from serving.audit.verify import Verdict, verify_all

PAGE = 500
Page = list[dict[str, Any]]
Told = Callable[[str, int], None]


def copy_log(source: Address, target: Address, *, told: Told = lambda tenant, records: None) -> dict[str, Verdict]:
    """Write every record of a log into an empty one; nothing of a record changes, so hashes and chains stay.

    Args:
        source: the log as it is; nobody may write to it meanwhile.
        target: where it goes; made or migrated when needed.
        told: called with a tenant and how many of its records were written.

    Returns:
        The verdict on each chain in its new place; each is as long as the old one and ends in the same hash.

    Raises:
        GateNotMet: a chain of the source does not hold, or did not arrive as it left.
        StorageUnavailable: a log cannot be read or written, or the target holds records already.
    """
    before = verify_all(source)
    broken = sorted(tenant for tenant, verdict in before.items() if verdict.first_bad is not None)
    if broken:
        raise GateNotMet(f"the chain of {', '.join(broken)} does not hold", f"{'、'.join(broken)} 的记录链不完整")
    reader = open_engine(source, writes=False)
    writer, other = open_log(target)
    try:
        if tenants_of(other):
            raise StorageUnavailable("the target holds records already", "目标库中已有记录")
        for tenant in before:
            _copy_chain(reader, writer, tenant, told)
    except sa.exc.SQLAlchemyError as error:
        raise StorageUnavailable("the target cannot be written", "目标库无法写入") from error
    finally:
        for engine in (reader, writer, other):
            engine.dispose()
    after = verify_all(target)
    if {name: (one.records, one.head) for name, one in after.items()} != {
        name: (one.records, one.head) for name, one in before.items()
    }:
        raise GateNotMet("a chain did not arrive as it left", "记录链迁移前后不一致")
    return after


def _copy_chain(reader: sa.Engine, writer: sa.Engine, tenant: str, told: Told) -> None:
    """One chain in one transaction: it arrives whole or not at all."""
    written = 0
    with writer.begin() as connection:
        if connection.dialect.name == "postgresql":
            bind_by(connection.exec_driver_sql, tenant, writes=True)
        connection.execute(chains.insert(), {"tenant": tenant})
        for page in _pages(reader, tenant, decisions.c.sequence, first=0):
            connection.execute(decisions.insert(), page)
            written += len(page)
            told(tenant, written)
        for keys in _keys(reader, tenant):
            connection.execute(subject_keys.insert(), keys)


def _keys(reader: sa.Engine, tenant: str) -> Iterator[Page]:
    """A tenant's wrapped keys, a page at a time."""
    if sa.inspect(reader).has_table(subject_keys.name):  # not in a log of before there were keys
        yield from _pages(reader, tenant, subject_keys.c.key_id, first="")


def _pages(reader: sa.Engine, tenant: str, by: sa.Column[Any], *, first: Any) -> Iterator[Page]:
    """A tenant's rows of a table in the order of one column, a page at a time, from behind ``first``."""
    table, after = by.table, first
    while True:
        query = sa.select(table).where(table.c.tenant == tenant, by > after).order_by(by).limit(PAGE)
        with reading(reader, tenant) as connection:
            page = [dict(row._mapping) for row in connection.execute(query)]
        if not page:
            return
        yield page
        after = page[-1][by.name]
