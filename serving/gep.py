"""GEP accounts for the API: from checked rows to the account as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from serving.routes.shapes import AccountRequest, read_shape

if TYPE_CHECKING:
    from eco_credit.rulebook import RuleSet

DEFAULT_NORM = "norm-2022"
"""Norm used when the caller names none."""


def account_answer(raw: Mapping[str, Any], rules: RuleSet) -> dict[str, Any]:
    """Draw up an account.

    Args:
        raw: body of the contract `AccountRequest`.
        rules: the rules of the day the account is drawn up for.

    Returns:
        flows, totals, what was left out, warnings, and the rules used; CNY per year.

    Raises:
        ContractError: the body or a row breaks a rule, or a flow would be counted twice.
    """
    from eco_credit.gep import account

    request = read_shape(AccountRequest, raw)
    return account(raw["rows"], request.get("norm", DEFAULT_NORM), year=request.get("year"), rules=rules).as_dict()
