"""The double-count guard: what an account counts twice, as a refusal or a warning that says so.

Rules, words and sentences are data (``double_counting.yaml``). What tables cannot show stays with the
reader: nested areas, and value of a project area added to the area's own.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import yaml

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Bools, Columns, number, rows_of, text
from eco_credit.gep import measure
from eco_credit.gep.amounts import rounding
from eco_credit.gep.compute import span
from eco_credit.gep.flow import Notice
from eco_credit.gep.formulas import annual_cost
from eco_credit.gep.norms import Norm
from eco_credit.gep.prices import basis_of
from eco_credit.gep.services import services
from eco_credit.gep.services.climate_regulation import implied_cooling_days
from eco_credit.gep.valuing import Valued
from eco_credit.rulebook import RuleSet

SUM_ERROR = 1e-12
"""Part of a total that the order of adding may move."""
_WATER = ("water_supply", "water_retention", "flood_mitigation", "ecological_energy")
_LOADS = ("nonpoint", "non-point", "load avoided", "面源")
_NITROGEN = ("tn", "TN", "total nitrogen", "总氮")
_OUTPUTS = ("gross_output", "net_output", "resource_rent")
_OUTPUT_OF = {"gross_output_stated": "gross_output", "ecosystem_contribution": "resource_rent"}
"""Formula names that stand for a kind of output under another name."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: the rule, the rows (1 is the first), and what its sentence needs."""

    rule: str
    rows: tuple[int, ...] = ()
    said: tuple[tuple[str, str], ...] = ()

    @property
    def refuses(self) -> bool:
        """True when the table is refused."""
        return bool(_texts()[self.rule]["severity"] == "error")

    def notice(self) -> Notice:
        """The sentence in English and Chinese."""
        raw, said = _texts()[self.rule], dict(self.said)
        return Notice(self.rule, raw["en"].format_map(said), raw["zh"].format_map(said), self.rows)


@cache
def _texts() -> Mapping[str, Any]:
    file = resources.files("eco_credit.gep") / "double_counting.yaml"
    loaded: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def refusals(rows: Columns, norm: Norm, rules: RuleSet) -> list[Finding]:
    """Everything in a table that counts twice beyond doubt.

    Args:
        rows: columns of `eco_credit.gep.reading.read_table`.
        norm: the norm of the account.
        rules: the rulebook of the day.

    Returns:
        Findings that refuse the table.
    """
    found = [*_by_words(rows, norm), *_duplicates(rows), *_carbon_twice(rows), *_fertility(rows), *_days(rows, rules)]
    return [finding for finding in found if finding.refuses]


def warnings(valued: Valued, norm: Norm, rules: RuleSet, *, counted: Bools) -> list[Finding]:
    """Everything that may count twice or looks out of proportion.

    Args:
        valued: the rows with their values.
        norm: the norm of the account.
        rules: the rulebook of the day.
        counted: rows in the total, booleans.

    Returns:
        Findings that are kept on the account.
    """
    rows = valued.columns
    found = [
        *_by_words(rows, norm), *_fertility(rows), *_one_water(rows, counted), *_mixed_output(valued),
        *_dominant(valued, rules, counted), *_implied_days(rows, rules), *_capital_cost(rows, rules),
        *_borrowed_price(rows, rules), *_price_years(rows, rules),
    ]
    return [finding for finding in found if not finding.refuses]


def _said(word: str, said: str) -> bool:
    """A Chinese word anywhere, an English one as a whole word."""
    if not word.isascii():
        return word in said
    return re.search(rf"(?<![a-z]){re.escape(word)}(?![a-z])", said) is not None


def _sayings(rows: Columns) -> list[str]:
    pairs = zip(text(rows, "item"), text(rows, "method"), strict=True)
    return [f"{item or ''} | {method or ''}".lower() for item, method in pairs]


def _rows_saying(rule: str, rows: Columns) -> tuple[int, ...]:
    """Rows whose item or method holds a word of the rule; each wording is read once, however many rows have it."""
    raw = _texts()[rule]
    codes, words = raw.get("services"), raw["words"]
    met: dict[tuple[str, str], bool] = {}
    found = []
    for row, (code, said) in enumerate(zip(text(rows, "service"), _sayings(rows), strict=True), start=1):
        if (code, said) not in met:
            met[code, said] = (codes is None or code in codes) and any(_said(word, said) for word in words)
        if met[code, said]:
            found.append(row)
    return tuple(found)


