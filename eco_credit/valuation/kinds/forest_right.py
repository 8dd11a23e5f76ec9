"""Forest right (林权): standing timber with the right to the land it grows on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from eco_credit.core.dates import year_of
from eco_credit.core.numbers import Bools, Columns, Floats, day, is_yes, number, text, where_known
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.appraisal import Appraisal, Figures
from eco_credit.valuation.kind import Case, Gate, Haircut, Kind, Remark
from eco_credit.valuation.kinds.forest_stand import APPROACHES, appraise
from eco_credit.valuation.methods.forest import delay_loss, reference_stock

RULES = "valuation.forest"
_BY_SPECIES = ("age_mid", "age_near", "age_mature", "age_over", "growth_level", "growth_slope", "height_growth",
               "log_outturn", "composite_outturn", "log_price", "composite_price")
AGE_GROUPS = ("young", "mid", "near", "mature", "over")


def facts(pledges: Columns, loans: Columns, rules: RuleSet) -> Figures:
    """Derive what the other functions read: age, age group, species tables, K of the stock, flags.

    Args:
        pledges: columns of the contract ``forest_right``, n rows.
        loans: with ``as_of``, n rows.
        rules: rules of the day.

    Returns:
        Columns of n rows: ``age`` (year), ``group`` (0 young to 4 over-mature), ``public`` (1.0 for
        public-welfare forest), ``quality`` (stock over reference stock), ``remote``, ``host`` and one
        column per species table under the table's name.
    """
    species = text(pledges, "species")
    found = _of_species(rules, species)
    age = year_of(day(loans, "as_of")) - number(pledges, "planting_year")
    reference = reference_stock(age, level=found["growth_level"], slope=found["growth_slope"])
    public = frozenset(rules[f"{RULES}.public_welfare_classes"])
    hosts = frozenset(rules[f"{RULES}.wilt_species"])
    return found | {
        "age": age,
        "group": _age_group(age, found),
        "quality": number(pledges, "stock_per_area") / reference,
        "public": np.array([code in public for code in text(pledges, "forest_class")], dtype=np.float64),
        "host": np.array([code in hosts for code in species], dtype=np.float64),
        "remote": np.greater(number(pledges, "road_distance"), rules.number(f"{RULES}.remote_distance")) * 1.0,
    }


def _age_group(age: Floats, starts: Figures) -> Floats:
    """0 young, 1 middle-aged, 2 near mature, 3 mature, 4 over-mature: how many group starts the age has reached."""
    reached = np.greater_equal(age, np.array([starts[name] for name in _BY_SPECIES[:4]]))
    count: Floats = np.count_nonzero(reached, axis=0).astype(np.float64)
    return count


def _of_species(rules: RuleSet, species: npt.NDArray[np.object_]) -> Figures:
    """The species tables read for each row; a species not in a table takes its row ``other``."""
    tables = [rules.table(f"{RULES}.{name}") for name in _BY_SPECIES]
    codes = list(dict.fromkeys(species.tolist()))
    place = {code: i for i, code in enumerate(codes)}
    values = np.array([[table.get(code, table["other"]) for code in codes] for table in tables], dtype=np.float64)
    rows = np.array([place[code] for code in species.tolist()], dtype=np.intp)
    return dict(zip(_BY_SPECIES, values.take(rows, 1), strict=True))


def _public(case: Case) -> Bools:
    return is_yes(case.facts["public"])


def _from(case: Case, group: str) -> Bools:
    """True from an age group on, timber forest only."""
    return np.greater_equal(case.facts["group"], AGE_GROUPS.index(group)) & ~_public(case)


def _cannot_be(case: Case, _: Appraisal) -> Bools:
    age, stock, rules = case.facts["age"], case.number("stock_per_area"), case.rules
    outturn = where_known(case.number("log_outturn"), 0.0) + where_known(case.number("composite_outturn"), 0.0)
    return (
        np.less(age, 0.0) | np.greater(age, rules.number(f"{RULES}.age_max"))
        | np.greater(stock, rules.number(f"{RULES}.stock_max")) | np.greater(outturn, 1.0)
    )


def _ends_early(case: Case, _: Appraisal) -> Bools:
    needed = case.loan("term_months") + case.rules.number("valuation.disposal.workout_months")
    return np.less(case.months_left("contract_to"), needed)


def _fully_charged(case: Case, value: Appraisal) -> Bools:
    claims = case.number("prior_claims")
    return np.greater(claims, 0.0) & np.greater_equal(claims, value.central)


def _protected(case: Case) -> Bools:
    return np.greater(case.number("protected_overlap"), case.rules.number(f"{RULES}.protected_overlap_max"))


GATES = (
    Gate("F01", "公益林,或与保护地重叠", "public-welfare forest, or overlap with a protected area",
         lambda case, _: _public(case) | _protected(case)),
    Gate("F02", "权属争议", "ownership disputed", lambda case, _: case.yes("disputed")),
    Gate("F03", "共有人、集体、发包方同意不齐", "consent of co-owners, collective or land owner missing",
         lambda case, _: ~(case.yes("co_owner_consent") & case.yes("collective_vote") & case.yes("owner_consent"))),
    Gate("F04", "已查封,或在先债权达到评估值", "sealed, or prior claims reach the appraisal",
         lambda case, value: case.yes("sealed") | _fully_charged(case, value)),
    Gate("F05", "承包期短于贷款期加处置期", "land term ends before the loan and its workout", _ends_early),
    Gate("D03", "林龄、蓄积或出材率不可能", "age, stock or outturn cannot be", _cannot_be),
)


def _felling_delay(case: Case, _: Appraisal) -> Floats:
    rules = case.rules
    loss = delay_loss(
        rules.number(f"{RULES}.investment_rate"),
        probability=rules.number(f"{RULES}.quota_wait_chance"), years=rules.number(f"{RULES}.quota_wait_years"),
    )
    return np.where(_from(case, "near") & ~case.yes("felling_permit"), loss, 0.0)


def _insured(case: Case) -> Bools:
    return case.yes("insured") & case.yes("beneficiary_is_bank")


def _infected(case: Case) -> Bools:
    return case.yes("pine_wilt_zone") & is_yes(case.facts["host"])


def _ratio_where(rule: str, holds: Bools, case: Case) -> Floats:
    return np.where(holds, case.rules.number(rule), 0.0)


HAIRCUTS = (
    Haircut("felling_delay", "采伐限额等待", "wait for the felling quota", f"{RULES}.quota_wait_chance",
            _felling_delay),
    Haircut("uninsured", "未投保或受益人非本行", "not insured for the bank", f"{RULES}.uninsured",
            lambda case, _: _ratio_where(f"{RULES}.uninsured", ~_insured(case), case)),
    Haircut("remoteness", "位置偏远", "far from a road", f"{RULES}.remote",
            lambda case, _: _ratio_where(f"{RULES}.remote", is_yes(case.facts["remote"]), case)),
    Haircut("pest_zone", "松材线虫病疫区", "pine wilt zone", f"{RULES}.pest_zone",
            lambda case, _: _ratio_where(f"{RULES}.pest_zone", _infected(case), case)),
    Haircut("no_buy_back", "无收储承诺", "no purchase body stands ready", f"{RULES}.no_buy_back",
            lambda case, _: _ratio_where(f"{RULES}.no_buy_back", ~case.yes("buy_back"), case)),
)


def _cap(case: Case, _: Appraisal) -> Floats:
    """The bank's grid by age group; a local exchange or purchase body lifts it."""
    columns = []
    for name in ("ltv", "ltv_with_exchange"):
        grid = case.rules.table(f"{RULES}.{name}")
        by_group = np.array([float(grid[group]) for group in AGE_GROUPS])[case.facts["group"].astype(np.intp)]
        columns.append(np.where(_public(case), float(grid["compensation"]), by_group))
    return np.where(case.yes("buy_back"), columns[1], columns[0])


