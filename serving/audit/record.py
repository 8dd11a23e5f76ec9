"""What is recorded about a decision, and how one record is chained to the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from eco_credit.core.canonical import canonical_json, sha256

GENESIS = "0" * 64
"""Stands for the hash before the first record of a tenant."""
FORMAT = 2
"""Format of the records written today."""
FIRST_TENANT = "demo"
"""Tenant of the records of format 1, which knew none."""


class KeyConflict(Exception):
    """An idempotency key was used before, on the same route, with another request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record as handed to the journal.

    Attributes:
        tenant: bank or agency whose record it is; its chain, its keys and its readers are its own.
        by_user: who asked, as the service found out.
        by_roles: the roles of that user, in order, with a space between.
        decision_id: identifier of this record, ``d-``, ``o-`` or ``e-`` and 26 characters.
        kind: ``score`` for an answer of the service, ``outcome`` for a person's decision, ``erasure`` where the key of
            a person was deleted.
        about: identifier of the record this one refers to, or None.
        application_id: the application decided on.
        route: method and path template; scope of the idempotency key.
        idempotency_key: key given by the caller, or None.
        request: canonical JSON of the request.
        request_hash: SHA-256 of ``request`` (and of the record it is about).
        answer: canonical JSON of the answer, the bytes the caller gets.
        model_digest: digest of the model package; empty for a person's decision.
        rules_hash: digest of the rules in force; empty for a person's decision.
        contract: contract name, version and digest.
        code_version: version of this software.
        features: SHA-256 of the feature row the model saw; empty for a person's decision.
        environment: libraries and processor the numbers were made on.
        as_of: valuation day of the answer, ISO; with the next three, a copy out of the answer to search by.
        recommendation: ``approve``, ``refer`` or ``decline``; for a person's decision, what was decided.
        grade: grade of the answer, or None.
        pledge_kinds: kinds of its pledges, in order, with a space between.
        format: how the record is hashed.
    """

    tenant: str
    by_user: str
    by_roles: str
    decision_id: str
    kind: str
    about: str | None
    application_id: str
    route: str
    idempotency_key: str | None
    request: bytes
    request_hash: str
    answer: bytes
    model_digest: str
    rules_hash: str
    contract: str
    code_version: str
    features: str = ""
    environment: str = ""
    as_of: str | None = None
    recommendation: str | None = None
    grade: str | None = None
    pledge_kinds: str = ""
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Recorded:
    """A durable record: the entry with its place in the log.

    Attributes:
        entry: what was handed in.
        sequence: place in the tenant's chain, 1 is the first.
        created_at: UTC time, ISO 8601 with microseconds and ``Z``.
        previous_hash: hash of the tenant's record before, `GENESIS` for the first.
        hash: `link` of this record.
        repeated: True when the same key and request had been answered before.
        erased: True when the key of the person it is about is gone: the request is empty, and so is what was
            personal in the answer.
    """

    entry: Entry
    sequence: int
    created_at: str
    previous_hash: str
    hash: str
    repeated: bool = False
    erased: bool = False


ENTRY_FIELDS = tuple(field.name for field in fields(Entry))
"""Fields of an entry."""
TEXT_FIELDS = tuple(name for name in ENTRY_FIELDS if name not in ("request", "answer"))
"""Fields of an entry that enter its hash as they are; ``request`` and ``answer`` enter by their own SHA-256."""
FIRST_FIELDS = (
    "decision_id", "kind", "about", "application_id", "route", "idempotency_key", "request_hash", "model_digest",
    "rules_hash", "contract", "code_version",
)  # fmt: skip
"""What entered the hash of a record of format 1."""


def recorded_of(row: Any) -> Recorded:
    """Read one row of the table back into a record, as it is stored."""
    return recorded(row._mapping)


def recorded(values: Mapping[str, Any], *, repeated: bool = False) -> Recorded:
    """The record of a row by the names of its columns, as it is stored."""
    entry = Entry(**{name: values[name] for name in ENTRY_FIELDS})
    return Recorded(
        entry, values["sequence"], values["created_at"], values["previous_hash"], values["hash"], repeated=repeated
    )


def derived(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What of an answer is kept beside it to search by.

    Example:
        >>> derived({"as_of": "2026-01-05", "recommendation": "refer", "grade": None, "pledges": [{"kind": "order"}]})
        {'as_of': '2026-01-05', 'recommendation': 'refer', 'grade': None, 'pledge_kinds': 'order'}
        >>> derived({"decided": "decline"})["recommendation"]
        'decline'
    """
    kinds = {pledge["kind"] for pledge in answer.get("pledges", ())}
    return {
        "as_of": answer.get("as_of"),
        "recommendation": answer.get("recommendation", answer.get("decided")),
        "grade": answer.get("grade"),
        "pledge_kinds": " ".join(sorted(kinds)),
    }


def link(entry: Entry, *, sequence: int, created_at: str, previous_hash: str) -> str:
    """Hash that chains a record to the one before.

    ``hash = SHA-256(previous_hash || canonical JSON of the record)``, where request and answer
    enter by their own SHA-256, so that the chain can still be checked once a request has had to
    be erased. A record of format 1 is hashed over what it had then.

    Returns:
        64 hexadecimal digits.
    """
    body = {name: getattr(entry, name) for name in (FIRST_FIELDS if entry.format == 1 else TEXT_FIELDS)}
    body |= {"sequence": sequence, "created_at": created_at}
    body |= {"request_sha256": sha256(entry.request), "answer_sha256": sha256(entry.answer)}
    return sha256(previous_hash.encode("ascii") + canonical_json(body))