def _by_words(rows: Columns, norm: Norm) -> Iterator[Finding]:
    present = set(text(rows, "service"))
    for rule, raw in _texts().items():
        if "words" not in raw or rule == "fertility_and_load":
            continue
        if (raw.get("exchange_only") and not norm.exchange_value) or not present.issuperset(raw.get("with", [])):
            continue
        if raw["severity"] == "error":
            yield from (Finding(rule, (row,)) for row in _rows_saying(rule, rows))
        elif hits := _rows_saying(rule, rows):
            yield Finding(rule, hits)


def _duplicates(rows: Columns) -> Iterator[Finding]:
    keys = list(zip(text(rows, "place"), text(rows, "service"), text(rows, "item"), strict=True))
    times = Counter(keys)
    first: set[Any] = set()
    for row, key in enumerate(keys, start=1):
        if times[key] > 1 and key in first:
            yield Finding("duplicate_row", (row,))
        first.add(key)


def _carbon_twice(rows: Columns) -> Iterator[Finding]:
    """Carbon and carbon dioxide in one place; an item computed here says itself which it is."""
    by_item = {"co2": "carbon_dioxide", "carbon": "carbon"}
    kinds: dict[Any, dict[str, int]] = {}
    for i in np.flatnonzero(text(rows, "service") == "carbon"):
        unit, item = rows["physical_unit"][i], rows["item"][i]
        kind = by_item.get(item or "") if unit is None else _listed_kind(unit)
        if kind is not None:
            kinds.setdefault(rows["place"][i], {})[kind] = int(i) + 1
    for seen in kinds.values():
        if {"carbon", "carbon_dioxide"} <= seen.keys():
            yield Finding("carbon_twice", tuple(sorted(seen.values())))


def _listed_kind(unit: str) -> str | None:
    """Kind of a unit; None for one off the list, which the rows' own check refuses by name."""
    try:
        return measure.quantity(unit).kind
    except ContractError:
        return None


def _fertility(rows: Columns) -> Iterator[Finding]:
    soil = text(rows, "service") == "soil_retention"
    words = _texts()["fertility_and_load"]["words"]
    fertile: dict[Any, list[int]] = {}
    loads: dict[Any, list[int]] = {}
    for i, said in enumerate(_sayings(rows)):
        if not soil[i]:
            continue
        place = rows["place"][i]
        if any(_said(word, said) for word in words):
            fertile.setdefault(place, []).append(i + 1)
        elif any(word in said for word in _LOADS):
            loads.setdefault(place, []).append(i + 1)
    for place, hits in fertile.items():
        both = place in loads
        yield Finding("fertility_and_load" if both else "fertility_school", tuple(sorted(hits + loads.get(place, []))))


def _days(rows: Columns, rules: RuleSet) -> Iterator[Finding]:
    most = rules.number("gep.check.days_per_year")
    for i in np.flatnonzero(number(rows, "cooling_days") > most):
        yield Finding("too_many_days", (int(i) + 1,))


def _one_water(rows: Columns, counted: Bools) -> Iterator[Finding]:
    codes = text(rows, "service")
    hits = [i for i in np.flatnonzero(counted).tolist() if codes[i] in _WATER and _is_water(rows, i)]
    named = list(dict.fromkeys(codes[i] for i in hits))
    if len(named) < 2:
        return
    known = services()
    said = (("named", ", ".join(known[code].en for code in named)), ("named_zh", "、".join(known[c].zh for c in named)))
    yield Finding("one_water", tuple(i + 1 for i in hits), said)


def _is_water(rows: Columns, i: int) -> bool:
    """Every water service, and of energy only hydropower, which is power from the same water."""
    if rows["service"][i] != "ecological_energy":
        return True
    said = f"{rows['item'][i] or ''}".lower()
    return any(word in said for word in ("hydro", "水电", "水力"))


def _mixed_output(valued: Valued) -> Iterator[Finding]:
    """Gross, net and contribution side by side, by the method stated or the formula used; and rows with neither."""
    rows = valued.columns
    index = np.flatnonzero(text(rows, "service") == "material_products").tolist()
    if not index:
        return
    kinds = {i: _output_kind(rows["method"][i], valued.by[i]) for i in index}
    if len({kind for kind in kinds.values() if kind is not None}) > 1:
        yield Finding("mixed_output", tuple(i + 1 for i in index))
    if unsaid := tuple(i + 1 for i in index if kinds[i] is None):
        yield Finding("output_not_stated", unsaid)


def _output_kind(method: str | None, by: str) -> str | None:
    """Which of the three values of a product a row holds, or None when nothing says it."""
    said = [method, *(_OUTPUT_OF.get(name, name) for name in by.split("+"))]
    return next((name for name in said if name in _OUTPUTS), None)


