"""What a guarantee takes off the bank's risk-weighted assets, if it may count: substitution of the guarantor.

Source: Basel III final text (d424), standardised approach paragraphs 191-203 and IRB paragraphs 90-97: the covered part
takes the weight of the guarantor where that is lower, the rest keeps the debtor's. A guarantee counts only as a direct
claim, irrevocable and unconditional (192), from an eligible guarantor (197); one that is capped transfers a tranche and
falls under the securitisation rules (203), which are not worked out here. For comparison, not for returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Bools, Floats
from eco_credit.core.units import units
from eco_credit.portfolio.balances import party_shares
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.capital import corporate_k, other_retail_k, risk_weight
from eco_credit.portfolio.cascade import BANK
from eco_credit.portfolio.rounding import rate, yuan
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.rulebook import RuleSet

CONDITIONS = ("direct", "irrevocable", "unconditional", "eligible", "uncapped")
"""What must hold before a guarantee counts; all but the last are stated in the terms."""
_NEARLY_ONE = 0.999
"""The functions end below a PD of one, where their quantile is infinite; capital tends to zero there, as a loan in
default bears none by the foundation approach (its loss is provided for)."""


@units(covered="dimensionless", guarantor="dimensionless", debtor="dimensionless", returns="dimensionless")
def substituted(covered: Floats, guarantor: Floats, debtor: Floats) -> Floats:
    """Risk weight after substitution: ``p · min(w_G, w_D) + (1 − p) · w_D``; ratio, shape (n,).

    Args:
        covered: guaranteed part p of each exposure, ratio, shape (n,).
        guarantor: risk weight w_G of a direct exposure to the guarantor, ratio.
        debtor: risk weight w_D of the debtor, ratio, shape (n,).

    Example:
        >>> substituted(np.array([0.8]), np.array([0.2]), np.array([1.0])).round(12).tolist()
        [0.36]
    """
    result: Floats = covered * np.minimum(guarantor, debtor) + (1.0 - covered) * debtor
    return result


@dataclass(frozen=True)
class Debtors:
    """Weights of the debtors before any guarantee, ratio, shape (n,)."""

    standard: Floats
    irb: Floats


def retail_loans(book: Exposures, rules: RuleSet) -> Bools:
    """Loans read as other retail: small firms and farmers up to the retail ticket."""
    small = np.isin(book.borrower_class.astype(str), ("small", "farmer"))
    found: Bools = small & (book.exposure <= rules.number("portfolio.capital.retail_ticket_max"))
    return found


def irb_weights(pd: Floats, lgd: Floats, retail: Bools, rules: RuleSet) -> Floats:
    """Risk weight of each loan by IRB, other retail where ``retail``, else corporate; ratio, shape (n,)."""
    term = rules.table("portfolio.capital.corporate")["term_standard"]
    corporate = risk_weight(corporate_k(pd, lgd, term=term, turnover=None, rules=rules), rules=rules)
    other = risk_weight(other_retail_k(pd, lgd, rules=rules), rules=rules)
    result: Floats = np.where(retail, other, corporate)
    return result


def floored_pd(pd: Floats, rules: RuleSet) -> Floats:
    """PD as the risk weight functions take it."""
    result: Floats = np.clip(pd, rules.number("portfolio.capital.pd_floor"), _NEARLY_ONE)
    return result


def star_lgd(book: Exposures, rules: RuleSet) -> Floats:
    """Regulatory LGD* of each loan, ratio, shape (n,); the unsecured LGD where the result file has none."""
    unsecured = rules.number("risk.regulatory.lgd_unsecured")
    result: Floats = np.where(np.isnan(book.regulatory_lgd), unsecured, book.regulatory_lgd)
    return result


def debtor_weights(book: Exposures, rules: RuleSet) -> Debtors:
    """Weights of the debtors by the standardised approach and by IRB with LGD*."""
    retail, table = retail_loans(book, rules), rules.table("portfolio.capital.standard_weights")
    small = np.isin(book.borrower_class.astype(str), ("small", "farmer"))
    standard = np.where(retail, table["retail"], np.where(small, table["sme"], table["corporate"])).astype(np.float64)
    standard = np.where(book.in_default, table["defaulted"], standard)
    return Debtors(standard, irb_weights(floored_pd(book.pd, rules), star_lgd(book, rules), retail, rules))


def covered_part(book: Exposures, terms: GuaranteeTerms) -> Floats:
    """Part of each loan the bank has guaranteed to it, ``g · (1 − s_bank)``; ratio, shape (n,)."""
    result: Floats = terms.cover * (1.0 - party_shares(book, terms)[BANK])
    return result


def conditions(terms: GuaranteeTerms) -> dict[str, bool | None]:
    """Whether each condition holds; None where the terms do not say, which does not count."""
    stated = terms.relief
    return {
        "direct": stated.direct, "irrevocable": stated.irrevocable, "unconditional": stated.unconditional,
        "eligible": stated.eligible, "uncapped": terms.payout_cap >= 1.0,
    }  # fmt: skip


def relief_view(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> dict[str, Any]:
    """Risk-weighted assets of the bank without the guarantee and with the guarantor in the debtor's place.

    Args:
        book: the loans.
        terms: cover, shares, cap on calls, and what is stated of the guarantee under ``relief``.
        rules: ``portfolio.capital.*``.

    Returns:
        ``conditions`` (name to True, False or None), ``counted`` (all hold), ``covered`` (ratio of the balance),
        ``guarantor_weight``, ``guarantor_pd``, ``house_lgd_after`` (ratios); ``rows``: approach, ``without``, ``with``
        in yuan, ``saved`` and ``capital`` (8 % of it), None where the guarantor's PD is not given.
    """
    found, part = debtor_weights(book, rules), covered_part(book, terms)
    stated, whole = terms.relief, float(np.sum(book.exposure))
    weight = rules.number("portfolio.capital.guarantor_weight") if stated.risk_weight is None else stated.risk_weight
    held = conditions(terms)
    rows = [_row("standard", book.exposure, (found.standard, part, weight), rules)]
    rows.append(_row("irb", book.exposure, (found.irb, part, _guarantor_irb(stated.pd, rules)), rules))
    return {
        "conditions": held,
        "counted": all(held[name] is True for name in CONDITIONS),
        "covered": rate(float(np.sum(book.exposure * part)) / whole),
        "guarantor_weight": weight,
        "guarantor_pd": stated.pd,
        "house_lgd_after": rate(float(np.sum(book.exposure * book.lgd * (1.0 - part))) / whole),
        "rows": rows,
    }


def _guarantor_irb(pd: float | None, rules: RuleSet) -> float | None:
    """Weight of a direct senior claim on the guarantor: corporate function, its PD, the unsecured LGD (IRB 93)."""
    if pd is None:
        return None
    lgd = np.array([rules.number("risk.regulatory.lgd_unsecured")])
    return float(irb_weights(floored_pd(np.array([pd]), rules), lgd, np.array([False]), rules)[0])


def _row(name: str, exposure: Floats, weights: tuple[Floats, Floats, float | None], rules: RuleSet) -> dict[str, Any]:
    """Assets of one approach without and with the guarantor's weight."""
    debtor, part, guarantor = weights
    before = float(np.sum(exposure * debtor))
    row: dict[str, Any] = {"approach": name, "without": yuan(before), "guarantor": guarantor}
    if guarantor is None:
        return row | {"with": None, "saved": None, "capital": None}
    after = float(np.sum(exposure * substituted(part, np.full(len(part), guarantor), debtor)))
    ratio = rules.number("portfolio.capital.minimum_ratio")
    return row | {"with": yuan(after), "saved": yuan(before - after), "capital": yuan((before - after) * ratio)}
