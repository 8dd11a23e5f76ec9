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
from eco_credit.gep.flow import Notice
from eco_credit.gep.formulas import annual_cost
from eco_credit.gep.norms import Norm
from eco_credit.gep.services import services
from eco_credit.gep.services.climate_regulation import implied_cooling_days
from eco_credit.gep.valuing import Valued
from eco_credit.rulebook import RuleSet

_WATER = ("water_supply", "water_retention", "flood_mitigation", "ecological_energy")
_LOADS = ("nonpoint", "non-point", "load avoided", "面源")
_OUTPUTS = ("gross_output", "net_output", "resource_rent")


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
        *_by_words(rows, norm), *_fertility(rows), *_one_water(rows, counted), *_mixed_output(rows),
        *_dominant(valued, rules, counted), *_implied_days(rows, rules), *_capital_cost(rows, rules),
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
    raw = _texts()[rule]
    codes = raw.get("services")
    return tuple(
        row for row, (code, said) in enumerate(zip(text(rows, "service"), _sayings(rows), strict=True), start=1)
        if (codes is None or code in codes) and any(_said(word, said) for word in raw["words"])
    )


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


def _mixed_output(rows: Columns) -> Iterator[Finding]:
    products = text(rows, "service") == "material_products"
    methods = {method for method in text(rows, "method")[products] if method in _OUTPUTS}
    if len(methods) > 1:
        yield Finding("mixed_output", tuple(int(i) + 1 for i in np.flatnonzero(products)))


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
        heat = heats.get(rows["ecosystem"][i])
        if heat is None:
            continue
        power = number(rows, "physical")[i] * measure.quantity(rows["physical_unit"][i]).size
        days = implied_cooling_days(power, number(rows, "area_ha")[i], heat=np.asarray(float(heat)),
                                    efficiency=np.asarray(rules.number("gep.climate.cooling_efficiency")))
        if days > most:
            yield Finding("implied_days", (int(i) + 1,), (("days", f"{days:.0f}"),))


def _capital_cost(rows: Columns, rules: RuleSet) -> Iterator[Finding]:
    water = np.isin(text(rows, "service").astype(str), ("water_retention", "flood_mitigation"))
    hits: Sequence[int] = [int(i) + 1 for i in np.flatnonzero(water & ~np.isnan(number(rows, "price")))]
    if not hits or rows_of(rows) == 0:
        return
    rate, life = rules.number("gep.water_retention.discount_rate"), rules.number("gep.water_retention.reservoir_life")
    part = float(annual_cost(np.asarray(1.0), np.asarray(rate), np.asarray(life)))
    said = (("rate", f"{rate:.0%}"), ("years", f"{life:.0f}"), ("part", f"{part:.1%}"))
    yield Finding("capital_cost", tuple(hits), said)
