"""What the water right works out once of its fields: shares of the years, use, volume that may be sold, energy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from eco_credit.core.dates import years_between
from eco_credit.core.numbers import Bools, Columns, Floats, day, is_yes, number, rows_of, text, where_known
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.case import Case, Facts
from eco_credit.valuation.methods.water import energy_per_cubic_metre
from eco_credit.valuation.methods.water_delivery import (
    delivered_volume,
    mean_share,
    share_by_guarantee,
    share_by_rank,
)

RULES = "valuation.water"
YEARS = (1, 2, 3)
"""Years back whose allocation and use are asked for."""
_BY_PURPOSE = ("unit_margin", "dry_year")


def facts(pledges: Columns, loans: Columns, rules: RuleSet) -> Facts:
    """Derive what the other functions read.

    Args:
        pledges: columns of the contract ``water_right``, n rows.
        loans: with ``as_of``, n rows.
        rules: rules of the day.

    Returns:
        Columns of n rows: ``years_left``, ``days_left``; ``permit`` (m3/year, no more than the source holds);
        ``used`` (m3/year, mean of the known years, the permit where none is known); ``usable`` (m3/year, use within
        the plan); ``sellable`` (m3/year that may be transferred); ``allocation_1`` to ``_3`` (ratio of each year),
        ``senior``, ``junior`` (1.0 where the rank is stated), ``share`` (share to expect) and ``guaranteed`` (part of
        it the guarantee rate leaves); ``with_works`` (1.0 where the water goes with the works), ``theoretical``
        (kWh/year by head and volume, NaN without head); and one column per table by purpose.
    """
    purpose, permit = text(pledges, "purpose"), number(pledges, "annual_volume")
    with_works = _is(purpose, rules[f"{RULES}.with_the_works"])
    held = np.minimum(permit, where_known(number(pledges, "source_volume"), np.inf))
    used = where_known(_mean_use(pledges), permit)
    sellable = np.minimum(np.where(is_yes(with_works), permit, _transferable(pledges, rules)), held)
    found = _by_purpose(rules, purpose) | _delivery(pledges, rules)
    usable = np.minimum(used, where_known(number(pledges, "plan_volume"), np.inf))
    volume = delivered_volume(held, found["share"], limit=usable)
    return found | {
        "years_left": np.maximum(0.0, years_between(day(loans, "as_of"), day(pledges, "valid_to"))),
        "days_left": _days(day(loans, "as_of"), day(pledges, "valid_to")),
        "permit": held,
        "used": used,
        "usable": usable,
        "sellable": sellable,
        "with_works": with_works,
        "theoretical": volume * energy_per_cubic_metre(
            where_known(number(pledges, "efficiency"), rules.number(f"{RULES}.efficiency")), number(pledges, "head")
        ),
    }  # fmt: skip


def _is(codes: npt.NDArray[np.object_], wanted: Iterable[str]) -> Floats:
    chosen = frozenset(wanted)
    return np.array([code in chosen for code in codes], dtype=np.float64)


def _by_purpose(rules: RuleSet, purpose: npt.NDArray[np.object_]) -> Facts:
    tables = {name: rules.table(f"{RULES}.{name}") for name in _BY_PURPOSE}
    return {
        name: np.array([float(table.get(code, table["other"])) for code in purpose], dtype=np.float64)
        for name, table in tables.items()
    }


def _days(start: npt.NDArray[np.datetime64], end: npt.NDArray[np.datetime64]) -> Floats:
    left = end - start
    return np.where(np.isnat(left), np.nan, left.astype(np.float64))


def _mean_known(pledges: Columns, field: str) -> Floats:
    """Mean of the years known of a field that comes once a year; NaN where none is."""
    total, years = np.zeros(rows_of(pledges)), np.zeros(rows_of(pledges))
    for year in YEARS:
        stated = number(pledges, f"{field}_y{year}")
        total, years = total + where_known(stated, 0.0), years + ~np.isnan(stated)
    return np.where(years > 0.0, total / np.where(years > 0.0, years, 1.0), np.nan)


def _mean_use(pledges: Columns) -> Floats:
    return _mean_known(pledges, "actual_volume")


def _transferable(pledges: Columns, rules: RuleSet) -> Floats:
    """Volume that may be transferred: of an abstraction right no more than what was saved, where that is stated."""
    stated = number(pledges, "transferable_volume")
    saved_only = is_yes(_is(text(pledges, "water_right_kind"), rules[f"{RULES}.saved_only_kinds"]))
    return np.where(saved_only, np.minimum(stated, where_known(number(pledges, "saved_volume"), np.inf)), stated)


def _delivery(pledges: Columns, rules: RuleSet) -> Facts:
    """Allocation of each year, rank, and the share of the permit to expect."""
    rank = text(pledges, "seniority")
    senior, junior = _is(rank, ["senior"]), _is(rank, ["junior"])
    front, width = front_and_width(senior, junior, np.array([rules.number(f"{RULES}.senior_share")]))
    stated = where_known(_mean_known(pledges, "allocation"), number(pledges, "allocation"))
    found, shares = {"senior": senior, "junior": junior}, []
    for year in YEARS:
        # a permit's volume is the most that may be taken in a mean year (article 24), so no year counts above 1
        ratio = np.clip(where_known(number(pledges, f"allocation_y{year}"), stated), 0.0, 1.0)
        found[f"allocation_{year}"] = ratio
        shares.append(share_by_rank(ratio, front=front, width=width))
    mean = mean_share(*shares)
    guaranteed = share_by_guarantee(
        where_known(number(pledges, "guarantee_rate"), 1.0), np.array([rules.number(f"{RULES}.dry_share")])
    )
    share = np.minimum(mean, guaranteed)
    return found | {"share": share, "guaranteed": np.where(mean > 0.0, share / np.where(mean > 0.0, mean, 1.0), 1.0)}


def front_and_width(senior: Floats, junior: Floats, senior_share: Floats) -> tuple[Floats, Floats]:
    """Part of a source's rights served before a right of a rank, and the part that is of its rank.

    Args:
        senior: 1.0 for a senior right.
        junior: 1.0 for a junior right; a right that is neither shares with all others.
        senior_share: part of the rights in the source that is senior.

    Returns:
        ``f = j s`` and ``w = 1 - k (1 - s) - j s`` with k and j the two flags and s the share.
    """
    return junior * senior_share, 1.0 - senior * (1.0 - senior_share) - junior * senior_share


def with_works(case: Case) -> Bools:
    """True where the water goes with the works and is not traded by volume."""
    return is_yes(case.facts["with_works"])


def filing_missed(case: Case) -> Bools:
    """True where the renewal is not filed and the last day to file it has gone by (article 25)."""
    return np.less(case.facts["days_left"], case.rules.number(f"{RULES}.filing_days")) & ~case.yes("renewal_filed")
