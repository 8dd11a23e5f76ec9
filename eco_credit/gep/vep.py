"""Value of the ecological products of one project area (特定地域单元生态产品价值, VEP): what a holder can collect.

Two schools share the name. The *income* method discounts net cash flows of identified rights and may serve a
lender; the *increment* method reports a value change over a baseline and is information only. Neither is a
GEP, and neither may be added to one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib import resources
from math import fsum, isfinite
from typing import Any, Literal, NoReturn

import yaml

from eco_credit.core.errors import ContractError, Violation
from eco_credit.rulebook import RuleSet

VepMethod = Literal["income", "increment"]
METHODS: tuple[VepMethod, ...] = ("income", "increment")


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a project's ecological products.

    Attributes:
        component: code of ``vep_components.yaml``.
        name: what it is, in words.
        assessed_cny: value an assessment puts on it over the operating period, CNY; blank is its present value.
        net_cash_cny: net cash flow, CNY per year: income less operating cost, never visitors' cost or surplus.
        contracted_cny: part of it a payer has signed for, CNY per year.
        right: kind of the right it is collected by.
        holder: named holder of the right.
        transferable: True when the right may be transferred or pledged by law.
        support: ``contract`` or ``market``: what stands behind the cash flow.
        right_years: years the right has left.
        certified: carbon only: certified and unsold.
        public_welfare: timber only: the forest is of public welfare.
        haircut: part taken off the present value, 0 to 1; stated by the lender.
        baseline_cny: increment method only: value of the baseline, CNY.
    """

    component: str
    name: str | None = None
    assessed_cny: float | None = None
    net_cash_cny: float = 0.0
    contracted_cny: float = 0.0
    right: str | None = None
    holder: str | None = None
    transferable: bool = False
    support: str | None = None
    right_years: float = 0.0
    certified: bool = False
    public_welfare: bool = False
    haircut: float = 0.0
    baseline_cny: float = 0.0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a component is not counted, or not whole: code, English, Chinese."""

    rule: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class VepLine:
    """A component with what of it counts.

    Attributes:
        component: code.
        name: what it is.
        vehicle_zh: legal vehicle.
        assessed_cny: assessed value, CNY.
        cash_cny: net cash flow that counts, CNY per year.
        years: years it counts for: the shorter of the right and the horizon.
        present_value_cny: present value of it, CNY; the realisable part.
        collateral_cny: after the haircut, CNY.
        reasons: why the component, or a part of it, does not count.
    """

    component: str
    name: str
    vehicle_zh: str
    assessed_cny: float
    cash_cny: float
    years: float
    present_value_cny: float
    collateral_cny: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class VepAccount:
    """Account of one project area.

    Attributes:
        vep_method: income or increment.
        collateral_grade: True for the income method.
        rate: discount rate, part of one per year.
        horizon_years: horizon of the loan, years.
        annuity_due: True when the payments of a year come at its start.
        assessed_cny: assessed value of all components, CNY.
        realisable_cny: present value of what the holders can collect, CNY.
        collateral_cny: the same after haircuts, CNY; 0 under the increment method.
        public_benefit_cny: assessed value that is not realisable: information that no formula may add.
        lines: the components in the order given.
        rules_day: day the rulebook was read for, ISO.
        rules_hash: digest of the rules.
    """

    vep_method: VepMethod
    collateral_grade: bool
    rate: float
    horizon_years: float
    annuity_due: bool
    assessed_cny: float
    realisable_cny: float
    collateral_cny: float
    public_benefit_cny: float
    lines: tuple[VepLine, ...]
    rules_day: str
    rules_hash: str

    @property
    def realisable_share(self) -> float:
        """Realisable part of the assessed value; 0 when nothing is assessed."""
        return self.realisable_cny / self.assessed_cny if self.assessed_cny else 0.0

    def compare(self, credit_cny: float) -> dict[str, float | str | None]:
        """Put a loan beside published cases.

        Args:
            credit_cny: the loan or line, CNY.

        Returns:
            Its part of the assessed and of the realisable value, and the lowest and highest part of the assessed
            value in print. A band to look at, not a norm.
        """
        shares = [case["credit_yi"] / case["assessed_yi"] for case in _data()["cases"]]
        return {
            "of_assessed": credit_cny / self.assessed_cny if self.assessed_cny else None,
            "of_realisable": credit_cny / self.realisable_cny if self.realisable_cny else None,
            "printed_low": min(shares), "printed_high": max(shares),
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self) | {"realisable_share": self.realisable_share}

    def _refuse(self, other: object) -> NoReturn:
        raise ContractError([Violation("vep", "vep_not_additive", "a project value adds to no GEP and no other project",
                                       "特定地域单元价值不得与生态产品总值或其他项目相加")])

    __add__ = __radd__ = _refuse


@cache
def _data() -> Mapping[str, Any]:
    file = resources.files("eco_credit.gep") / "vep_components.yaml"
    loaded: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def components() -> Mapping[str, Mapping[str, Any]]:
    """The table from component to cash flow: who collects, by which vehicle, what counts."""
    table: Mapping[str, Mapping[str, Any]] = _data()["components"]
    return table


def annuity(rate: float, years: float, *, due: bool = False) -> float:
    """``a = (1 - (1 + r)^-n) / r``; paid at the start of each year (annuity-due) ``a (1 + r)``.

    Args:
        rate: r, part of one per year; 0 gives n.
        years: n.
        due: payments at the start of the year.

    Returns:
        Present value of 1 a year.

    Example:
        >>> round(annuity(0.0277, 100), 2), round(annuity(0.0277, 100, due=True), 2)
        (33.75, 34.69)
    """
    if rate == 0.0:
        return years
    ordinary = (1.0 - (1.0 + rate) ** -years) / rate
    return float(ordinary * (1.0 + rate) if due else ordinary)


def vep(
    table: Iterable[Mapping[str, Any]], *, vep_method: VepMethod, rate: float, horizon_years: float,
    rules: RuleSet, annuity_due: bool = False,
) -> VepAccount:
    """Account for one project area.

    ``collateral = sum PV(net cash flow, min(right term, horizon)) (1 - haircut)`` over the components with an
    identified right, a named holder, transferable or pledgeable by law, and a contract or market price behind
    the cash flow; all else is public benefit, with its reason.

    Args:
        table: one mapping per component, with the fields of `Component`.
        vep_method: income, or increment.
        rate: discount rate, part of one per year. The norms' rates were not found: the lender states it.
        horizon_years: horizon of the loan, years.
        rules: the rulebook of the day; ``valuation.entitlement.<right>`` gives the saleable share of a service.
        annuity_due: payments at the start of the year.

    Returns:
        The account.

    Raises:
        ContractError: ``component_unknown``, ``unknown_column``, ``not_a_number``, ``minimum``, ``maximum``, ``codes``.

    Example:
        >>> from eco_credit.rulebook import load
        >>> tea = {"component": "products", "right": "operation_right", "holder": "A", "transferable": True,
        ...        "support": "market", "net_cash_cny": 100.0, "right_years": 2, "haircut": 0.5}
        >>> made = vep([tea], vep_method="income", rate=0.0, horizon_years=10, rules=load().at("2026-11-23"))
        >>> made.realisable_cny, made.collateral_cny
        (200.0, 100.0)
    """
    refused = _run_refusals(vep_method, rate, horizon_years)
    rows = list(table)
    for row, raw in enumerate(rows, start=1):
        refused += _row_refusals(raw, row)
    if refused or not rows:
        raise ContractError(refused or [Violation("table", "no_rows", "the table has no rows", "表中没有数据行")])
    read = [Component(**{name: cell for name, cell in raw.items() if cell is not None}) for raw in rows]
    run = (rate, horizon_years, annuity_due)
    lines = tuple(_income(one, run, rules) if vep_method == "income" else _increment(one) for one in read)
    assessed, realisable = fsum(line.assessed_cny for line in lines), fsum(line.present_value_cny for line in lines)
    return VepAccount(
        vep_method, vep_method == "income", *run, assessed_cny=assessed, realisable_cny=realisable,
        collateral_cny=fsum(line.collateral_cny for line in lines), public_benefit_cny=max(assessed - realisable, 0.0),
        lines=lines, rules_day=str(rules.day), rules_hash=rules.digest,
    )


def _reason(rule: str) -> Reason:
    said = _data()["reasons"][rule]
    return Reason(rule, said["en"], said["zh"])


def _income(one: Component, run: tuple[float, float, bool], rules: RuleSet) -> VepLine:
    rate, horizon, due = run
    kind = components()[one.component]
    share, why = _share(one, kind, rules)
    broken = [*_barriers(one, kind), *why]
    limited = kind["counts"] in {"contract", "certified"}
    cash = 0.0 if broken else share * (min(one.contracted_cny, one.net_cash_cny) if limited else one.net_cash_cny)
    years = max(min(one.right_years, horizon), 0.0)
    value = cash * annuity(rate, years, due=due)
    whole = one.net_cash_cny * annuity(rate, max(horizon, 0.0), due=due)
    if not broken and limited and one.contracted_cny < one.net_cash_cny:
        broken = ["no_contract"]
    return VepLine(
        one.component, one.name or kind["en"], kind["vehicle_zh"],
        whole if one.assessed_cny is None else one.assessed_cny, cash, years, value, value * (1.0 - one.haircut),
        tuple(_reason(rule) for rule in broken),
    )


def _share(one: Component, kind: Mapping[str, Any], rules: RuleSet) -> tuple[float, list[str]]:
    """Saleable share of the service under the right; the rulebook's where it has the right, else all of it."""
    name = f"valuation.entitlement.{one.right}"
    if one.right not in kind["rights"] or kind["service"] is None or name not in rules.rules:
        return 1.0, []
    share = float(rules.table(name).get(kind["service"], 0.0))
    return share, [] if share > 0.0 else ["no_share"]


