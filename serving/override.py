"""Where a person's decision departs from the recommendation: it says why by code, and a second person backs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eco_credit.core.errors import ContractError, Violation

if TYPE_CHECKING:
    from serving.access import Principal
    from serving.audit import Entry


def departs(outcome: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """True when a decision is another than the recommended one, or grants more or cheaper than was recommended.

    Deciding what was referred to a person is no departure.

    Example:
        >>> departs({"decided": "decline"}, {"recommendation": "refer"})
        False
        >>> departs({"decided": "refer"}, {"recommendation": "approve"})
        True
        >>> departs({"decided": "approve", "amount": 9.0}, {"recommendation": "refer", "max_loan": 8.0})
        True
    """
    recommended = answer.get("recommendation")
    other = recommended in ("approve", "decline") and outcome["decided"] != recommended
    return other or loosens(outcome, answer)


def loosens(outcome: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """True when a decision grants what was recommended against: any loan, a larger one, or a cheaper one."""
    if outcome["decided"] != "approve":
        return False
    amount, most = outcome.get("amount"), answer.get("max_loan")
    rate, least = outcome.get("annual_rate"), answer.get("rate_floor")
    larger = amount is not None and most is not None and amount > most
    cheaper = rate is not None and least is not None and rate < least
    return answer.get("recommendation") == "decline" or larger or cheaper


def check_override(outcome: Mapping[str, Any], about: Entry, by: Principal, *, four_eyes: bool) -> None:
    """Refuse a departure without a coded reason, and one that loosens by the person who had the loan scored.

    Args:
        outcome: a person's decision, checked against its contract.
        about: the recorded answer it is about.
        by: who records it.
        four_eyes: callers are known, so that a second person can be asked for.

    Raises:
        ContractError: ``override_reason`` is missing, stands where nothing is overridden, or a second person is
            needed.
    """
    answer, coded = json.loads(about.answer), outcome.get("override_reason") is not None
    if departs(outcome, answer) and not coded:
        en, zh = "say by code why it departs from the recommendation", "与建议不一致时须选择调整原因"
        raise ContractError([Violation("override_reason", "missing", en, zh)])
    if coded and not departs(outcome, answer):
        en, zh = "leave it out; the decision follows the recommendation", "与建议一致，请勿填写调整原因"
        raise ContractError([Violation("override_reason", "no_override", en, zh)])
    if four_eyes and loosens(outcome, answer) and by.user == about.by_user:
        en, zh = "another person than the one who had it scored must grant this", "须由经办人以外的人员批准"
        raise ContractError([Violation("decided_by", "four_eyes", en, zh)])
