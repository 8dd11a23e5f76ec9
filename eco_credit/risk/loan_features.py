"""The inputs of the models, one row per application, from the loan and its appraised pledges.

Sums run over the pledges of one application: kinds in the order given, rows in file order, so an
application's features depend on nothing but itself. A share of value is taken first and multiplied
after, so that a single pledge passes its own figures on exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from eco_credit.contracts import contract, pledge_kinds
from eco_credit.core.numbers import (
    Bools,
    Columns,
    Floats,
    group_max,
    group_min,
    group_sum,
    group_sums,
    is_yes,
    number,
    rows_of,
    where_known,
)
from eco_credit.core.units import MONTHS_PER_YEAR
from eco_credit.risk.adverse import standing_records

if TYPE_CHECKING:
    from eco_credit.rulebook import RuleSet

Group = npt.NDArray[np.intp]


class AppraisedPledges(Protocol):
    """What the features need to know of n appraised pledges of one kind (see `eco_credit.valuation`)."""

    @property
    def eligible(self) -> Bools: ...  # noqa: D102
    @property
    def low(self) -> Floats: ...  # noqa: D102
    @property
    def central(self) -> Floats: ...  # noqa: D102
    @property
    def high(self) -> Floats: ...  # noqa: D102
    @property
    def lending_value(self) -> Floats: ...  # noqa: D102
    @property
    def features(self) -> Columns: ...  # noqa: D102
    @property
    def right_months(self) -> Floats: ...  # noqa: D102


Appraisals = Mapping[str, tuple[Columns, AppraisedPledges]]


def features(loans: Columns, pledges: Appraisals, rules: RuleSet) -> Columns:
    """All features of the loan tape, one row per application.

    Args:
        loans: application columns, n rows.
        pledges: kind to its pledge columns (with ``application_row``) and their values, in the kinds' order.
        rules: ``risk.feature.ratio_cap``, ``valuation.disposal.workout_months``; where the end of a bad record is
            known ``credit.personal.adverse_item_years``.

    Returns:
        Feature to float64 column, shape (n,), NaN for unknown or not applicable. Names as in the
        ``loan_tape`` contract: borrower and loan ratios, collateral ratios, one ``share_<kind>`` per
        kind, and the kinds' own features as means weighted by appraised value.

    Raises:
        RuleNotInForce: a rule is missing on that day.
    """
    cap = rules.number("risk.feature.ratio_cap")
    table = borrower_features(loans, cap) | {"bad_record": standing_records(loans, rules)}
    sums = _Sums.of(pledges, rows_of(loans))
    table |= collateral_features(loans, sums, cap)
    months = number(loans, "term_months") + rules.number("valuation.disposal.workout_months")
    table["term_cover"] = sums.right_months / months
    for kind, (rows, values) in pledges.items():
        table |= _kind_features(kind, _rows(rows), values, sums)
    absent = [pair for pair in _without_pledge() if pair[0] not in table]
    columns = np.empty((len(table) + len(absent), rows_of(loans)))
    for place, column in enumerate(table.values()):
        columns[place] = column
    columns[len(table) :] = np.array([value for _, value in absent])[:, None]
    return dict(zip([*table, *(name for name, _ in absent)], columns, strict=True))


@cache
def _without_pledge() -> tuple[tuple[str, float], ...]:
    """Features of the kinds when no pledge of the kind is offered: no share of the value, the rest unknown."""
    names = [field.column for field in contract("loan_tape").fields]
    shares = [share_name(kind) for kind in pledge_kinds()]
    own = tuple(f"{share.removeprefix('share_')}_" for share in shares)
    return tuple((name, 0.0 if name in shares else np.nan) for name in names if name in shares or name.startswith(own))


def share_name(kind: str) -> str:
    """Name of the share feature of a kind: ``forest_right`` gives ``share_forest``.

    Example:
        >>> share_name("water_right"), share_name("order")
        ('share_water', 'share_order')
    """
    return f"share_{kind.removesuffix('_right')}"


def main_kind(table: Columns) -> npt.NDArray[np.object_]:
    """Kind that makes up most of the value of each application, the first of equals; None where nothing has value.

    Args:
        table: features with one ``share_<kind>`` per kind, shape (n,) each.

    Example:
        >>> none, half, most = np.array([0.0, 0.0]), np.array([0.5, 0.0]), np.array([0.5, 1.0])
        >>> main_kind({"share_forest": none, "share_water": half, "share_order": most}).tolist()
        ['water_right', 'order']
    """
    kinds = pledge_kinds()
    shares = np.array([where_known(number(table, share_name(kind)), 0.0) for kind in kinds])
    named = np.array([*kinds, None], dtype=object)
    return named[np.where(shares.max(axis=0) > 0.0, shares.argmax(axis=0), len(kinds))]


def borrower_features(loans: Columns, cap: float) -> Columns:
    """Features of borrower and loan, shape (n,) each.

    ``debt_to_cash = (other debt + amount) / net cash``, ``external_guarantee_ratio = guarantee / net cash``,
    both at most ``cap`` and equal to it where there is no net cash to pay from;
    ``dscr = net cash / (amount / (term / 12) + rate * amount)``, within 0 and ``cap``.

    Args:
        loans: application columns, yuan, months, ratio.
        cap: largest ratio given out.
    """
    amount, cash = number(loans, "amount_requested"), number(loans, "net_cash_in_year")
    term, debt = number(loans, "term_months"), number(loans, "other_debt") + amount
    service = amount / (term / MONTHS_PER_YEAR) + number(loans, "annual_rate") * amount
    copied = ("overdue_max_24m", "bad_record", "years_in_trade", "guarantee_cover", "control_account")
    guarantee = number(loans, "external_guarantee")
    ratios = capped_ratio(np.array([debt, guarantee, cash]), np.array([cash, cash, service]), cap)
    return {name: number(loans, name) for name in copied} | {
        "term_months": term,
        "debt_to_cash": ratios[0],
        "external_guarantee_ratio": ratios[1],
        "dscr": np.maximum(ratios[2], 0.0),
    }


def capped_ratio(above: Floats, below: Floats, cap: float) -> Floats:
    """``min(above / below, cap)``; with nothing below, ``cap`` if there is anything above, else 0; NaN stays.

    Example:
        >>> capped_ratio(np.array([1.0, 1.0, 0.0]), np.array([4.0, -2.0, 0.0]), 20.0).tolist()
        [0.25, 20.0, 0.0]
    """
    covered = below > 0.0
    ratio = np.minimum(above / np.where(covered, below, 1.0), cap)
    bare = np.where(above > 0.0, cap, np.where(np.isnan(above), np.nan, 0.0))
    return np.where(covered, ratio, np.where(np.isnan(below), np.nan, bare))


def collateral_features(loans: Columns, sums: _Sums, cap: float) -> Columns:
    """Features of the pledges together, shape (n,) each.

    ``ltv = amount / eligible value``, ``lending_cover = lending value / amount``, ``appraisal_spread =
    (high - low) / value``, ``prior_claim_ratio = prior claims / value``, ``stated_to_appraised`` the largest of
    stated over appraised value; value is the central appraisal.
    """
    amount = number(loans, "amount_requested")
    ltv, cover, claims = capped_ratio(
        np.array([amount, sums.lending_value, sums.prior_claims]),
        np.array([sums.eligible_value, amount, sums.value]),
        cap,
    )
    spread, registered = _ratio(np.array([sums.high - sums.low, sums.registered]), sums.value)
    return {
        "ltv": ltv,
        "lending_cover": cover,
        "appraisal_spread": spread,
        "stated_to_appraised": np.minimum(sums.stated_ratio, cap),
        "registered_share": registered,
        "prior_claim_ratio": np.where(sums.pledges > 0.0, claims, np.nan),
    }


def _ratio(above: Floats, below: Floats) -> Floats:
    positive = below > 0.0
    return np.where(positive, above / np.where(positive, below, 1.0), np.nan)


def _rows(table: Columns) -> Group:
    return number(table, "application_row").astype(np.intp)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over the pledges of each application, shape (n,): yuan, months, counts."""

    value: Floats
    low: Floats
    high: Floats
    lending_value: Floats
    eligible_value: Floats
    registered: Floats
    prior_claims: Floats
    pledges: Floats
    right_months: Floats
    stated_ratio: Floats

    @classmethod
    def of(cls, pledges: Appraisals, applications: int) -> _Sums:
        totals = np.zeros((8, applications))
        months, stated = np.full(applications, np.nan), np.full(applications, np.nan)
        for rows, values in pledges.values():
            group = _rows(rows)
            totals = totals + group_sums(np.array(_summed(rows, values)), group, applications)
            months = np.fmin(months, group_min(values.right_months, group, applications))
            claimed = _ratio(number(rows, "stated_value"), values.central)
            stated = np.fmax(stated, group_max(claimed, group, applications))
        return cls(*(*totals, months, stated))


