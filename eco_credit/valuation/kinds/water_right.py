"""Water right (取水权): a permit to take water, for a term, in a volume, for a purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats, is_yes, number, rows_of, text, where_known
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.appraisal import Appraisal, Figures
from eco_credit.valuation.kind import Case, Gate, Haircut, Kind, Remark
from eco_credit.valuation.kinds.water_value import APPROACHES, appraise, renewal_share

RULES = "valuation.water"
_TABLES = ("unit_margin", "dry_year")


def facts(pledges: Columns, loans: Columns, rules: RuleSet) -> Figures:
    """Derive what the other functions read: use of the last years, volumes, purpose tables, flags.

    Args:
        pledges: columns of the contract ``water_right``, n rows.
        loans: not read.
        rules: rules of the day.

    Returns:
        Columns of n rows: ``used`` (m3/year, mean of the known years, the permit where none is known),
        ``sellable`` (m3/year that may be transferred), ``with_works`` (1.0 where the water goes with the
        works), ``hydropower`` (1.0 where head and feed-in price are known) and one per purpose table.
    """
    purpose, permit = text(pledges, "purpose"), number(pledges, "annual_volume")
    with_works = _flags(purpose, rules[f"{RULES}.with_the_works"])
    sellable = np.minimum(number(pledges, "transferable_volume"), permit)
    priced = ~np.isnan(number(pledges, "head")) & ~np.isnan(number(pledges, "feed_in_price"))
    return {name: _of_purpose(rules, name, purpose) for name in _TABLES} | {
        "used": where_known(_mean_use(pledges), permit),
        "sellable": np.where(with_works, permit, sellable),
        "with_works": with_works * 1.0,
        "hydropower": (with_works & priced) * 1.0,
    }


def _flags(codes: npt.NDArray[np.object_], wanted: Iterable[str]) -> Bools:
    chosen = frozenset(wanted)
    return np.array([code in chosen for code in codes], dtype=bool)


def _of_purpose(rules: RuleSet, name: str, purpose: npt.NDArray[np.object_]) -> Floats:
    table = rules.table(f"{RULES}.{name}")
    other = float(table["other"])
    return np.array([table.get(code, other) for code in purpose], dtype=np.float64)


def _mean_use(pledges: Columns) -> Floats:
    """Mean metered volume of the years known, m3/year; NaN where none is."""
    total, years = np.zeros(rows_of(pledges)), np.zeros(rows_of(pledges))
    for name in ("actual_volume_y1", "actual_volume_y2", "actual_volume_y3"):
        volume = number(pledges, name)
        total, years = total + where_known(volume, 0.0), years + ~np.isnan(volume)
    return np.where(years > 0.0, total / np.where(years > 0.0, years, 1.0), np.nan)


def _permit_not_valid(case: Case) -> Bools:
    return ~case.is_one_of("permit_state", case.rules[f"{RULES}.valid_states"])


def _permit_ends_early(case: Case) -> Bools:
    needed = case.loan("term_months") + case.rules.number("valuation.disposal.workout_months")
    return np.less(case.months_left("valid_to"), needed)


def _not_pledgeable(case: Case, _: Appraisal) -> Bools:
    rules = case.rules
    return (
        ~case.is_one_of("water_right_kind", rules[f"{RULES}.pledgeable_kinds"])
        | case.is_one_of("purpose", rules[f"{RULES}.untransferable_purposes"])
        | np.less_equal(case.facts["sellable"], 0.0)
        | case.yes("disputed") | case.yes("sealed")
    )


def _cannot_be(case: Case, _: Appraisal) -> Bools:
    return np.greater(case.number("transferable_volume"), case.number("annual_volume"))


GATES = (
    Gate("W01", "许可证非有效状态,或有效期短于贷款期加处置期",
         "permit not valid, or ends before the loan and its workout",
         lambda case, _: _permit_not_valid(case) | _permit_ends_early(case)),
    Gate("W02", "区域水权、不可交易用途、无可转让水量、争议或查封",
         "regional right, purpose that may not be traded, nothing transferable, disputed or sealed", _not_pledgeable),
    Gate("D03", "可转让水量大于许可水量", "transferable volume above the permit", _cannot_be),
)


def _constant(rule: str, holds: Bools, case: Case) -> Floats:
    return np.where(holds, case.rules.number(rule), 0.0)


def _unsold(case: Case, value: Appraisal) -> Floats:
    """Only saved water may be sold; a comparison already counts nothing else, and works carry their water."""
    counted = np.minimum(case.number("annual_volume"), case.facts["used"])
    share = np.minimum(1.0, case.facts["sellable"] / np.where(counted > 0.0, counted, 1.0))
    by_income = ~is_yes(case.facts["with_works"]) & np.not_equal(value.approach, "comparison")
    return np.where(by_income, (1.0 - share) * case.rules.number(f"{RULES}.not_transferable"), 0.0)


HAIRCUTS = (
    Haircut("legal_certainty", "法律确定性", "not named among pledgeable rights", f"{RULES}.legal_certainty",
            lambda case, _: _constant(f"{RULES}.legal_certainty", np.ones(case.rows, dtype=bool), case)),
    Haircut("renewal", "未获批的延续", "renewal not yet granted", f"{RULES}.renewal_reliance",
            lambda case, _: renewal_share(case) * case.rules.number(f"{RULES}.renewal_reliance")),
    Haircut("not_transferable", "不可转让水量", "water that may not be sold", f"{RULES}.not_transferable", _unsold),
    Haircut("allocation", "干旱年配水", "dry years", f"{RULES}.dry_year", lambda case, _: case.facts["dry_year"]),
    Haircut("over_drawn", "超载区", "over-drawn area", f"{RULES}.over_drawn",
            lambda case, _: _constant(f"{RULES}.over_drawn", case.yes("over_drawn"), case)),
    Haircut("metering", "未在线计量", "not metered", f"{RULES}.not_metered",
            lambda case, _: _constant(f"{RULES}.not_metered", ~case.yes("metered"), case)),
)


def _below(case: Case, measured: Floats, rule: str) -> Bools:
    return np.less(measured, case.rules.number(f"{RULES}.{rule}"))


def _use_ratio(case: Case) -> Floats:
    permit = case.number("annual_volume")
    return np.where(permit > 0.0, case.facts["used"] / np.where(permit > 0.0, permit, 1.0), 0.0)


def _unused(case: Case) -> Bools:
    return np.equal(case.number("actual_volume_y1"), 0.0) & np.equal(case.number("actual_volume_y2"), 0.0)


REASONS = (
    Remark("W03", lambda case, _: _below(case, case.months_left("valid_to"), "short_months")),
    Remark("W04", lambda case, _: _below(case, _use_ratio(case), "few_use")),
    Remark("W05", lambda case, _: _unused(case)),
    Remark("W06", lambda case, _: case.yes("over_drawn")),
    Remark("W07", lambda case, _: _below(case, case.number("allocation"), "dry_allocation")),
    Remark("W08", lambda case, _: ~case.yes("metered")),
    Remark("W09", lambda case, _: np.isnan(case.number("deal_price")) & ~is_yes(case.facts["with_works"])),
    Remark("W10", lambda case, _: ~case.yes("fee_paid")),
    Remark("W11", lambda case, _: is_yes(case.facts["with_works"]) & is_yes(case.loan("control_account"))),
    Remark("W12", lambda case, _: ~np.isnan(case.number("deal_price"))),
    Remark("W13", lambda case, _: np.greater(case.facts["sellable"], 0.0) & ~is_yes(case.facts["with_works"])),
    Remark("W14", lambda case, _: ~case.yes("registered")),
)
CONDITIONS = (
    Remark("renew_permit", lambda case, _: np.ones(case.rows, dtype=bool)),
    Remark("control_account", lambda case, _: is_yes(case.facts["with_works"])),
)


def _saleable(case: Case) -> Mapping[str, Floats]:
    """Water may be sold as far as the permit lets it go; energy only where the water drives a station."""
    permit = case.number("annual_volume")
    share = where_known(case.facts["sellable"] / np.where(permit > 0.0, permit, np.nan), 0.0)
    return {"water_supply": np.clip(share, 0.0, 1.0), "ecological_energy": case.facts["with_works"]}


def _features(case: Case, _: Appraisal) -> Columns:
    permit = case.number("annual_volume")
    return {
        "water_use_ratio": _use_ratio(case),
        "water_allocation": case.number("allocation"),
        "water_over_drawn": case.number("over_drawn"),
        "water_transferable": case.number("transferable_volume") / np.where(permit > 0.0, permit, np.nan),
        "water_buy_back": case.number("buy_back"),
    }


KIND = Kind(
    name="water_right", zh="取水权", en="water right", rules=RULES, approaches=APPROACHES,
    facts=facts, appraise=appraise, gates=GATES, haircuts=HAIRCUTS,
    cap=lambda case, _: np.full(case.rows, case.rules.number(f"{RULES}.ltv")),
    right_months=lambda case: case.months_left("valid_to"),
    saleable=_saleable, reasons=REASONS, conditions=CONDITIONS, features=_features,
)
