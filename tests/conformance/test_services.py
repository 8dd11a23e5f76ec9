"""What every ecosystem service must bring, whoever wrote it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from eco_credit.contracts import contract
from eco_credit.gep import account, services
from eco_credit.gep.compute import fill, rules_of
from eco_credit.gep.double_counting import _texts
from eco_credit.gep.measure import factor, quantity
from eco_credit.gep.parcels import parcels
from eco_credit.gep.prices import BASES, basis_of
from eco_credit.gep.reading import number_columns, text_columns
from eco_credit.gep.service import GROUPS, Choice, Parameter, Service
from eco_credit.gep.services import BUILT_IN
from eco_credit.rulebook import load
from tests.gep.service_samples import NAMES, SAMPLES
from tests.units_check import check_units, registry

RULES = load().at("2026-11-23")
NORM = "garze-paper"
each_service = pytest.mark.parametrize("service", BUILT_IN, ids=lambda service: service.code)
each_sample = pytest.mark.parametrize(("row", "scale"), SAMPLES, ids=NAMES)


def valued(rows: list[dict[str, Any]]) -> list[Any]:
    return list(account(rows, norm=NORM, rules=RULES).rows)


def parameters(service: Service) -> list[Parameter]:
    return [a for step in service.steps for a in step.arguments.values() if isinstance(a, Parameter)]


@each_service
def test_a_service_is_on_the_closed_list_and_speaks_both_languages(service: Service) -> None:
    codes = next(f for f in contract("gep_account").fields if f.name == "service").codes
    assert codes is None or service.code in codes
    assert service.group in GROUPS
    words = [(service.zh, service.en), *((i.zh, i.en) for i in service.items), *((i.zh, i.en) for i in service.inputs)]
    for zh, en in words:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in zh), en
        assert en and en.isascii()


@each_service
def test_a_service_reads_only_columns_it_declares(service: Service) -> None:
    declared = {one.column for one in service.inputs}
    assert declared <= set(number_columns()) | set(text_columns())
    for step in service.steps:
        for argument in step.arguments.values():
            if isinstance(argument, str):
                assert argument in declared, (service.code, argument)
            if isinstance(argument, Choice):
                assert argument.column in declared and argument.default in argument.options
            if isinstance(argument, Parameter):
                assert {argument.column, argument.key} - {None} <= declared, (service.code, argument)
        assert step.target in declared | {"physical", "price", "value"}


@each_service
def test_a_column_has_a_unit_that_is_read_and_is_the_same_in_every_service(service: Service) -> None:
    elsewhere = {one.column: one.unit for other in BUILT_IN for one in other.inputs}
    for one in service.inputs:
        if one.unit == "text":
            continue
        ours, theirs = registry().Quantity(1.0, one.unit), registry().Quantity(1.0, elsewhere[one.column])
        if one.column != "cooling_days":  # days, or days a year
            assert ours.dimensionality == theirs.dimensionality, one.column


@each_service
def test_every_rule_a_service_reads_exists_with_words_unit_and_source(service: Service) -> None:
    for name in rules_of(service) + tuple(p.rule for p in parameters(service)):
        rule = RULES.rule(name)
        assert rule.zh and rule.about and rule.unit and rule.ref, name
    low, central, high = RULES.span(f"gep.spread.{service.code}")
    assert low <= central <= high


@each_service
def test_every_price_of_the_rulebook_says_its_basis_and_its_year(service: Service) -> None:
    for item in service.items:
        if item.price is not None:
            basis = basis_of(RULES, item.price)
            assert basis.basis in BASES and 1990 <= basis.price_year <= 2026
            assert item.price_unit is not None
            low, central, high = _span(item.price)
            assert low <= central <= high


def _span(name: str) -> tuple[float, float, float]:
    value = RULES[name]
    if isinstance(value, float):
        return RULES.span(name)
    return value["low"], value["central"], value["high"]


@each_service
def test_every_formula_holds_its_units_and_names_its_equation(service: Service) -> None:
    formulas = {f.__name__: f for f in [*service.formulas, *(step.formula for step in service.steps)]}
    assert formulas, service.code
    for formula in formulas.values():
        check_units(formula, magnitudes=True)
        assert "``" in (formula.__doc__ or ""), formula.__name__


def test_every_service_and_item_with_steps_has_a_sample() -> None:
    sampled = {(row["service"], row["item"]) for row, _ in SAMPLES}
    for service in BUILT_IN:
        for item in service.items:
            assert (service.code, item.code) in sampled
        assert any(code == service.code for code, _ in sampled)


@each_sample
def test_a_computed_row_is_quantity_times_price_in_units_that_cancel(row: dict[str, Any], scale: str) -> None:
    flow = valued([row])[0]
    assert 0.0 < flow.value_cny < np.inf
    if flow.physical is not None and flow.price is not None:
        size = factor(flow.physical_unit, flow.price_unit)
        assert flow.value_cny == pytest.approx(flow.physical * flow.price * size, rel=1e-12)
        assert quantity(flow.physical_unit).kind


@each_sample
def test_a_computed_row_carries_a_range_around_its_value(row: dict[str, Any], scale: str) -> None:
    flow = valued([row])[0]
    assert flow.low <= flow.value_cny <= flow.high and flow.low < flow.high


@each_sample
def test_nothing_gives_nothing(row: dict[str, Any], scale: str) -> None:
    flow = valued([row | {scale: 0.0}])[0]
    assert flow.value_cny == flow.low == flow.high == 0.0


@each_sample
def test_more_is_never_worth_less(row: dict[str, Any], scale: str) -> None:
    sizes = [row[scale] * part for part in (0.01, 0.5, 0.999, 1.0, 1.001, 3.0, 1000.0)]
    flows = [valued([row | {scale: size}])[0] for size in sizes]
    for smaller, larger in pairwise(flows):
        assert smaller.value_cny < larger.value_cny
        assert smaller.high <= larger.high


@pytest.mark.parametrize("row", [row for row, _ in SAMPLES if row["service"] != "material_products"], ids=NAMES[1:])
def test_a_higher_price_is_never_worth_less(row: dict[str, Any]) -> None:
    first = valued([row])[0]
    stated = row | {"price_unit": first.price_unit}
    values = [valued([stated | {"price": first.price * part}])[0].value_cny for part in (0.0, 0.5, 1.0, 2.0)]
    assert values[0] == 0.0 and values == sorted(values) and values[3] == 2.0 * values[2]


def many() -> list[dict[str, Any]]:
    """Every sample several times, at several sizes, each in a place of its own."""
    parts = (1.0, 0.37, 12.9)
    return [
        row | {scale: row[scale] * part, "place": f"p{i}-{j}"}
        for j, part in enumerate(parts) for i, (row, scale) in enumerate(SAMPLES)
        if not (row["service"] == "carbon" and row["item"] == "carbon" and j)
    ]


def test_one_row_alone_has_the_bytes_it_has_among_many() -> None:
    rows = many()
    together = valued(rows)
    assert together == [valued([row])[0] for row in rows]


def test_the_order_of_rows_changes_no_row_and_no_total() -> None:
    rows = many()
    turned = [rows[i] for i in np.random.default_rng(3).permutation(len(rows))]
    first, second = account(rows, norm=NORM, rules=RULES), account(turned, norm=NORM, rules=RULES)
    assert first.total == second.total and first.by_service() == second.by_service()
    assert {f.place: f for f in first.rows} == {f.place: f for f in second.rows}


@each_sample
def test_a_column_of_ten_thousand_rows_is_filled_in_one_pass(row: dict[str, Any], scale: str) -> None:
    count = 10_000
    sizes = row[scale] * np.random.default_rng(5).uniform(0.1, 2.0, count)
    columns: dict[str, Any] = {
        name: np.full(count, value, dtype=object) if isinstance(value, str) else np.full(count, value)
        for name, value in (row | {"item": row["item"] or ""}).items()
    }
    columns[scale] = sizes
    service = services()[row["service"]]
    made = fill(service, columns, RULES)
    pick = [0, 4_999, 9_999]
    few = fill(service, {name: column[pick].copy() for name, column in columns.items()}, RULES)
    for name in ("physical", "price", "value"):
        if name in few.columns:
            assert np.array_equal(
                np.asarray(made.columns[name], float)[pick], np.asarray(few.columns[name], float), equal_nan=True
            )


def test_every_refusal_and_warning_of_the_guard_speaks_both_languages() -> None:
    for rule, raw in _texts().items():
        assert raw["severity"] in {"error", "warning"} and raw["en"].isascii(), rule
        assert any("\u4e00" <= letter <= "\u9fff" for letter in raw["zh"]), rule


@each_sample
def test_the_table_of_parcels_gives_what_the_ledger_gives(row: dict[str, Any], scale: str) -> None:
    flow = valued([row])[0]
    service, item = row["service"], row["item"]
    prefix = f"{service}." if services()[service].item(item) is None else f"{service}.{item}."
    inputs = {name: cell for name, cell in row.items() if name not in {"service", "item", "price_unit"}}
    columns = {prefix + name: [cell, cell] for name, cell in inputs.items()}
    chosen = {} if prefix == f"{service}." else {"items": {service: [item]}}
    units = {f"{prefix}price": row["price_unit"]} if "price" in row else {}
    made = parcels(columns, NORM, rules=RULES, units=units, **chosen).columns()
    assert made["total_cny"].tolist() == pytest.approx([flow.value_cny if flow.counted else 0.0] * 2, rel=1e-12)