def _summed(rows: Columns, values: AppraisedPledges) -> tuple[Floats, ...]:
    """The eight amounts of each pledge that are added up, in the order of `_Sums`."""
    registered = is_yes(number(rows, "registered"))
    return (
        values.central,
        values.low,
        values.high,
        np.where(values.eligible, values.lending_value, 0.0),
        np.where(values.eligible, values.central, 0.0),
        np.where(registered, values.central, 0.0),
        where_known(number(rows, "prior_claims"), 0.0),
        np.ones(rows_of(rows)),
    )


def _kind_features(kind: str, group: Group, values: AppraisedPledges, sums: _Sums) -> Columns:
    """The kind's share of all value, and its own features as means weighted by value; NaN where not known."""
    applications = len(sums.value)
    share = _ratio(group_sum(values.central, group, applications), sums.value)
    held: Columns = {share_name(kind): where_known(share, 0.0)}
    columns = np.array([number(values.features, name) for name in values.features])
    if not len(columns):
        return held
    return held | dict(zip(values.features, weighted_mean(columns, values.central, group, applications), strict=True))


def weighted_mean(values: Floats, weights: Floats, group: Group, groups: int) -> Floats:
    """Mean of the known values of each group: ``sum_i v_i * (w_i / sum w)``; plain mean where no weight is above 0.

    Args:
        values: shape (k, n) for k quantities, NaN for unknown.
        weights: shape (n,), at or above 0.
        group: group of each row, shape (n,).
        groups: number of groups.

    Returns:
        shape (k, groups), NaN for a group without a known value.

    Example:
        >>> values = np.array([[1.0, 3.0, np.nan]])
        >>> weighted_mean(values, np.array([1.0, 3.0, 9.0]), np.array([0, 0, 0]), 1).tolist()
        [[2.5]]
    """
    known = ~np.isnan(values)
    weight = np.where(known, weights, 0.0)
    weight = np.where(group_sums(weight, group, groups)[:, group] > 0.0, weight, known)
    total = group_sums(weight, group, groups)
    share = weight / np.where(total > 0.0, total, 1.0)[:, group]
    mean = group_sums(np.where(known, values, 0.0) * share, group, groups)
    return np.where(total > 0.0, mean, np.nan)
