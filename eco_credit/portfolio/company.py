"""A guarantee company's assets by class, and the ratios it must keep.

Source: measures for the asset ratios of financing guarantee companies (2018); rules ``portfolio.assets.*``, read
second hand and marked ``verify``. The ratios are those of the company's own accounts, not of the group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import PROBABILITY_DECIMALS, rounded
from eco_credit.core.units import units
from eco_credit.portfolio.rounding import yuan
from eco_credit.portfolio.terms_file import CompanyFile, TermsFile
from eco_credit.rulebook import RuleSet

CLASSES = ("I", "II", "III")
_NO_ITEM = ("as_of", "calls_receivable", "total_assets", "unearned_reserve", "other_weighted_balance",
            "small_farm_balance_share", "small_farm_client_share")  # fmt: skip
ITEMS = tuple(name for name in CompanyFile.model_fields if name not in _NO_ITEM)
"""Asset items in the order of the classes; all but calls receivable, which is taken off before the classes."""
_CENT = 0.01


@dataclass(frozen=True)
class Company:
    """Accounts of a guarantee company, yuan.

    Attributes:
        as_of: day of the accounts, YYYY-MM-DD, or None.
        items: asset item to amount.
        calls_receivable: calls paid that the debtor still owes (应收代偿款).
        unearned_reserve: reserve for unearned fees held.
        other_weighted_balance: weighted balance borne outside the result file.
        small_farm_balance_share: part of small firms and farmers in the whole balance, ratio; None reads the file.
        small_farm_client_share: the same part of all clients, ratio; None reads the file.
    """

    as_of: str | None
    items: dict[str, float]
    calls_receivable: float
    unearned_reserve: float
    other_weighted_balance: float = 0.0
    small_farm_balance_share: float | None = None
    small_farm_client_share: float | None = None

    @property
    def total(self) -> float:
        """All assets."""
        return sum(self.items.values()) + self.calls_receivable


def company_of(file: TermsFile) -> Company | None:
    """The accounts of a terms file; None where it has none.

    Raises:
        ContractError: net assets are missing, the items do not add up to the total stated, or own funds exceed assets.
    """
    given = file.company
    if given is None:
        return None
    found = Company(
        as_of=None if given.as_of is None else given.as_of.isoformat(),
        items={name: getattr(given, name) for name in ITEMS},
        calls_receivable=given.calls_receivable,
        unearned_reserve=given.unearned_reserve,
        other_weighted_balance=given.other_weighted_balance,
        small_farm_balance_share=given.small_farm_balance_share,
        small_farm_client_share=given.small_farm_client_share,
    )
    _refuse_contradictions(file, found)
    return found


def _refuse_contradictions(file: TermsFile, found: Company) -> None:
    stated = None if file.company is None else file.company.total_assets
    own = (file.net_assets or 0.0) + found.unearned_reserve + file.loss_reserve_held
    faults = []
    if file.net_assets is None:
        faults.append(Violation("net_assets", "missing", "the ratios of a company need it", "计算资产比例须给出净资产"))
    if stated is not None and abs(stated - found.total) > _CENT * (len(ITEMS) + 1):
        said = ("the items do not add up to it", "各项资产之和不等于资产总额")
        faults.append(Violation("company.total_assets", "sum", *said))
    if own > found.total + _CENT:
        faults.append(
            Violation("net_assets", "sum", "net assets and reserves exceed all assets: check the unit",
                      "净资产与准备金之和超过资产总额，请核对单位")
        )  # fmt: skip
    if faults:
        raise ContractError(faults)


@units(amount="CNY", part="dimensionless", returns="CNY")
def part_of(amount: float, part: float) -> float:
    """Part of an item that falls into a class: ``a · p``; yuan."""
    return amount * part


def classified(company: Company, *, net_assets: float, rules: RuleSet) -> dict[str, dict[str, float]]:
    """Each asset item by class: item to yuan in I, II and III; what no class names is III.

    Args:
        company: the accounts.
        net_assets: net assets, yuan; own premises up to a part of them are class II.
        rules: ``portfolio.assets.classes``, ``.split`` and ``.premises_max``.
    """
    named = {item: name for name, items in rules["portfolio.assets.classes"].items() for item in items}
    split = rules.table("portfolio.assets.split")
    found = {}
    for item, amount in company.items.items():
        second = part_of(amount, float(split.get(item, 0.0)))
        if item == "own_premises":
            second = min(amount, part_of(net_assets, rules.number("portfolio.assets.premises_max")))
        row = dict.fromkeys(CLASSES, 0.0)
        if item in named:
            row[named[item]] = amount
        else:
            row |= {"II": second, "III": amount - second}
        found[item] = row
    return found


def asset_view(company: Company, *, net_assets: float, loss_reserve: float, rules: RuleSet) -> dict[str, Any]:
    """Assets by item and class, and each ratio with its limit and room.

    Args:
        company: the accounts.
        net_assets: net assets, yuan.
        loss_reserve: loss reserve held, yuan.
        rules: ``portfolio.assets.*``.

    Returns:
        ``as_of``, ``total``, ``calls_receivable``, ``base`` (assets less calls receivable), ``items`` (item, amount,
        I, II, III), ``classes`` (yuan), ``ratios`` (name, amount, base, ratio, limit, kind min or max, headroom in
        yuan, ok, verify). Ratio and ok are None where the base is zero.
    """
    parts = classified(company, net_assets=net_assets, rules=rules)
    sums = {name: sum(row[name] for row in parts.values()) for name in CLASSES}
    base = company.total - company.calls_receivable
    own = net_assets + company.unearned_reserve + loss_reserve
    lines = (
        ("own_funds_min", own, company.total), ("class_one_min", sums["I"], base),
        ("class_two_min", sums["I"] + sums["II"], base), ("class_three_max", sums["III"], base),
    )  # fmt: skip
    return {
        "as_of": company.as_of,
        "total": yuan(company.total),
        "calls_receivable": yuan(company.calls_receivable),
        "base": yuan(base),
        "items": [
            {"item": item, "amount": yuan(company.items[item]), **{name: yuan(v) for name, v in row.items()}}
            for item, row in parts.items() if company.items[item] > 0.0
        ],
        "classes": {name: yuan(value) for name, value in sums.items()},
        "ratios": [_ratio(name, amount, whole, rules) for name, amount, whole in lines],
    }  # fmt: skip


def _ratio(name: str, amount: float, base: float, rules: RuleSet) -> dict[str, Any]:
    """One ratio against its limit; room is what may still be lost or added before the limit, base held."""
    rule = rules.rule(f"portfolio.assets.{name}")
    limit, kind = float(rule.value), name[-3:]
    room = amount - limit * base if kind == "min" else limit * base - amount
    known = base > 0.0
    return {
        "name": name, "amount": yuan(amount), "base": yuan(base), "limit": limit, "kind": kind,
        "ratio": float(rounded(amount / base, PROBABILITY_DECIMALS)) if known else None,
        "headroom": yuan(room), "ok": bool(room >= -_CENT) if known else None, "verify": rule.verify,
    }  # fmt: skip
