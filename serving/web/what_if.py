"""What would change the answer: the same application with one thing moved, scored beside it and never recorded."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eco_credit.contracts import contract
from serving.pipeline import Answer, Ask

if TYPE_CHECKING:
    from serving.state import State

Plain = Mapping[str, Any]
TRIAL = "trial"
PROMISES: Mapping[str, Plain] = {
    "insurance": {"insured": True, "beneficiary_is_bank": True, "goods_insured": True},
    "confirmation": {"buyer_confirmed": True, "confirm_channel": "written"},
    "registration": {"registered": True},
    "clear": {"disputed": False, "sealed": False, "co_owner_consent": True, "collective_vote": True,
              "owner_consent": True},
    "buy_back": {"buy_back": True},
}  # fmt: skip
"""Things a borrower can still see to, with the fields that say so; a pledge takes those its contract has."""
_SMALLER, _TERMS = 0.8, (0.5, 1.5)
_DAYS_A_MONTH = 31


@dataclass(frozen=True, slots=True)
class Change:
    """One application beside the recorded one.

    Attributes:
        name: ``same``, ``amount``, ``term``, a name of `PROMISES`, or ``trial`` for what the reader asked.
        application: the application as it would be.
    """

    name: str
    application: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an application would be answered with; ``answer`` is None where its contract refuses it."""

    change: Change
    answer: dict[str, Any] | None


def changes(application: Plain, answer: Plain) -> list[Change]:
    """The application unchanged, then with one thing moved at a time.

    Args:
        application: as recorded.
        answer: its recorded answer: where less is recommended than was asked, that amount is tried.
    """
    loan = application["loan"]
    limit, asked, term = float(answer["max_loan"]), float(loan["amount_requested"]), int(loan["term_months"])
    amount = limit if 0.0 < limit < asked else round(asked * _SMALLER, 2)
    found = [
        Change("same", dict(application)),
        Change("amount", _with_loan(application, amount_requested=amount)),
        *(Change("term", _with_loan(application, term_months=max(1, round(term * by)))) for by in _TERMS),
    ]
    promised = (Change(name, kept(application, answer, name)) for name in PROMISES)
    return found + [one for one in promised if one.application != application]


def trial(application: Plain, answer: Plain, *, amount: float | None, term: int | None, promises: set[str]) -> Change:
    """The application with everything the reader asked for moved at once."""
    moved = {"amount_requested": amount, "term_months": term}
    tried = _with_loan(application, **{name: value for name, value in moved.items() if value is not None})
    for name in sorted(promises & set(PROMISES)):
        tried = kept(tried, answer, name)
    return Change(TRIAL, tried)


def kept(application: Plain, answer: Plain, promise: str) -> dict[str, Any]:
    """The application with one promise kept on every pledge it can be kept on."""
    done = copy.deepcopy(dict(application))
    for pledge, valued in zip(done["pledges"], answer["pledges"], strict=True):
        known = {one.name for one in contract(pledge["kind"]).fields}
        said = {name: value for name, value in PROMISES[promise].items() if name in known}
        if any(pledge.get(name) != value for name, value in said.items() if isinstance(value, bool)):
            pledge.update(said | dict(_policy(pledge, valued, done) if "insured" in said else ()))
    return done


def _policy(pledge: Plain, valued: Plain, application: Plain) -> Iterator[tuple[str, Any]]:
    """A policy that outlasts the loan and covers the central value, where the stated one does not."""
    days = int(application["loan"]["term_months"]) * _DAYS_A_MONTH
    end = (dt.date.fromisoformat(application["as_of"]) + dt.timedelta(days=days)).isoformat()
    if pledge.get("insured_to") is not None and pledge["insured_to"] < end:
        yield "insured_to", end
    central, area = valued["appraisal"]["central"], pledge.get("area")
    if central and area and float(pledge.get("insured_sum") or 0.0) * area < central:
        yield "insured_sum", round(central / area, 2)


def _with_loan(application: Plain, **moved: Any) -> dict[str, Any]:
    return {**application, "loan": {**application["loan"], **moved}}


def outcomes(state: State, wanted: list[Change]) -> list[Outcome]:
    """Score applications in one pass with the model in service; nothing is recorded.

    Raises:
        ModelNotServable: no model is in service.
        Problem: ``book_unavailable``.
    """
    triple, held = state.champions.current(), state.lender_book
    asks = [Ask(one.application, triple, "d-" + "0" * 26, held) for one in wanted]
    found = state.pipeline.score(asks)
    return [
        Outcome(change, result.body if isinstance(result, Answer) else None)
        for change, result in zip(wanted, found, strict=True)
    ]
