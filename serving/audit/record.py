"""What is recorded about a decision, and how one record is chained to the one before."""

from __future__ import annotations

from dataclasses import dataclass, fields

from eco_credit.core.canonical import canonical_json, sha256

GENESIS = "0" * 64
"""Stands for the hash before the first record."""


class KeyConflict(Exception):
    """An idempotency key was used before, on the same route, with another request."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as handed to the journal.

    Attributes:
        decision_id: identifier of this record, ``d-`` or ``o-`` and 26 characters.
        kind: ``score`` for an answer of the service, ``outcome`` for a person's decision.
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
    """

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


@dataclass(frozen=True, slots=True)
class Recorded:
    """A durable record: the entry with its place in the log.

    Attributes:
        entry: what was handed in.
        sequence: place in the log, 1 is the first.
        created_at: UTC time, ISO 8601 with microseconds and ``Z``.
        previous_hash: hash of the record before, `GENESIS` for the first.
        hash: `link` of this record.
        repeated: True when the same key and request had been answered before.
    """

    entry: Entry
    sequence: int
    created_at: str
    previous_hash: str
    hash: str
    repeated: bool = False


TEXT_FIELDS = tuple(field.name for field in fields(Entry) if field.name not in ("request", "answer"))
"""Fields of an entry that are text or None; ``request`` and ``answer`` are bytes."""


def link(entry: Entry, *, sequence: int, created_at: str, previous_hash: str) -> str:
    """Hash that chains a record to the one before.

    ``hash = SHA-256(previous_hash || canonical JSON of the record)``, where request and answer
    enter by their own SHA-256, so that the chain can still be checked once a request has had to
    be erased.

    Returns:
        64 hexadecimal digits.
    """
    body = {name: getattr(entry, name) for name in TEXT_FIELDS}
    body |= {"sequence": sequence, "created_at": created_at}
    body |= {"request_sha256": sha256(entry.request), "answer_sha256": sha256(entry.answer)}
    return sha256(previous_hash.encode("ascii") + canonical_json(body))