def _barriers(one: Component, kind: Mapping[str, Any]) -> list[str]:
    """Everything that keeps the component from counting at all."""
    if kind["counts"] == "never":
        return ["public_benefit"]
    found = {
        "public_welfare": one.component == "timber" and one.public_welfare,
        "no_right": one.right not in kind["rights"],
        "no_holder": not one.holder,
        "not_transferable": not one.transferable,
        "no_support": one.support is None,
        "no_contract": kind["counts"] in {"contract", "certified"} and one.contracted_cny <= 0.0,
        "not_certified": kind["counts"] == "certified" and not one.certified,
        "term_over": one.right_years <= 0.0,
        "no_cash": one.net_cash_cny <= 0.0,
    }
    return [rule for rule, holds in found.items() if holds]


def _increment(one: Component) -> VepLine:
    """Value change over the baseline: information, nothing of it realisable here."""
    kind = components()[one.component]
    change = (one.assessed_cny or 0.0) - one.baseline_cny
    return VepLine(one.component, one.name or kind["en"], kind["vehicle_zh"], change, 0.0, 0.0, 0.0, 0.0,
                   (_reason("increment_information"),))


def _run_refusals(vep_method: str, rate: float, horizon: float) -> list[Violation]:
    found = []
    if vep_method not in METHODS:
        found.append(Violation("vep_method", "codes", f"one of: {', '.join(METHODS)}", "方法为收益法或增量法"))
    if not 0.0 <= rate <= 1.0:
        found.append(Violation("rate", "maximum", "a part of one per year, 0 to 1", "折现率为 0 至 1 的小数"))
    if not 0.0 < horizon <= 200.0:
        found.append(Violation("horizon_years", "maximum", "above 0 and at most 200 years",
                               "期限应大于 0 且不超过 200 年"))
    return found


