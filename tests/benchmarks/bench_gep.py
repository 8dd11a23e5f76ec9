"""Parcels per CPU second: columns against a per-row pandas loop of the same formulas, ranges in both, one run.

python tests/benchmarks/bench_gep.py [--parcels 1000000] [--loop 300] [--ledger 20000]
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
DAY = "2026-11-23"
UNITS = {"material_products.price": "CNY/t", "material_products.physical": "t"}
TEXTS = {
    "ecosystem": ("conifer", "broadleaf", "mixed", "shrub"),
    "pest_control.item": ("forest", "grassland"),
    "water_supply.item": ("domestic", "industrial", "irrigation"),
}


def made_up(count: int) -> dict[str, Any]:
    """Every input column of every service, by chance within its bounds."""
    from eco_credit.gep import services
    from eco_credit.gep.service import Parameter

    own = {a.column for service in services().values() for step in service.steps for a in step.arguments.values()
           if isinstance(a, Parameter)}  # left blank, so that the rulebook's value and range are used
    chance = np.random.default_rng(20261123)
    table: dict[str, Any] = {"material_products.physical": chance.uniform(1.0, 50.0, count),
                             "material_products.price": chance.uniform(500.0, 5000.0, count)}
    for service in services().values():
        for one in service.inputs:
            top = 0.02 if one.maximum_rule else one.maximum if one.maximum is not None else 200.0
            if one.column in {"load_t", "capacity_t"}:
                for item in service.items:
                    table[f"{service.code}.{item.code}.{one.column}"] = chance.uniform(0.0, 5.0, count)
            elif one.unit != "text" and one.column not in own:
                table.setdefault(one.column, chance.uniform(0.2 * top, top, count))
    for name, codes in TEXTS.items():
        table[name] = np.array(codes, dtype=object)[chance.integers(0, len(codes), count)]
    table["stock_years"] = chance.uniform(1.0, 5.0, count)
    return table


class Loop:
    """One flow as a list of formulas on plain numbers, for one row at a time."""

    def __init__(self, sheet: Any) -> None:
        from eco_credit.gep.compute import ranged_rules

        self.sheet, self.rules = sheet, ranged_rules(sheet.service, sheet.rules)
        self.spread = sheet.rules.span(f"gep.spread.{sheet.service.code}")

    def argument(self, argument: Any, row: dict[str, Any], rule: str | None, side: int) -> float:
        """A number of the row, a listed choice, or a parameter."""
        from eco_credit.gep.compute import _span_of, span
        from eco_credit.gep.service import Choice

        if isinstance(argument, str):
            return row.get(argument, math.nan)
        if isinstance(argument, Choice):
            return argument.options.get(row.get(argument.column) or argument.default, math.nan)
        if argument.column is not None and not math.isnan(row.get(argument.column, math.nan)):
            return row[argument.column]
        place = side if argument.rule == rule else 1
        if argument.key is not None:
            return _span_of(self.sheet.rules.table(argument.rule).get(row.get(argument.key), math.nan))[place]
        return span(self.sheet.rules, argument.rule)[place]

    def value(self, given: dict[str, Any], rule: str | None = None, side: int = 1) -> tuple[float, bool]:
        """Value of one row with one rule at an end of its range, and whether its price was worked out."""
        from eco_credit.gep import measure
        from eco_credit.gep.compute import span

        row, priced = dict(given), False
        item = self.sheet.service.item(row.get("item") if self.sheet.item is None else self.sheet.item)
        code = item.code if item is not None else None
        for step in self.sheet.service.steps:
            if (step.items and code not in step.items) or not math.isnan(row.get(step.target, math.nan)):
                continue
            arguments = {n: self.argument(a, row, rule, side) for n, a in step.arguments.items()}
            if any(math.isnan(value) for value in arguments.values()):
                continue
            row[step.target] = float(step.formula(**arguments))
            priced |= step.target in {"price", "value"}
            if step.unit is not None:
                row[f"{step.target}_unit"] = step.unit
        if item is not None and item.price and math.isnan(row.get("price", math.nan)):
            row["price"] = span(self.sheet.rules, item.price)[side if item.price == rule else 1]
            row["price_unit"] = item.price_unit
            priced = True
        if not math.isnan(row.get("value", math.nan)):
            return row["value"], priced
        if row.get("physical_unit") is None or row.get("price_unit") is None:
            return math.nan, priced
        return row["physical"] * row["price"] * measure.factor(row["physical_unit"], row["price_unit"]), priced

    def ranged(self, row: dict[str, Any]) -> tuple[float, float, float]:
        """Value, low and high of one row."""
        value, priced = self.value(row)
        moves = [[self.value(row, rule, side)[0] - value for side in (0, 2)] for rule in self.rules]
        moves += [] if priced else [[value * part - value for part in (self.spread[0], self.spread[2])]]
        down = math.sqrt(sum(min(*pair, 0.0) ** 2 for pair in moves))
        return value, value - down, value + math.sqrt(sum(max(*pair, 0.0) ** 2 for pair in moves))


def loops(table: dict[str, Any]) -> tuple[list[tuple[Loop, dict[str, str]]], dict[str, str]]:
    """The flows of the column run, each with the columns it reads, and the units stated."""
    from eco_credit.gep.parcels import _plan, _sheet
    from eco_credit.gep.wide import read_wide
    from eco_credit.rulebook import load

    rules, wide = load().at(DAY), read_wide(table, UNITS)
    plan, _ = _plan(wide, rules, {"carbon": ["co2"]})
    made = []
    for code, items in plan.items():
        for item in items:
            sheet = _sheet(wide, rules, (code, item), slice(0, 2))
            columns = ["physical", "price", "value_cny", "item", *(one.column for one in sheet.service.inputs)]
            named = {column: wide.named(code, item or None, column) for column in columns}
            made.append((Loop(sheet), {column: name for column, name in named.items() if name is not None}))
    return made, dict(UNITS)


def per_row(table: dict[str, Any], count: int) -> tuple[float, np.ndarray]:
    """CPU seconds and totals of the loop over the first rows."""
    import pandas as pd

    flows, units = loops({name: cells[:count] for name, cells in table.items()})
    frame = pd.DataFrame({name: cells[:count] for name, cells in table.items()})
    start, totals = time.process_time(), []
    for _, row in frame.iterrows():
        total = 0.0
        for loop, named in flows:
            own = {column: row[name] for column, name in named.items()}
            own |= {f"{column}_unit": units[name] for column, name in named.items() if name in units}
            value, _, _ = loop.ranged(own)
            total += 0.0 if math.isnan(value) else value
        totals.append(total)
    return time.process_time() - start, np.array(totals)


def ledger(count: int) -> float:
    """CPU milliseconds a row of the ledger form."""
    from eco_credit.gep import account
    from eco_credit.rulebook import load

    rows = [{"service": "water_retention", "place": f"p{i}", "area_ha": 10.0 + i, "precipitation_mm": 900.0,
             "ecosystem": "meadow", "evapotranspiration_mm": 700.0} for i in range(count)]
    start = time.process_time()
    account(rows, rules=load().at(DAY))
    return 1e3 * (time.process_time() - start) / count


def main() -> None:
    """Print the figures as JSON."""
    from eco_credit.gep import parcels
    from eco_credit.rulebook import load

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parcels", type=int, default=1_000_000)
    parser.add_argument("--loop", type=int, default=300)
    parser.add_argument("--ledger", type=int, default=20_000)
    options = parser.parse_args()
    table, rules = made_up(options.parcels), load().at(DAY)
    loop_seconds, totals = per_row(table, options.loop)
    start = time.process_time()
    made = parcels(table, "tech-guide-2020", rules=rules, units=UNITS, items={"carbon": ["co2"]})
    seconds = time.process_time() - start
    whole = sum(np.nan_to_num(flow.value_cny[:options.loop]) for flow in made.flows)
    print(json.dumps({
        "parcels": options.parcels, "services": len({flow.service for flow in made.flows}), "flows": len(made.flows),
        "left_out": [notice.en for notice in made.warnings if notice.rule == "item_not_chosen"],
        "cpu_seconds": round(seconds, 2), "parcels_per_cpu_second": round(options.parcels / seconds),
        "loop_rows_per_cpu_second": round(options.loop / loop_seconds, 1),
        "ratio": round(options.parcels / seconds / (options.loop / loop_seconds)),
        "largest_relative_difference": float(np.max(np.abs(whole / totals - 1.0))),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "ledger_ms_per_row": round(ledger(options.ledger), 4),
    }))


if __name__ == "__main__":
    main()
