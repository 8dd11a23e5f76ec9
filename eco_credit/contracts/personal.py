"""What of a record is about a person, as its contract says, and which person that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from eco_credit.contracts.field import Field, Group
from eco_credit.contracts.load import contract
from eco_credit.core.identifiers import FORMATS

NONE = "none"
"""What ``personal`` says of a field that is about nobody."""


@cache
def personal_names(name: str) -> tuple[str, ...]:
    """Names of the fields of a contract that are about a person, its kinds and lists included; sorted.

    Args:
        name: name of a contract.

    Example:
        >>> personal_names("decision_outcome")
        ('decided_by', 'reason')
        >>> {"id_no", "holder_name", "buyer_id"} <= set(personal_names("application"))
        True
    """
    return tuple(sorted({field.name for field in _all(contract(name).root) if field.personal != NONE}))


def _all(group: Group) -> Iterator[Field]:
    """Fields of a record, of the records within it and of their kinds."""
    yield from group.fields
    for inner in group.groups:
        yield from _all(inner)
    for variant in group.variants:
        yield from _all(contract(variant).root)


def subject_of(name: str, record: Mapping[str, Any]) -> str | None:
    """Who a record is about: the value of the field that the contract names as its subject, folded.

    Args:
        name: name of a contract.
        record: nested record of that contract, as sent.

    Returns:
        The identifier as it is compared; None where the contract names no subject or the record does not say.

    Example:
        >>> subject_of("application", {"borrower": {"id_no": " 91999999100000016f"}})
        '91999999100000016F'
        >>> subject_of("gep_flow", {}) is None
        True
    """
    path = contract(name).subject
    if path is None:
        return None
    value: Any = record
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return folded_subject(name, value) if isinstance(value, str) and value else None


def folded_subject(name: str, text: str) -> str:
    """An identifier of the subject of a contract as it is compared."""
    found = FORMATS.get(contract(name).field((contract(name).subject or ("",))[-1]).format or "")
    return text if found is None else found.fold(text)
