"""Sealing records under the key of the person they are about, and opening them again, inside a transaction of the log.

What is about a person is told by the contracts: a request is sealed when its contract has a personal field, and
of the answer its personal fields are taken out. Records of before stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sqlalchemy as sa

from eco_credit.core.errors import StorageUnavailable
from eco_credit.registry.sealed import Part, Place, key_id_of, seal, unseal, without_key
from eco_credit.registry.subject_keys import KeyFile, KeySource, Wrapped, new_data_key
from serving.audit.database import reading, tenants_of
from serving.audit.record import Entry, Recorded
from serving.audit.statements import Statements
from serving.audit.tables import subject_keys

Execute = Callable[[str, tuple[Any, ...]], Any]
"""Runs a statement of the transaction, in the driver's own words."""
CONTRACTS: Mapping[str, tuple[str, str]] = {
    "score": ("application", "decision"),
    "outcome": ("decision_outcome", "decision_outcome"),
}
"""Kind of record to the contracts of its request and of its answer."""
_COLUMNS = tuple(column.name for column in subject_keys.c)


@dataclass(frozen=True)
class Vault:
    """Seals and opens the records of one log.

    Attributes:
        statements: for the log's database.
        source: the key file, or None: then nothing is sealed, and what was sealed cannot be opened.
    """

    statements: Statements
    source: KeySource | None = None

    def __post_init__(self) -> None:
        """Read the contracts before the first record waits for them."""
        if self.source is not None:
            for kind in CONTRACTS:
                names_of(kind)

    def seal(self, execute: Execute, entry: Entry, subject: str | None, *, now: str) -> Entry:
        """The entry as it is stored; the key of a person who has none yet is added in the same transaction.

        Args:
            execute: runs a statement.
            entry: the record in plain.
            subject: who it is about, as folded by its contract; a record about another is sealed like that one.
            now: UTC time, ISO 8601.

        Raises:
            StorageUnavailable: it is about a record whose key has been erased.
        """
        names = None if self.source is None else names_of(entry.kind)
        if names is None:
            return entry
        found = self._key_for(execute, entry, subject, now)
        if found is None:
            return entry
        part = Part(entry.request, entry.answer, entry.request_hash, entry.features)
        stored = seal(self._keys(found.kek_id).cipher(found), found.key_id, _place(entry), part, names)
        return _with(entry, stored)

    def _key_for(self, execute: Execute, entry: Entry, subject: str | None, now: str) -> Wrapped | None:
        if entry.about is not None:
            row = execute(self.statements.sealed_by, (entry.tenant, entry.about)).fetchone()
            key_id = None if row is None else key_id_of(bytes(row[0]))
            found = None if key_id is None else self.key_at(execute, entry.tenant, key_id)
            if key_id is not None and found is None:
                raise StorageUnavailable("the record it is about has been erased", "所涉记录的个人信息已删除")
            return found
        return None if subject is None else self._of(execute, entry.tenant, subject, now)

    def _of(self, execute: Execute, tenant: str, subject: str, now: str) -> Wrapped:
        """The key of a person, made when there is none."""
        found = self.key_of(execute, tenant, subject)
        if found is not None:
            return found
        keys = self._keys()
        made, name = new_data_key(keys, tenant), keys.name_of(tenant, subject)
        values = {"tenant": tenant, "key_id": made.key_id, "subject": name, "kek_id": made.kek_id, "made_at": now}
        execute(self.statements.key, tuple((values | {"wrapped": made.wrapped})[column] for column in _COLUMNS))
        return made

    def key_at(self, execute: Execute, tenant: str, key_id: str) -> Wrapped | None:
        """The key of a tenant with this identifier; None once it was erased."""
        row = execute(self.statements.key_at, (tenant, key_id)).fetchone()
        return None if row is None else _wrapped(row)

    def key_of(self, execute: Execute, tenant: str, subject: str) -> Wrapped | None:
        """The key of a person of a tenant, or None."""
        row = execute(self.statements.key_of, (tenant, self._keys().name_of(tenant, subject))).fetchone()
        return None if row is None else _wrapped(row)

    def open(self, execute: Execute, found: Recorded) -> Recorded:
        """The record in plain; one whose key is gone comes back ``erased``, with what is left of it.

        Raises:
            StorageUnavailable: no key file is named, it lacks the key, or the record is not what was sealed.
        """
        key_id = key_id_of(found.entry.request)
        if key_id is None:
            return found
        entry = found.entry
        stored = Part(entry.request, entry.answer, entry.request_hash, entry.features)
        key = self.key_at(execute, entry.tenant, key_id)
        if key is None:
            return replace(found, entry=_with(entry, without_key(stored)), erased=True)
        return replace(found, entry=_with(entry, unseal(self._keys(key.kek_id).cipher(key), _place(entry), stored)))

    def _keys(self, needed: str | None = None) -> KeyFile:
        if self.source is None:
            raise _locked()
        return self.source.now(needed)


@cache
def names_of(kind: str) -> tuple[str, ...] | None:
    """Personal fields of the answer of a kind of record; None where its request is about nobody."""
    from eco_credit.contracts import personal_names

    contracts = CONTRACTS.get(kind)
    if contracts is None or not personal_names(contracts[0]):
        return None
    return personal_names(contracts[1])


def refuse_sealed(engine: sa.Engine) -> None:
    """Do not go on in plain where personal data was sealed so far.

    Raises:
        StorageUnavailable: the log holds the key of a person.
    """
    for tenant in tenants_of(engine):
        with reading(engine, tenant) as connection:
            held = connection.execute(sa.select(subject_keys.c.key_id).where(subject_keys.c.tenant == tenant).limit(1))
            if held.first() is not None:
                raise _locked()


def _locked() -> StorageUnavailable:
    return StorageUnavailable(
        "this log seals personal data; name its key file in ECO_CREDIT_SUBJECT_KEY_FILE",
        "该记录库对个人数据加密，请在 ECO_CREDIT_SUBJECT_KEY_FILE 中指定密钥文件",
    )


def _wrapped(row: Sequence[Any]) -> Wrapped:
    tenant, key_id, kek_id, wrapped = row
    return Wrapped(tenant, key_id, kek_id, bytes(wrapped))


def _place(entry: Entry) -> Place:
    return Place(entry.tenant, entry.decision_id, entry.kind)


def _with(entry: Entry, part: Part) -> Entry:
    return replace(
        entry, request=part.request, answer=part.answer, request_hash=part.request_hash, features=part.features
    )
