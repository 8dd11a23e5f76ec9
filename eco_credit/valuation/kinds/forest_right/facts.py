"""What the forest right works out once of its fields: age, species tables, class of stand, years of the right."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from eco_credit.core.dates import year_of, years_between
from eco_credit.core.numbers import Bools, Columns, Floats, day, number, text, where_known
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.case import Case, Facts
from eco_credit.valuation.growth_curves import RULE as CURVE
from eco_credit.valuation.growth_curves import curves_of

RULES = "valuation.forest"
AGE_GROUPS = ("young", "mid", "near", "mature", "over")
STAND_TYPES = ("even_aged", "selection", "bamboo", "economic", "shelter", "cleared")
OBJECTS = ("stand", "land", "stand_and_land", "compensation")
STAGES = ("pre", "initial", "peak", "decline")
CLASSES = (
    *AGE_GROUPS, "selection", "bamboo_young", "bamboo", *(f"economic_{stage}" for stage in STAGES), "shelter", "land",
    "compensation",
)  # fmt: skip
"""What a pledge is to the tables of methods and of loan-to-value: an age group of timber, or another class."""
_BY_SPECIES = ("age_mid", "age_near", "age_mature", "age_over", "age_max", "height_growth",
               "log_outturn", "composite_outturn", "log_price", "composite_price")  # fmt: skip


def facts(pledges: Columns, loans: Columns, rules: RuleSet) -> Facts:
    """Derive what the other functions read.

    Args:
        pledges: columns of the contract ``forest_right``, n rows.
        loans: with ``as_of``, n rows.
        rules: rules of the day.

    Returns:
        Columns of n rows: ``age`` (year), ``group`` (0 young to 4 over-mature), ``type`` (place in STAND_TYPES),
        ``object`` (place in OBJECTS), ``class`` (place in CLASSES), ``public`` (1.0 for public-welfare forest),
        ``right_years``, ``felling_age``, ``years_to_felling``, ``felling_wait`` (the same, or to the end of the right
        where that is earlier), ``stock_now`` (m3/ha of the reference stand today), ``quality`` (stock over reference
        stock), ``remote``, ``host`` and one column per species table under the table's name.
    """
    species = text(pledges, "species")
    found = _of_species(rules, species)
    age = year_of(day(loans, "as_of")) - number(pledges, "planting_year")
    right_years = years_between(day(loans, "as_of"), day(pledges, "contract_to"))
    felling_age = where_known(number(pledges, "harvest_age"), found["age_mature"])
    wait = np.maximum(0.0, np.minimum(felling_age - age, where_known(right_years, np.inf)))
    public = _is(text(pledges, "forest_class"), rules[f"{RULES}.public_welfare_classes"])
    stock_now = where_known(number(pledges, "reference_stock"), curves_of(rules.table(CURVE), species).stock(age))
    remote = np.greater(number(pledges, "road_distance"), rules.number(f"{RULES}.remote_distance"))
    sort = {
        "age": age,
        "group": _age_group(age, found),
        "public": public,
        "type": _type(pledges, species, rules),
        "object": _places(text(pledges, "pledge_object"), OBJECTS),
        "stage": _places(text(pledges, "yield_stage"), STAGES),
    }
    return found | sort | {
        "class": _class(sort, rules.number(f"{RULES}.bamboo_yields_from")),
        "right_years": right_years,
        "felling_age": felling_age,
        "years_to_felling": np.maximum(0.0, felling_age - age),
        "felling_wait": wait,
        "stock_now": stock_now,
        "quality": number(pledges, "stock_per_area") / np.where(stock_now > 0.0, stock_now, np.nan),
        "host": _is(species, rules[f"{RULES}.wilt_species"]),
        "remote": remote * 1.0,
    }


def age_group_by_rule(age: Floats, felling_age: Floats, width: Floats) -> Floats:
    """Age group where no species table is at hand: the classes of the norm around the felling class.

    With the felling-age class m, classes m and m + 1 are mature, later ones over-mature, m - 1 is near mature, and
    the rest is split evenly into young and middle-aged, the odd class going to the young.

    Args:
        age: years.
        felling_age: felling age, years; the class of an age is ``ceil(age / width)``.
        width: width of an age class, years: 20, 10 or 5 for slow, medium and fast growing species.

    Returns:
        0 young, 1 middle-aged, 2 near mature, 3 mature, 4 over-mature.

    Example:
        >>> ages = np.array([10.0, 11.0, 21.0, 26.0, 36.0])
        >>> age_group_by_rule(ages, np.full(5, 26.0), np.full(5, 5.0)).tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    own = np.ceil(age / width)
    mature = np.ceil(felling_age / width)
    young = np.ceil((mature - 2.0) / 2.0)
    reached = np.array([own > young, own >= mature - 1.0, own >= mature, own >= mature + 2.0])
    count: Floats = np.count_nonzero(reached, axis=0).astype(np.float64)
    return count


