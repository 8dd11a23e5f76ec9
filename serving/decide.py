"""Deciding: score, record durably, and only then hand out the answer. The web page uses it too."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eco_credit.core.canonical import canonical_json, finite_json, sha256
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.provenance import code_version
from serving.audit import Entry, KeyConflict, Recorded, derived
from serving.audit.environment import environment
from serving.audit.listing import Listed, Wanted
from serving.override import check_override
from serving.pipeline import Answer, Ask, contract_reference
from serving.problems import Problem, violation

if TYPE_CHECKING:
    from serving.access import Principal
    from serving.state import State

SCORES = "POST /v1/scores"
OUTCOMES = "POST /v1/decisions/{decision_id}/outcome"
_KEY = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_DECISION_ID = re.compile(r"[do]-[0-9a-f]{26}")


def new_id(prefix: str) -> str:
    """A fresh record identifier, ``d-`` or ``o-`` and 26 hexadecimal digits (104 random bits)."""
    return f"{prefix}-{uuid.uuid4().hex[:26]}"


def key_of(values: Sequence[str], *, required: bool) -> str | None:
    """The idempotency key from the values of its header.

    Raises:
        Problem: ``idempotency_key`` (400) when it is missing but required, given twice or not plain.
    """
    if not values and not required:
        return None
    key = values[0].strip().removeprefix('"').removesuffix('"') if len(values) == 1 else ""
    if not _KEY.fullmatch(key):
        rule = "required" if not values else "pattern"
        en = "one key of 1 to 128 letters, digits or . _ : -"
        zh = "须为 1 至 128 位字母、数字或 . _ : -"
        raise Problem("idempotency_key", violations=[violation("Idempotency-Key", rule, en, zh)])
    return key


async def _stored(state: State, tenant: str, route: str, key: str | None, *, request_hash: str) -> Recorded | None:
    """The earlier answer to the tenant's same key and request, if any."""
    if key is None:
        return None
    if state.journal.near:
        return state.journal.answered(tenant, route, key, request_hash=request_hash)
    return await asyncio.to_thread(state.journal.answered, tenant, route, key, request_hash=request_hash)


def _asked(by: Principal) -> dict[str, Any]:
    """Who asked, as it stands in a record."""
    return {"tenant": by.tenant, "by_user": by.user, "by_roles": " ".join(sorted(by.roles))}


def _subject(raw: Mapping[str, Any]) -> str | None:
    """Who an application is about."""
    from eco_credit.contracts import subject_of

    return subject_of("application", raw)


async def _record(state: State, entry: Entry, subject: str | None = None) -> Recorded:
    try:
        with state.together.recording():
            async with asyncio.timeout(state.settings.answer_timeout):
                return await state.journal.append(entry, subject=subject)
    except TimeoutError:
        raise Problem("storage_unavailable") from None


INLINE_PLEDGES = 20
"""Applications of at most so many pledges are scored on the event loop: they take a few milliseconds, and a hop to
a thread and back costs as much again."""


async def _scored(state: State, ask: Ask) -> Answer:
    pledges = ask.raw.get("pledges")
    if not isinstance(pledges, list) or len(pledges) <= INLINE_PLEDGES:
        return await state.together.score(ask)
    (found,) = await state.run(state.pipeline.score, [ask])
    if isinstance(found, Exception):
        raise found
    return found


async def decide(state: State, by: Principal, raw: Mapping[str, Any], *, key: str | None = None) -> Recorded:
    """Score one application and record the answer.

    Args:
        state: the service.
        by: who asks.
        raw: the application as parsed from JSON.
        key: idempotency key; the same key and application give the stored answer again.

    Returns:
        the durable record; ``record.entry.answer`` are the bytes to send.

    Raises:
        KeyConflict: the key was used with another application.
        ContractError, RuleNotInForce: the application is refused; nothing is recorded.
        ModelNotServable, StorageUnavailable, Problem: no answer now (such as ``book_unavailable``); nothing is shown.
    """
    request = finite_json(dict(raw))  # a number that is not finite breaks the contract: nothing is recorded then
    request_hash = sha256(request)
    earlier = await _stored(state, by.tenant, SCORES, key, request_hash=request_hash)
    if earlier is not None:
        return earlier
    if state.journal.full:
        raise Problem("overloaded")
    triple, decision_id = state.champions.current(), new_id("d")
    answer = await _scored(state, Ask(raw, triple, decision_id, state.lender_book))
    entry = Entry(
        **_asked(by),
        decision_id=decision_id,
        kind="score",
        about=None,
        application_id=answer.application_id,
        route=SCORES,
        idempotency_key=key,
        request=request,
        request_hash=request_hash,
        answer=finite_json(answer.body),
        model_digest=answer.model_digest,
        rules_hash=answer.rules_hash,
        contract=answer.contract,
        code_version=code_version(),
        features=answer.features,
        environment=environment(),
        **derived(answer.body),
    )
    recorded = await _record(state, entry, _subject(raw) if state.journal.seals else None)
    if not recorded.repeated:
        state.metrics.decided(answer.body)
        state.shadow.offer(by, recorded, answer.body)
    return recorded