_NUMBERS = ("assessed_cny", "net_cash_cny", "contracted_cny", "right_years", "haircut", "baseline_cny")
_FLAGS = ("transferable", "certified", "public_welfare")


def _row_refusals(raw: Mapping[str, Any], row: int) -> list[Violation]:
    known = {one.name for one in fields(Component)}
    found = [Violation(str(name), "unknown_column", "not a field of a component", "没有该字段", row)
             for name in raw if name not in known]
    if raw.get("component") not in components():
        found.append(Violation("component", "component_unknown", f"use one of: {', '.join(components())}",
                               "不在组成清单内", row))
    for name in _NUMBERS:
        found += _number_refusals(name, raw.get(name), row)
    for name in _FLAGS:
        if not isinstance(raw.get(name, False), bool):
            found.append(Violation(name, "not_a_boolean", "write true or false", "应为是或否", row))
    if raw.get("support") not in {None, "contract", "market"}:
        found.append(Violation("support", "codes", "contract or market", "应为 contract 或 market", row))
    return found


def _number_refusals(name: str, value: Any, row: int) -> list[Violation]:
    if value is None and name == "assessed_cny":
        return []
    if value is None:
        value = 0.0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return [Violation(name, "not_a_number", "write a finite number", "应为有限数字", row)]
    if value < 0.0 and name != "net_cash_cny":
        return [Violation(name, "minimum", "at least 0", "不小于 0", row)]
    if name == "haircut" and value > 1.0:
        return [Violation(name, "maximum", "a part of one", "折扣率为小数", row)]
    return []
