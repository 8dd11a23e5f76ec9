"""Entitlement: the part of the GEP flows that a named right lets a named holder sell.

This is the only bridge from ecosystem accounts to collateral. A flow counts by the share the rulebook
gives its service for the kind of right (``valuation.entitlement.<kind>``), or because a payer has
contracted it; all else is public benefit, shown as information and added to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from eco_credit.core.numbers import Floats, where_known
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Kind

_PREFIX, _SUFFIX, _CONTRACTED = "gep_", "_cny", "gep_contracted_cny"

_PUBLIC = ("受益者为公众,无付费主体", "the public benefits and nobody pays")
_GROUPS: dict[str, tuple[str, str]] = {
    "material_products": ("产品归经营者,不属本权利", "the products belong to the operator, not to this right"),
    "water_supply": ("须持取水权方可出售", "only the holder of a water right may sell it"),
    "ecological_energy": ("须持取水权及发电设施", "it takes a water right and a power station to sell it"),
    "carbon": ("仅计已核证且已签约的部分", "only certified and contracted reductions count"),
    "tourism": ("须有经营权或收费权", "it takes an operating or ticket-income right"),
    "recreation": ("须有经营权或收费权", "it takes an operating or ticket-income right"),
    "landscape_premium": ("增值归邻近房产业主", "the gain belongs to the owners of nearby houses"),
}


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a service's flow is not counted for the holder of a right.

    Attributes:
        service: service code.
        zh: reason in Chinese.
        en: reason in English.
    """

    service: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Entitled:
    """The flows of n pledges, CNY/year each, shape (n,): the three parts add up to the flows.

    Attributes:
        by_right: what the right itself lets its holder sell; the norm's method values it.
        paid: what a payer has contracted beyond that.
        public: the rest, public benefit.
        notes: why each service of the table is left out by rule.
    """

    by_right: Floats
    paid: Floats
    public: Floats
    notes: tuple[Exclusion, ...]

    @property
    def sold(self) -> Floats:
        """What the holder may sell, CNY/year, shape (n,)."""
        return self.by_right + self.paid


def entitlement(kind: Kind, case: Case) -> Entitled:
    """Split the GEP flows of pledges into what the holder may sell and public benefit.

    ``by_right = sum_s f_s share_s a_s`` with f_s the flow of service s, share_s the rulebook's share and a_s what
    the kind allows of it for this pledge; ``paid = max(0, min(contracted, sum_s f_s - by_right))``.

    Args:
        kind: the kind of right.
        case: pledges with columns ``gep_<service>_cny`` (CNY/year, NaN for none) and
            ``gep_contracted_cny``, the part with a payer's contract.

    Returns:
        The parts of the flows.
    """
    shares = case.rules.table(f"valuation.entitlement.{kind.name}")
    allowed = kind.saleable(case)
    columns = _columns(tuple(case.pledges))
    flows = where_known(np.array([case.number(column) for column in columns.values()]), 0.0)
    by_right = np.zeros(case.rows)
    # accumulate adds service by service, whatever the number of rows
    total = np.add.accumulate(flows, axis=0)[-1] if len(flows) else np.zeros(case.rows)
    for service, flow in zip(columns, flows, strict=True):
        if shares.get(service, 0.0) > 0.0:
            by_right += flow * float(shares[service]) * allowed.get(service, 1.0)
    contracted = where_known(case.number(_CONTRACTED), 0.0)
    # a flow may be a cost to the public: it takes nothing from what a payer has contracted below 0
    paid = np.maximum(0.0, np.minimum(contracted, total - by_right))
    notes = _exclusions(tuple(columns), frozenset(s for s in shares if shares[s] > 0.0))
    return Entitled(by_right, paid, total - by_right - paid, notes)


@cache
def _columns(names: tuple[str, ...]) -> dict[str, str]:
    """Service to the column of its flow, among the columns of a table, services in order of name."""
    flows = (name for name in sorted(names) if name.startswith(_PREFIX) and name.endswith(_SUFFIX))
    return {name.removeprefix(_PREFIX).removesuffix(_SUFFIX): name for name in flows if name != _CONTRACTED}


@cache
def _exclusions(services: tuple[str, ...], sold: frozenset[str]) -> tuple[Exclusion, ...]:
    return tuple(Exclusion(service, *_GROUPS.get(service, _PUBLIC)) for service in services if service not in sold)