def _dominant(valued: Valued, rules: RuleSet, counted: Bools) -> Iterator[Finding]:
    total = math.fsum(valued.value[counted].tolist())
    if np.count_nonzero(counted) < 2 or total <= 0.0:
        return
    share = rules.number("gep.check.dominant_share")
    for i in np.flatnonzero(counted & (valued.value > share * total)):
        yield Finding("dominant_row", (int(i) + 1,), (("share", f"{valued.value[i] / total:.1%}"),))


def _implied_days(rows: Columns, rules: RuleSet) -> Iterator[Finding]:
    heats, most = rules.table("gep.climate.heat_taken_up"), rules.number("gep.check.days_per_year")
    climate = (text(rows, "service") == "climate_regulation") & (number(rows, "area_ha") > 0.0)
    for i in np.flatnonzero(climate & ~np.isnan(number(rows, "physical"))):
        own = number(rows, "heat_taken_up")[i]
        heat = own if own > 0.0 else heats.get(rows["ecosystem"][i])
        if heat is None:
            continue
        power = number(rows, "physical")[i] * measure.quantity(rows["physical_unit"][i]).size
        days = implied_cooling_days(power, number(rows, "area_ha")[i], heat=np.asarray(float(heat)),
                                    efficiency=np.asarray(rules.number("gep.climate.cooling_efficiency")))
        if days > most:
            yield Finding("implied_days", (int(i) + 1,), (("days", f"{days:.0f}"),))


def _capital_cost(rows: Columns, rules: RuleSet) -> Iterator[Finding]:
    water = np.isin(text(rows, "service").astype(str), ("water_retention", "flood_mitigation"))
    water &= text(rows, "cost_basis") != "yearly"
    hits: Sequence[int] = [int(i) + 1 for i in np.flatnonzero(water & ~np.isnan(number(rows, "price")))]
    if not hits or rows_of(rows) == 0:
        return
    rate, life = rules.number("gep.water_retention.discount_rate"), rules.number("gep.water_retention.reservoir_life")
    part = float(annual_cost(np.asarray(1.0), np.asarray(rate), np.asarray(life)))
    said = (("rate", f"{rate:.0%}"), ("years", f"{life:.0f}"), ("part", f"{part:.1%}"))
    yield Finding("capital_cost", tuple(hits), said)


def _borrowed_price(rows: Columns, rules: RuleSet) -> Iterator[Finding]:
    """Total nitrogen at a price of the levy or tax, which has no row for it."""
    prices = [float(price) for price in rules.table("gep.water_purification.nh3n_by_basis").values()]
    nitrogen = (text(rows, "service") == "water_purification") & np.isin(text(rows, "item").astype(str), _NITROGEN)
    near = np.zeros(rows_of(rows), np.bool_)
    for price in prices:
        near |= np.isclose(number(rows, "price"), price, rtol=1e-6)
    if hits := tuple(int(i) + 1 for i in np.flatnonzero(nitrogen & near)):
        yield Finding("borrowed_price", hits)


def _price_years(rows: Columns, rules: RuleSet) -> Iterator[Finding]:
    """Rows at a rulebook price whose money is of another year than the account's."""
    years, codes, items = number(rows, "price_year"), text(rows, "service"), text(rows, "item")
    if np.isnan(years).all():
        return
    for pair in dict.fromkeys(zip(codes, items, strict=True)):
        item = services()[pair[0]].item(pair[1])
        if item is None or item.price is None:
            continue
        basis = basis_of(rules, item.price)
        hits = (codes == pair[0]) & (items == pair[1]) & (years != basis.price_year) & ~np.isnan(years)
        hits &= number(rows, "price") == span(rules, item.price)[1]
        if hits.any():
            yield Finding("price_of_other_year", tuple(int(i) + 1 for i in np.flatnonzero(hits)),
                          (("service", pair[0]), ("year", str(basis.price_year)), ("basis", basis.basis)))


def printed_total(total: float, printed: float, unit: str = "CNY") -> Finding | None:
    """Whether a total printed in a text is the sum of its table, to half of the last printed digit.

    Args:
        total: sum of the rows, CNY or any unit with `unit` 1 of it.
        printed: the number printed.
        unit: unit of money the number is printed in.

    Returns:
        A warning that names both, or None when rounding explains the difference.

    Example:
        >>> printed_total(7545.59e8, 7545.59, "1e8 CNY") is None
        True
    """
    stated = printed * measure.money(unit)
    if abs(total - stated) <= rounding(printed) * abs(stated) + SUM_ERROR * abs(total):
        return None
    return Finding("total_differs", (), (("total", f"{total:.6g}"), ("printed", f"{stated:.6g}")))
