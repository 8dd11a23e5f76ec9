"""What a record leaves out of an appraisal, worked out again and shown only where it agrees with the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eco_credit.core.errors import EcoCreditError
from serving.problems import Problem

if TYPE_CHECKING:
    from serving.state import State

Plain = Mapping[str, Any]
_SAME = ("low", "central", "high", "approach", "steps")
_TAKEN = ("assumptions", "drivers", "cash_flows", "checks")


def with_details(state: State, answer: dict[str, Any], application: Plain) -> dict[str, Any]:
    """A recorded answer with gates, assumptions, drivers and payments, which a record does not hold.

    Args:
        state: the service; its rulebook must be the one of the record.
        answer: the recorded answer.
        application: the recorded application.

    Returns:
        The answer; pledges whose new appraisal differs from the record in any step, or all where the rules have
        changed, stay as recorded.
    """
    rules = state.champions.book().at(str(answer["provenance"]["rules_day"]))
    if rules.digest != answer["provenance"]["rules_hash"]:
        return answer
    try:
        again = state.pipeline.appraise(application, state.champions.book(), state.lender_book)
    except (EcoCreditError, Problem):  # the contract has changed since, or the lender's book cannot be read
        return answer
    pledges = zip(answer["pledges"], again["pledges"], strict=True)
    return answer | {"pledges": [_detailed(recorded, fresh) for recorded, fresh in pledges]}


def _detailed(recorded: dict[str, Any], fresh: Plain) -> dict[str, Any]:
    """One pledge with what it leaves out; the gates only where they close as the record says."""
    value = recorded["appraisal"]
    if any(value.get(name) != fresh["appraisal"][name] for name in _SAME):
        return recorded
    found = recorded | {"appraisal": value | {name: fresh["appraisal"][name] for name in _TAKEN}}
    hit = {gate["code"] for gate in fresh["gates"] if gate["hit"]}
    closed = {reason["code"] for reason in recorded["ineligible_reasons"]}
    return found | {"gates": fresh["gates"]} if hit == closed else found