def _cover(case: Case, value: Appraisal) -> Floats:
    """Insured sum over appraised value, 0 to 1; 0 where not insured."""
    insured = where_known(case.number("insured_sum"), 0.0) * case.number("area") * is_yes(case.number("insured"))
    worth = value.central > 0.0
    return np.where(worth, np.minimum(1.0, insured / np.where(worth, value.central, 1.0)), 0.0)


def _overstated(case: Case, value: Appraisal) -> Bools:
    return np.greater(case.number("stated_value"), case.rules.number(f"{RULES}.stated_excess") * value.central)


def _low_stock(case: Case, _: Appraisal) -> Bools:
    return _from(case, "mid") & np.less(case.facts["quality"], case.rules.number(f"{RULES}.low_stock_quality"))


REASONS = (
    Remark("F06", lambda case, _: ~_from(case, "mid") & ~_public(case)),
    Remark("F07", lambda case, _: (_from(case, "near") & ~case.yes("felling_permit")) | _protected(case)),
    Remark("F08", _low_stock),
    Remark("F09", lambda case, _: is_yes(case.facts["remote"]) & ~case.yes("buy_back")),
    Remark("F10", lambda case, _: case.yes("pine_wilt_zone")),
    Remark("F11", lambda case, _: ~_insured(case)),
    Remark("F12", _overstated),
    Remark("F15", lambda case, _: _from(case, "near") & case.yes("felling_permit")),
    Remark("F16", lambda case, _: case.yes("buy_back")),
    Remark("F17", lambda case, value: _insured(case)
           & np.greater_equal(_cover(case, value), case.rules.number(f"{RULES}.insured_cover"))),
    Remark("E02", lambda case, _: np.greater(case.number("compensation_paid"), 0.0)),
)
CONDITIONS = (
    Remark("insure_forest", lambda case, _: ~_insured(case)),
    Remark("no_felling", lambda case, _: ~_public(case)),
)


def _saleable(case: Case) -> Mapping[str, Floats]:
    """Timber of a public-welfare forest is not for sale."""
    return {"material_products": 1.0 - case.facts["public"]}


def _features(case: Case, value: Appraisal) -> Columns:
    return {
        "forest_maturity": case.facts["age"] / case.facts["age_mature"],
        "forest_stock": case.number("stock_per_area"),
        "forest_permit": case.number("felling_permit"),
        "forest_insured": _cover(case, value),
        "forest_protected": case.number("protected_overlap"),
        "forest_buy_back": case.number("buy_back"),
    }


KIND = Kind(
    name="forest_right", zh="林权", en="forest right", rules=RULES, approaches=APPROACHES,
    facts=facts, appraise=appraise, gates=GATES, haircuts=HAIRCUTS, cap=_cap,
    right_months=lambda case: case.months_left("contract_to"),
    saleable=_saleable, reasons=REASONS, conditions=CONDITIONS, features=_features,
)