def _age_group(age: Floats, starts: Facts) -> Floats:
    """0 young, 1 middle-aged, 2 near mature, 3 mature, 4 over-mature: how many group starts the age has reached."""
    reached = np.greater_equal(age, np.array([starts[name] for name in _BY_SPECIES[:4]]))
    count: Floats = np.count_nonzero(reached, axis=0).astype(np.float64)
    return count


def _of_species(rules: RuleSet, species: npt.NDArray[np.object_]) -> Facts:
    """The species tables read for each row; a species not in a table takes its row ``other``."""
    tables = [rules.table(f"{RULES}.{name}") for name in _BY_SPECIES]
    codes = list(dict.fromkeys(species.tolist()))
    place = {code: i for i, code in enumerate(codes)}
    values = np.array([[table.get(code, table["other"]) for code in codes] for table in tables], dtype=np.float64)
    rows = np.array([place[code] for code in species.tolist()], dtype=np.intp)
    return dict(zip(_BY_SPECIES, values.take(rows, 1), strict=True))


def _type(pledges: Columns, species: npt.NDArray[np.object_], rules: RuleSet) -> Floats:
    """Class of stand as stated; else by the species and the forest category on the certificate."""
    by_category, by_species = (rules.table(f"{RULES}.type_by_{name}") for name in ("category", "species"))
    category, stated = text(pledges, "forest_category"), text(pledges, "stand_type")
    told = (
        s or by_species.get(sp) or by_category.get(c, "even_aged")
        for s, sp, c in zip(stated, species, category, strict=True)
    )
    return _places(np.array(list(told), dtype=object), STAND_TYPES)


def _class(f: Facts, bamboo_from: float) -> Floats:
    """Place in `CLASSES`: the age group of timber; else the class of stand, land, or compensation income."""
    kind, place = f["type"], {name: float(i) for i, name in enumerate(CLASSES)}
    found = np.where(kind == STAND_TYPES.index("selection"), place["selection"], f["group"])
    grown = f["age"] >= bamboo_from
    found = np.where(
        kind == STAND_TYPES.index("bamboo"), np.where(grown, place["bamboo"], place["bamboo_young"]), found
    )
    found = np.where(kind == STAND_TYPES.index("economic"), place["economic_pre"] + f["stage"], found)
    found = np.where(kind == STAND_TYPES.index("shelter"), place["shelter"], found)
    land = (f["object"] == OBJECTS.index("land")) | (kind == STAND_TYPES.index("cleared"))
    found = np.where(land, place["land"], found)
    return np.where((f["public"] == 1.0) | (f["object"] == OBJECTS.index("compensation")), place["compensation"], found)


def by_class(case: Case, rule: str) -> Floats:
    """A table of numbers by class, read for every pledge, shape (n,)."""
    name = f"{RULES}.{rule}"
    values = case.rules.once(("by_class", name), lambda: np.array([float(case.rules.table(name)[c]) for c in CLASSES]))
    return values[case.facts["class"].astype(np.intp)]


def _places(codes: npt.NDArray[np.object_], among: tuple[str, ...]) -> Floats:
    """Place of each code in a list; the first where it is blank or unknown."""
    place: Mapping[str, int] = {code: i for i, code in enumerate(among)}
    return np.fromiter((place.get(code, 0) for code in codes.tolist()), np.float64, len(codes))


def _is(codes: npt.NDArray[np.object_], wanted: list[str]) -> Floats:
    chosen = frozenset(wanted)
    return np.fromiter(map(chosen.__contains__, codes.tolist()), np.float64, len(codes))


def is_public(case: Case) -> Bools:
    """True for public-welfare forest."""
    return np.equal(case.facts["public"], 1.0)


def is_object(case: Case, *names: str) -> Bools:
    """True where the thing pledged is one of the objects named."""
    return _is_place(case.facts["object"], OBJECTS, names)


def is_type(case: Case, *names: str) -> Bools:
    """True where the stand is of one of the classes named."""
    return _is_place(case.facts["type"], STAND_TYPES, names)


def _is_place(places: Floats, among: tuple[str, ...], names: tuple[str, ...]) -> Bools:
    found = np.equal(places, among.index(names[0]))
    for name in names[1:]:
        found = found | np.equal(places, among.index(name))
    return found


def from_group(case: Case, group: str) -> Bools:
    """True from an age group on, timber forest only."""
    return np.greater_equal(case.facts["group"], AGE_GROUPS.index(group)) & ~is_public(case)


def has_permit(case: Case) -> Bools:
    """True where a felling permit is held and has not run out on the day of appraisal."""
    until = case.day("felling_valid_to")
    return case.yes("felling_permit") & (np.isnat(until) | (until >= case.as_of))


