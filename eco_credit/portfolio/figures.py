"""The figures of a guarantee agency over scored loans: one call, plain data out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from eco_credit.core.errors import ConservationError
from eco_credit.core.numbers import Floats, rounded
from eco_credit.portfolio.account import bearer_account
from eco_credit.portfolio.balances import (
    average_split,
    balances_of,
    bearer_share,
    client_counts,
    reserves,
    scope_lines,
    scope_notice,
    splits,
)
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.cascade import BANK
from eco_credit.portfolio.company import asset_view
from eco_credit.portfolio.concentration import by_group, effective_number, hhi, top_share
from eco_credit.portfolio.counter import counter_view
from eco_credit.portfolio.factors import correlation_of
from eco_credit.portfolio.loss import expected_excess, pool_quantile
from eco_credit.portfolio.rounding import rate, yuan
from eco_credit.portfolio.solvency import limits_of, multiple_of, weighted_balance, weighting
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.portfolio.verdicts import verdicts
from eco_credit.portfolio.waterfall import split_loss
from eco_credit.rulebook import RuleSet


@dataclass(frozen=True)
class PortfolioFigures:
    """Figures of one portfolio; money in yuan, rates as ratios, one year ahead.

    Attributes:
        counts: applications read, in the portfolio, left out, not scored; clients by identifier.
        balance: whole, covered, borne by the bearer, weighted; nominal, net and liability balance.
        loss: expected loss of all parties, its rate, average PD and LGD, loss quantile, excess over the cap.
        borne: party to expected loss; adds up to the expected loss to the cent.
        bearer: expected payout, recovery, net loss, costs, fees and margin of the party whose books these are.
        weighting: balance by the class that decides its weight.
        limits: leverage, its conditions and statutory caps in weighted balance; None without net assets.
        scope: policy scope, parts of small firms, farms and small tickets.
        reserves: what the year adds to the reserves.
        counter: counter-guarantees against their minimum.
        company: asset classes of the guarantee company and their ratios; None where the terms hold no accounts.
        concentration: Herfindahl index, largest shares, balance by kind and by area.
        notices: reason codes that the figures give rise to.
        verdicts: every limit beside its figure, with what holds and what does not.
        synthetic: True when any row or model is synthetic.
        synthetic_parts: loans whose rows, and whose model, are marked synthetic.
        terms: the terms used, for the record.
    """

    counts: dict[str, int]
    balance: dict[str, float]
    loss: dict[str, float | None]
    borne: dict[str, float]
    bearer: dict[str, float]
    weighting: list[dict[str, Any]]
    limits: dict[str, Any] | None
    scope: dict[str, float | bool | None]
    reserves: dict[str, float]
    counter: dict[str, Any]
    company: dict[str, Any] | None
    concentration: dict[str, Any]
    notices: list[str]
    verdicts: list[dict[str, Any]]
    synthetic: bool
    synthetic_parts: dict[str, int | None]
    terms: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def portfolio_figures(book: Exposures, terms: GuaranteeTerms, *, rules: RuleSet) -> PortfolioFigures:
    """Work out all figures of a portfolio under guarantee terms.

    Args:
        book: the loans.
        terms: complete guarantee terms.
        rules: rules in force.

    Returns:
        The figures.

    Raises:
        ConservationError: the parties' parts do not add up to the loss.
    """
    expected = book.pd * book.lgd * book.exposure
    borne = _borne(expected, book, terms)
    balance = _balance(book, terms, rules)
    loss = _loss(book, expected, terms=terms, rules=rules)
    need = _capital_need(balance, loss, multiple_of(book, terms, rules))
    payout = float(np.sum(expected * bearer_share(book, terms)))
    bearer = bearer_account(book, terms, rules=rules, balance=balance, payout=payout, need=need)
    bank = average_split(book, terms).ratio(BANK)
    limits = limits_of(book, terms, rules)
    scope, counter = scope_lines(book, rules=rules), counter_view(book, terms, rules)
    found = PortfolioFigures(
        counts={
            "read": book.read,
            "in_portfolio": len(book.exposure),
            "left_out": book.left_out,
            "not_scored": book.not_scored,
            "released": book.released,
            "ledger_unmatched": book.unmatched,
            "in_default": int(np.sum(book.in_default)),
            **client_counts(book.ledger, book.application_id, book.client_kind),
        },
        balance={name: yuan(value) for name, value in balance.items()},
        loss=loss,
        borne=borne,
        bearer=bearer,
        weighting=weighting(book, terms, rules),
        limits=limits,
        scope=scope,
        reserves=reserves(bearer["fee_income"], balance["liability"], held=terms.loss_reserve_held, rules=rules),
        counter=counter,
        company=_company(terms, rules),
        concentration=_concentration(book),
        notices=sorted(
            [*_notices(bearer, limits, bank, terms=terms, rules=rules), *scope_notice(scope), *_short(counter)]
        ),
        verdicts=[],
        synthetic=book.synthetic,
        synthetic_parts=book.synthetic_parts,
        terms=_terms(terms),
    )
    return replace(found, verdicts=_verdicts(found, bank, terms, rules))


def _borne(expected: Floats, book: Exposures, terms: GuaranteeTerms) -> dict[str, float]:
    """Expected loss by party in whole cents: the bank adds the uncovered part to its share."""
    whole = rounded(expected * 100.0, 0).astype(np.int64)
    covered = rounded(expected * terms.cover * 100.0, 0).astype(np.int64)
    parts: dict[str, int] = {}
    for rows, split in splits(book, terms):
        for party, part in split_loss(covered[rows], split).items():
            parts[party] = parts.get(party, 0) + int(part.sum())
    parts[BANK] = parts.get(BANK, 0) + int((whole - covered).sum())
    if sum(parts.values()) != int(whole.sum()):
        raise ConservationError("the parties' parts do not add up to the loss", "各方承担之和不等于损失")
    return {party: cents / 100.0 for party, cents in parts.items() if cents or terms.split.ratio(party)}


def _balance(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> dict[str, float]:
    """Balances before rounding: the weight is decided on the contract, applied to the share borne."""
    share = bearer_share(book, terms)
    three = balances_of(book, terms)
    whole = float(np.sum(book.exposure))
    weighted = float(np.sum(weighted_balance(book, terms, rules)))
    return {
        "whole": whole,
        "covered": whole * terms.cover,
        "borne": float(np.sum(book.exposure * share)),
        "weighted": weighted,
        "nominal": float(np.sum(three.nominal)),
        "net": float(np.sum(three.net)),
        "liability": float(np.sum(three.liability)),
        "in_default": float(np.sum(book.exposure[book.in_default])),
    }


def _loss(book: Exposures, expected: Floats, *, terms: GuaranteeTerms, rules: RuleSet) -> dict[str, float | None]:
    """Expected loss, its averages, the quantile and the part above the cap (one-factor, fine-grained)."""
    whole, total = float(np.sum(book.exposure)), float(np.sum(expected))
    at_default = float(np.sum(book.exposure * book.pd))
    names = ("expected", "rate", "pd", "lgd", "quantile_rate", "above_cap")
    if not at_default > 0.0 or not total > 0.0:
        return dict.fromkeys(names) | {"expected": 0.0}
    pd, lgd = at_default / whole, total / at_default
    correlation = correlation_of(rules, terms.loss_model)
    level = rules.number("portfolio.loss.confidence")
    quantile = pool_quantile(book.pd, book.lgd, book.exposure, correlation=correlation, level=level) / whole
    system = 1.0 - average_split(book, terms).ratio(BANK)
    attach = terms.payout_cap / system if system > 0.0 else 1.0
    above = float(expected_excess(pd, attach, lgd=lgd, correlation=correlation)) * whole * terms.cover * system
    values = (yuan(total), rate(total / whole), rate(pd), rate(lgd), rate(quantile), yuan(above))
    return dict(zip(names, values, strict=True))


def _capital_need(balance: dict[str, float], loss: dict[str, float | None], multiple: float) -> float:
    """Capital behind the balance borne: the larger of weighted balance over the multiple and the quantile."""
    return max(balance["weighted"] / multiple, balance["borne"] * (loss["quantile_rate"] or 0.0))


def _company(terms: GuaranteeTerms, rules: RuleSet) -> dict[str, Any] | None:
    if terms.company is None or terms.net_assets is None:
        return None
    return asset_view(terms.company, net_assets=terms.net_assets, loss_reserve=terms.loss_reserve_held, rules=rules)


def _concentration(book: Exposures) -> dict[str, Any]:
    """Index and largest shares by group of borrowers; balance by collateral kind and by area."""
    groups = np.array(list(by_group(book.group, book.exposure).values()))
    known = float(np.sum(groups)) > 0.0
    return {
        "hhi": rate(hhi(groups)) if known else None,
        "effective_number": rate(effective_number(groups)) if known else None,
        "largest": rate(top_share(groups, 1)) if known else None,
        "ten_largest": rate(top_share(groups)) if known else None,
        "by_kind": {name: yuan(value) for name, value in book.by_kind.items()},
        "by_area": {name: yuan(value) for name, value in by_group(book.area, book.exposure).items()},
    }


def _notices(
    bearer: dict[str, float], limits: dict[str, Any] | None, bank: float, *, terms: GuaranteeTerms, rules: RuleSet
) -> list[str]:
    """Reason codes: G02 limit broken, G03 payout rate near its cap, G05 bank shares enough."""
    found = []
    if limits is not None and not all(limits[f"{name}_ok"] for name in ("balance", "single", "group")):
        found.append("G02")
    if bearer["payout_rate"] >= terms.payout_cap * rules.number("portfolio.guarantee.payout_warning"):
        found.append("G03")
    if bank >= rules.number("portfolio.guarantee.bank_share_min"):
        found.append("G05")
    return found


def _verdicts(found: PortfolioFigures, bank: float, terms: GuaranteeTerms, rules: RuleSet) -> list[dict[str, Any]]:
    """The limits of these figures; the payout is held against the line from which it is near the cap."""
    near = terms.payout_cap * rules.number("portfolio.guarantee.payout_warning")
    return verdicts(
        vars(found), bank_share=(bank, rules.number("portfolio.guarantee.bank_share_min")),
        payout=(found.bearer["payout_rate"], rate(near)),
    )  # fmt: skip


def _short(counter: dict[str, Any]) -> list[str]:
    """Reason code G04 where a counter-guarantee is below its minimum."""
    return ["G04"] if counter["below"] else []


def _terms(terms: GuaranteeTerms) -> dict[str, Any]:
    """The terms as plain data, shares as ratios."""
    return asdict(terms) | {"split": {party: terms.split.ratio(party) for party in terms.split.parts}}
