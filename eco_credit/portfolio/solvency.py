"""How much a guarantor may guarantee: weighted balance, the multiple it may claim, caps of one client and one group.

Source: decree 683, articles 15 and 16; weights and the conditions of the fifteen-fold multiple stand in supporting
measures that were read second hand (rules ``portfolio.guarantee.*``, marked ``verify``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats, text
from eco_credit.portfolio.balances import bearer_share
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.concentration import by_group
from eco_credit.portfolio.guarantee import (
    Caps,
    guarantee_caps,
    guarantee_weights,
    leverage,
    weight_classes,
    weight_table,
)
from eco_credit.portfolio.rounding import rate, yuan
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.rulebook import RuleSet

_SMALL = ("small", "farmer")


@dataclass(frozen=True)
class Conditions:
    """Whether the company mainly serves small firms and farmers, so that the higher multiple holds.

    Attributes:
        claimed: the terms claim it.
        balance: part of small firms and farmers in the balance borne, ratio; None is not known.
        clients: the same part of the clients, ratio.
        met: both parts reach their least.
    """

    claimed: bool
    balance: float | None
    clients: float | None
    met: bool

    @property
    def higher(self) -> bool:
        """The higher multiple holds: it is claimed and its conditions are met."""
        return self.claimed and self.met


def conditions_of(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> Conditions:
    """Conditions of the fifteen-fold multiple: as the company states them for its whole balance, else from the book.

    Rules: ``portfolio.guarantee.small_farm_balance_min`` and ``.small_farm_clients_min``; both must be reached.
    """
    small = np.isin(book.borrower_class.astype(str), _SMALL)
    borne = book.exposure * bearer_share(book, terms)
    kinds: dict[object, bool] = {}
    for client, is_small in zip(book.client, small, strict=True):
        kinds[client] = kinds.get(client, True) and bool(is_small)
    whole = float(np.sum(borne))
    balance = float(np.sum(borne[small])) / whole if whole > 0.0 else None
    clients = sum(kinds.values()) / len(kinds) if kinds else None
    if terms.company is not None:
        stated = (terms.company.small_farm_balance_share, terms.company.small_farm_client_share)
        balance, clients = (b if a is None else a for a, b in zip(stated, (balance, clients), strict=True))
    least = [rules.number(f"portfolio.guarantee.small_farm_{name}_min") for name in ("balance", "clients")]
    met = all(part is not None and part >= low for part, low in zip((balance, clients), least, strict=True))
    return Conditions(terms.small_or_farm, balance, clients, met)


def caps_of(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> Caps | None:
    """Caps that follow from net assets less equity in other guarantors, yuan; None without net assets."""
    if terms.net_assets is None:
        return None
    higher = conditions_of(book, terms, rules).higher
    return guarantee_caps(terms.net_assets - terms.stakes, small_or_farm=higher, rules=rules)


def multiple_of(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> float:
    """Highest multiple of weighted balance to net assets that holds for the company."""
    higher = conditions_of(book, terms, rules).higher
    return rules.number("portfolio.guarantee.leverage_max" + ("_small_farm" if higher else ""))


def weighted_balance(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> Floats:
    """Weighted balance borne of each loan: ``w · g · s · B``, yuan, shape (n,)."""
    product = text(book.ledger, "guarantee_product") if book.ledger else None
    weights = guarantee_weights(book.borrower_class, book.exposure, rules=rules, product=product)
    result: Floats = weights * book.exposure * bearer_share(book, terms)
    return result


def weighting(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> list[dict[str, Any]]:
    """Balance by the class that decides its weight: name, ticket, loans, borne, weight, weighted.

    Classes without loans are left out. Money in yuan; the weighted balances add up to that of the book.
    """
    product = text(book.ledger, "guarantee_product") if book.ledger else None
    classes = weight_classes(book.borrower_class, book.exposure, rules=rules, product=product)
    borne = book.exposure * bearer_share(book, terms)
    found = []
    for name, weight in weight_table(rules).items():
        rows = np.equal(classes, name)
        if rows.any():
            held = float(np.sum(borne[rows]))
            ticket = rules.number(f"portfolio.guarantee.{name}_ticket_max") if name in _SMALL else None
            found.append({"name": name, "ticket": ticket, "loans": int(np.sum(rows)), "borne": yuan(held),
                          "weight": weight, "weighted": yuan(held * weight)})  # fmt: skip
    return found


def limits_of(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> dict[str, Any] | None:
    """Leverage, its conditions and the caps of one client and one group, in weighted balance; None without net assets.

    Returns:
        Money in yuan, parts as ratios: ``weighted`` (with ``other_weighted`` from outside the file), ``leverage``,
        ``multiple``, ``multiple_base`` (held without conditions), ``balance_max``, ``headroom``, ``balance_ok``;
        ``claimed``, ``met`` and ``small_farm_*`` of the higher multiple; ``single_*`` and ``group_*``: largest, max,
        headroom, ok.
    """
    caps = caps_of(book, terms, rules)
    if caps is None or terms.net_assets is None:
        return None
    each = weighted_balance(book, terms, rules)
    other = 0.0 if terms.company is None else terms.company.other_weighted_balance
    total = float(np.sum(each)) + other
    found: dict[str, Any] = {
        "own_assets": yuan(terms.net_assets - terms.stakes), "other_weighted": yuan(other), "weighted": yuan(total),
        "leverage": _finite(leverage(total, terms.net_assets, stakes=terms.stakes)),
        "multiple": multiple_of(book, terms, rules),
        "multiple_base": rules.number("portfolio.guarantee.leverage_max"), "balance_max": yuan(caps.balance),
        "headroom": yuan(caps.balance - total), "balance_ok": bool(total <= caps.balance),
        **_conditions(conditions_of(book, terms, rules), rules),
    }  # fmt: skip
    for name, codes, most in (("single", book.client, caps.single), ("group", book.group, caps.group)):
        largest = max(by_group(codes, each).values(), default=0.0)
        line = {"largest": yuan(largest), "max": yuan(most), "headroom": yuan(most - largest), "ok": largest <= most}
        found |= {f"{name}_{key}": value for key, value in line.items()}
    return found


def _conditions(found: Conditions, rules: RuleSet) -> dict[str, Any]:
    """The conditions as plain data, each part beside its least."""
    line: dict[str, Any] = {"claimed": found.claimed, "met": found.met}
    for name, share in (("balance", found.balance), ("clients", found.clients)):
        least = rules.number(f"portfolio.guarantee.small_farm_{name}_min")
        line |= {f"small_farm_{name}": None if share is None else rate(share), f"small_farm_{name}_min": least}
    return line


def _finite(multiple: float) -> float | None:
    """The multiple; None where nothing is left below the line."""
    return rate(multiple) if np.isfinite(multiple) else None