async def find(state: State, by: Principal, decision_id: str) -> Recorded:
    """A record by its identifier.

    Raises:
        Problem: ``not_found`` (404), also for text that cannot be an identifier.
    """
    if _DECISION_ID.fullmatch(decision_id):
        found = await asyncio.to_thread(state.journal.find, by.tenant, decision_id)
        if found is not None:
            return found
    raise Problem("not_found")


async def page(state: State, by: Principal, wanted: Wanted) -> list[Listed]:
    """Recorded answers of the caller's tenant, the newest first."""
    return await asyncio.to_thread(state.journal.page, by.tenant, wanted)


async def outcomes(state: State, by: Principal, decision_id: str) -> list[Recorded]:
    """People's decisions about a record, oldest first; the last one stands."""
    return await asyncio.to_thread(state.journal.about, by.tenant, decision_id)


def read_outcome(raw: Mapping[str, Any], decision_id: str) -> dict[str, Any]:
    """Check a person's decision against its contract; the answer it is about comes from the path.

    Raises:
        ContractError: a field breaks the contract.
    """
    if "decision_id" in raw:
        en, zh = "leave it out; the path names it", "请勿填写，路径已指明"
        raise ContractError([Violation("decision_id", "extra", en, zh)])
    from eco_credit.contracts import read_record

    return read_record("decision_outcome", {"decision_id": decision_id, **raw})


async def _check_corrected(state: State, by: Principal, outcome: Mapping[str, Any]) -> None:
    """Refuse to correct an outcome that is not about the same answer."""
    corrected = outcome.get("corrects")
    if corrected is None:
        return
    if any(o.entry.decision_id == corrected for o in await outcomes(state, by, outcome["decision_id"])):
        return
    en, zh = "name an earlier outcome of the same decision", "须为同一决策的已有审批意见"
    raise ContractError([Violation("corrects", "reference", en, zh)])


async def decide_by_person(
    state: State, by: Principal, decision_id: str, outcome: Mapping[str, Any], *, key: str | None = None
) -> Recorded:
    """Record a person's decision about an answer: a new record that points to it.

    Args:
        state: the service.
        by: who decided.
        decision_id: identifier of the answer.
        outcome: fields of the contract ``decision_outcome``, without ``decision_id``.
        key: idempotency key.

    Raises:
        Problem: ``not_found``; ``erased`` where the personal data of the answer is gone.
        ContractError: the outcome breaks its contract, or departs from the answer without saying why by code.
        KeyConflict: the key was used with another outcome, or about another answer.
    """
    about = await find(state, by, decision_id)
    if about.entry.kind != "score":
        raise Problem("not_found")
    if about.erased:
        raise Problem("erased")
    checked = read_outcome(outcome, decision_id)
    check_override(checked, about.entry, by, four_eyes=not state.open_to_all)
    request = canonical_json(dict(outcome))
    request_hash = sha256(decision_id.encode() + b"\n" + request)
    earlier = await _stored(state, by.tenant, OUTCOMES, key, request_hash=request_hash)
    if earlier is not None:
        return earlier
    await _check_corrected(state, by, checked)
    outcome_id = new_id("o")
    answer = {"outcome_id": outcome_id, **checked}
    entry = Entry(
        **_asked(by),
        decision_id=outcome_id,
        kind="outcome",
        about=decision_id,
        application_id=about.entry.application_id,
        route=OUTCOMES,
        idempotency_key=key,
        request=request,
        request_hash=request_hash,
        answer=canonical_json(answer),
        model_digest="",
        rules_hash="",
        contract=contract_reference("decision_outcome"),
        code_version=code_version(),
        **derived(answer),
    )
    return await _record(state, entry)


def conflict(_: KeyConflict) -> Problem:
    """The problem for a key that was used with another body."""
    found = violation("Idempotency-Key", "same_body", "was used with another body", "已用于其他请求")
    return Problem("idempotency_conflict", violations=[found])
