"""The lender's policy as columns: recommend, limit, price floor, conditions.

A recommendation is advice; a person decides. The layers run from hard to soft: gates, model scope,
width of the ranges, policy cut-offs. All cut-offs are rules (``credit.policy.*``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats, is_yes, number, rounded, where_known
from eco_credit.rulebook import RuleSet

APPROVE, REFER, DECLINE = "approve", "refer", "decline"


@dataclass(frozen=True)
class Evidence:
    """What the decision is taken on, one row per application.

    Attributes:
        lending_value: sum over eligible pledges, CNY.
        central: sum of central appraisals of eligible pledges, CNY.
        spread: width of the appraisal range over its central value, ratio.
        eligible: pledges that passed their gates, count.
        pd: 12-month PD, ratio; NaN where the model gave none.
        pd_low: lower end of its range, ratio.
        pd_high: upper end of its range, ratio.
        pd_with_margin: PD with its margins of conservatism, ratio; NaN without any.
        lgd: loss given default, ratio.
        disagreement: distance of the model's calibrated logit from its benchmark's, logits; NaN without a benchmark.
        cell_loans: loans of this kind and area in training, count; NaN where the package carries no such table.
        cell_defaults: defaults among them, count.
        out_of_scope: rows the model must not score, or only with a person.
    """

    lending_value: Floats
    central: Floats
    spread: Floats
    eligible: Floats
    pd: Floats
    pd_low: Floats
    pd_high: Floats
    pd_with_margin: Floats
    lgd: Floats
    disagreement: Floats
    cell_loans: Floats
    cell_defaults: Floats
    out_of_scope: Bools


@dataclass(frozen=True)
class Decisions:
    """Recommendation per application.

    Attributes:
        recommendation: ``approve``, ``refer`` or ``decline``.
        max_loan: recommended limit, CNY, 0 where declined.
        rate_floor: lowest yearly rate that covers cost and expected loss, ratio.
        expected_loss_rate: PD times LGD, ratio.
        reasons: decision reason code to the rows it holds for.
        conditions: condition code to the rows it holds for.
    """

    recommendation: npt.NDArray[np.object_]
    max_loan: Floats
    rate_floor: Floats
    expected_loss_rate: Floats
    reasons: Mapping[str, Bools]
    conditions: Mapping[str, Bools]


def debt_service_limit(loans: Columns, least_cover: float) -> Floats:
    """Largest loan whose yearly service the borrower's net cash covers.

    ``L = cash / (m * (1 / max(T, 1) + i))`` with cash in CNY/year, cover ``m``, term ``T`` in years and
    rate ``i`` in 1/year: straight-line principal plus first-year interest.

    Args:
        loans: columns ``net_cash_in_year``, ``term_months``, ``annual_rate``.
        least_cover: m, ratio.

    Returns:
        CNY, never negative.
    """
    years = np.maximum(number(loans, "term_months") / 12.0, 1.0)
    service = 1.0 / years + number(loans, "annual_rate")
    return np.maximum(number(loans, "net_cash_in_year") / (least_cover * service), 0.0)


def limit(loans: Columns, evidence: Evidence, rules: RuleSet) -> Floats:
    """Recommended limit: the least of amount asked, lending value and debt service limit, rounded down.

    Returns:
        CNY, a multiple of ``credit.policy.limit_rounding``.
    """
    step = rules.number("credit.policy.limit_rounding")
    by_cash = debt_service_limit(loans, rules.number("credit.policy.debt_service_min"))
    least = np.minimum(np.minimum(number(loans, "amount_requested"), evidence.lending_value), by_cash)
    # a hair above the multiple guards against 0.1 + 0.2: an exact multiple must not lose a step
    return np.floor(np.maximum(least, 0.0) / step + 1e-9) * step


def rate_floor(expected_loss_rate: Floats, rules: RuleSet) -> Floats:
    """Price floor: funding + operating cost + expected loss + cost of capital, all per year, ratio."""
    cost = (
        rules.number("credit.policy.funding_rate")
        + rules.number("credit.policy.operating_cost_rate")
        + rules.number("credit.policy.capital_charge_rate")
    )
    return expected_loss_rate + cost


def loss_pd(evidence: Evidence, rules: RuleSet) -> Floats:
    """PD of the expected loss: the best estimate, or with its margins where ``risk.margins.in_expected_loss`` is 1.

    A model without margins gives its best estimate either way; ratio, shape (n,).
    """
    added = where_known(evidence.pd_with_margin - evidence.pd, 0.0)
    return evidence.pd + rules.number("risk.margins.in_expected_loss") * added


def decide(loans: Columns, evidence: Evidence, conditions: Mapping[str, Bools], rules: RuleSet) -> Decisions:
    """Apply the policy to every application.

    Args:
        loans: application columns.
        evidence: appraisal and risk figures.
        conditions: condition code to rows, as found on the pledges.
        rules: the rules of the day.

    Returns:
        One recommendation per application.
    """
    loss = loss_pd(evidence, rules) * evidence.lgd
    most = limit(loans, evidence, rules)
    declined = _declines(loans, evidence, most, rules)
    referred = _referrals(loans, evidence, loss, rules)
    decline, refer = _any(declined), _any(referred)
    recommendation = np.where(decline, DECLINE, np.where(refer, REFER, APPROVE)).astype(object)
    lower = (most < number(loans, "amount_requested")) & ~decline
    return Decisions(
        recommendation=recommendation,
        max_loan=rounded(np.where(decline, 0.0, most)),
        rate_floor=rate_floor(loss, rules),
        expected_loss_rate=loss,
        reasons=declined | referred,
        conditions={code: rows & ~decline for code, rows in conditions.items()} | {"lower_amount": lower},
    )


def _any(rows: Mapping[str, Bools]) -> Bools:
    found: Bools = np.logical_or.reduce(list(rows.values()))
    return found


def _declines(loans: Columns, evidence: Evidence, most: Floats, rules: RuleSet) -> dict[str, Bools]:
    return {
        "C05": is_yes(number(loans, "litigation")),
        "C11": ~is_yes(number(loans, "credit_consent")),
        "P01": evidence.eligible == 0,
        "P02": (evidence.eligible > 0) & (most <= 0.0),
        "P03": evidence.pd >= rules.number("credit.policy.pd_decline_min"),
    }


def _referrals(loans: Columns, evidence: Evidence, loss: Floats, rules: RuleSet) -> dict[str, Bools]:
    width = evidence.pd_high - evidence.pd_low
    widest = np.maximum(rules.number("credit.policy.pd_width_refer_max"), evidence.pd)
    return {
        "D04": evidence.out_of_scope | np.isnan(evidence.pd),
        "P04": evidence.pd > rules.number("credit.policy.pd_approve_max"),
        "P05": loss > rules.number("credit.policy.loss_rate_approve_max"),
        "P06": width > widest,
        "P07": evidence.spread > rules.number("credit.policy.value_band_refer_max"),
        "P08": number(loans, "overdue_max_24m") >= rules.number("credit.policy.adverse_overdue_refer"),
        "P09": evidence.disagreement > rules.number("credit.policy.disagreement_refer_min"),
        "P10": (evidence.cell_loans < rules.number("credit.policy.cell_loans_min"))
        | (evidence.cell_defaults < rules.number("credit.policy.cell_defaults_min")),
    }
