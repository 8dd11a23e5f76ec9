"""GEP accounts behind every door: from rows to the account, with refusals that name the mistake."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from eco_credit.core.errors import ContractError, Violation

if TYPE_CHECKING:
    from eco_credit.gep import GepAccount
    from eco_credit.gep.uncertainty import Uncertainty
    from eco_credit.rulebook import RuleSet

DEFAULT_NORM = "norm-2022"
"""Norm used when the caller names none."""
DEFAULT_SEED = 20251231
"""Seed of the draws when the caller names none."""
MOST_DRAWN = 200
"""Rows whose parameters are drawn in one request; larger tables go through the command line."""


def account_answer(raw: Mapping[str, Any], rules: RuleSet) -> dict[str, Any]:
    """Draw up an account.

    Args:
        raw: body of the contract `AccountRequest`.
        rules: the rules of the day the account is drawn up for.

    Returns:
        The tidy rows, totals, what was left out and why, warnings, and the rules used; CNY per year. With
        ``samples`` also ``uncertainty``: P10, P50 and P90 of rows, services and total, and what decides them.

    Raises:
        ContractError: the body or a row breaks a rule, or a flow would be counted twice.
    """
    from serving.routes.shapes import AccountRequest, read_shape

    request = read_shape(AccountRequest, raw)
    norm, year, samples = request.get("norm", DEFAULT_NORM), request.get("year"), request.get("samples")
    if samples is not None and len(raw["rows"]) > MOST_DRAWN:
        raise ContractError([Violation("samples", "too_many_rows", f"at most {MOST_DRAWN} rows can be drawn here",
                                       f"在线抽样最多 {MOST_DRAWN} 行，请改用命令行")])
    made = accounted(raw["rows"], norm, year=year, rules=rules).as_dict()
    if samples is None:
        return made
    run = drawn(raw["rows"], norm, samples=samples, seed=request.get("seed", DEFAULT_SEED), year=year, rules=rules)
    return made | {"uncertainty": run.as_dict()}


def accounted(
    table: Any, norm: str = DEFAULT_NORM, *, year: int | None = None, rules: RuleSet | None = None
) -> GepAccount:
    """`eco_credit.gep.account`, imported when first used.

    Args:
        table: rows, columns or a data frame.
        norm: id of the norm.
        year: year of the flows, when the rows do not say it.
        rules: the rulebook of a day; today's when left out.

    Returns:
        The account.

    Raises:
        ContractError: every refused row with field and rule; ``percent_for_fraction`` where a number
            above the largest possible part of one was given.
    """
    from eco_credit.gep import account

    return account(table, norm, year=year, rules=rules)


def drawn(
    table: Any, norm: str, *, samples: int, seed: int, year: int | None = None, rules: RuleSet | None = None
) -> Uncertainty:
    """`eco_credit.gep.uncertainty.simulate` with the refusals of `accounted`.

    Args:
        table: rows, columns or a data frame.
        norm: id of the norm.
        samples: number of draws, a power of two from 64.
        seed: seed of the draws; the same seed gives the same numbers.
        year: year of the flows, when the rows do not say it.
        rules: the rulebook of a day; today's when left out.

    Raises:
        ContractError: as `accounted`; ``samples`` when the number does not fit.
    """
    from eco_credit.gep.uncertainty import simulate

    return simulate(table, norm, year=year, rules=rules, samples=samples, seed=seed)


@cache
def parts_of_one() -> frozenset[str]:
    """Inputs of services that are a part of one: without a dimension, or at most one of a thing per thing."""
    from eco_credit.gep import services
    from eco_credit.gep.refusing import is_part_of_one

    return frozenset(
        field.column for service in services().values() for field in service.inputs if is_part_of_one(field)
    )

