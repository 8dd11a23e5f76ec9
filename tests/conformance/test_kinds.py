"""What every kind of collateral must bring, whoever wrote it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from units_check import check_units

from eco_credit import valuation
from eco_credit.contracts import contract, example_application, flatten, read_application
from eco_credit.core.numbers import Columns, number, take
from eco_credit.core.units import STORED_UNITS
from eco_credit.rulebook import load, references
from eco_credit.valuation import PledgeValues, appraise_pledges, kinds

NAMES = sorted(kinds())
RULES = load().at("2026-11-23")
MONEY = (
    "low",
    "central",
    "high",
    "lending_value",
    "recovery_low",
    "recovery_central",
    "recovery_high",
    "entitled",
    "public_benefit",
    "right_months",
)


def listed(file: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load(
        (resources.files("eco_credit.scoring") / file).read_text(encoding="utf-8")
    )
    return found


def example(name: str, copies: int = 1) -> tuple[Columns, Columns]:
    """The contract's example application, several times over: pledges, and the loan row of each."""
    record = read_application(example_application(name))
    tables = flatten([record] * copies)
    pledges = tables.pledges[name]
    rows = number(pledges, "application_row")
    return pledges, take(tables.loans, rows.astype(np.intp)) | {"application_row": rows}


def appraise(name: str, tables: tuple[Columns, Columns]) -> PledgeValues:
    return appraise_pledges(kinds()[name], tables[0], loans=tables[1], rules=RULES)


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_has_a_contract_and_words_in_both_languages(name: str) -> None:
    kind = kinds()[name]
    assert contract(name).name == name == kind.name
    words = [
        (kind.zh, kind.en),
        *((a.zh, a.en) for a in kind.approaches),
        *((p.zh, p.en) for a in kind.approaches for p in a.parameters),
        *((s.zh, s.en) for a in kind.approaches for s in a.steps),
        *((f.zh, f.en) for f in kind.flags),
        *((g.zh, g.en) for g in kind.gates),
        *((h.zh, h.en) for h in kind.haircuts),
    ]
    assert all(zh and en and zh != en for zh, en in words)


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_has_the_rules_the_room_reads(name: str) -> None:
    kind = kinds()[name]
    for table in ("sale_factor", "sale_cost", "sale_months"):
        values = RULES.table(f"{kind.rules}.{table}")
        assert values["low"] <= values["central"] <= values["high"]
    assert set(RULES.table(f"valuation.entitlement.{name}").values()) <= {0.0, 1.0}
    for haircut in kind.haircuts:
        assert RULES.rule(haircut.rule).zh, haircut.name


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_has_at_least_one_case_with_a_source(name: str) -> None:
    folder = Path(__file__).parents[1] / "cases" / "collateral"
    cases = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.glob("*.yaml")]
    assert [case for case in cases if case["kind"] == name and case["source"]]


@pytest.mark.parametrize("name", NAMES)
def test_every_code_a_kind_may_give_is_listed_with_words_and_the_right_sign(name: str) -> None:
    kind, reasons, conditions = kinds()[name], listed("reason_codes.yaml"), listed("conditions.yaml")
    for code in {gate.code for gate in kind.gates} | {reason.code for reason in kind.reasons}:
        assert reasons[code]["zh"] and reasons[code]["en"], code
    for gate in kind.gates:
        assert reasons[gate.code]["sign"] in ("gate", "adverse"), gate.code
    for reason in kind.reasons:
        assert reasons[reason.code]["sign"] in ("adverse", "favourable"), reason.code
    for condition in kind.conditions:
        assert conditions[condition.code]["zh"] and conditions[condition.code]["en"], condition.code


@pytest.mark.parametrize("name", NAMES)
def test_the_features_of_a_kind_are_fields_of_the_loan_tape(name: str) -> None:
    tape = {field.name for field in contract("loan_tape").fields}
    assert set(appraise(name, example(name)).features) <= tape


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_kind_is_eligible_and_its_amounts_are_in_order(name: str) -> None:
    values = appraise(name, example(name))
    assert values.eligible.all()
    assert (values.low > 0.0).all() and (values.low <= values.central).all() and (values.central <= values.high).all()
    assert (values.lending_value > 0.0).all() and (values.lending_value < values.central).all()
    assert set(values.approach) <= {approach.code for approach in kinds()[name].approaches}


@pytest.mark.parametrize("name", NAMES)
def test_every_method_of_a_kind_names_its_source_and_reads_what_it_shows(name: str) -> None:
    for approach in kinds()[name].approaches:
        assert approach.ref in references(), approach.code
        figures = {parameter.name for parameter in approach.parameters} | {step.figure for step in approach.steps}
        for step in approach.steps:
            assert step.unit in STORED_UNITS, step.figure
            assert step.figure != "value", "the closing step is the value of the right, right_value"
        assert all(parameter.unit in STORED_UNITS for parameter in approach.parameters)
        assert len(figures) > 1


@pytest.mark.parametrize("name", NAMES)
def test_every_gate_of_a_kind_rests_on_a_text_and_a_statute_names_its_article(name: str) -> None:
    for gate in kinds()[name].gates:
        source = references()[gate.ref]
        assert source["zh"] and source["title"], gate.zh
        assert gate.rule is None or RULES.rule(gate.rule).zh, gate.zh
        if gate.ref in ("civil-code-2020", "forest-law-2019", "water-permit-regulation-2017"):
            assert gate.article, gate.zh


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_names_what_identifies_its_pledge_and_how_it_is_stressed(name: str) -> None:
    kind, fields = kinds()[name], {field.name for field in contract(name).fields}
    assert kind.key and set(kind.key) <= fields
    assert kind.concentration is None or kind.concentration in fields
    assert kind.stresses, "a pledge without a stress scenario is not understood"
    drivers = {driver for approach in kind.approaches for driver in approach.drivers}
    for scenario in kind.stresses:
        assert set(RULES.table(f"valuation.stress.{scenario}")) & drivers, scenario


@pytest.mark.parametrize("name", NAMES)
def test_one_application_gives_the_bytes_it_gives_among_many(name: str) -> None:
    alone, many = appraise(name, example(name)), appraise(name, example(name, copies=37))
    for column in MONEY:
        expected = np.tile(getattr(alone, column), 37)
        np.testing.assert_array_equal(getattr(many, column), expected, err_msg=column)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_rows_changes_no_byte(name: str) -> None:
    pledges, loans = example(name, copies=5)
    turned = np.arange(len(pledges["pledge_id"]))[::-1]
    straight, back = appraise(name, (pledges, loans)), appraise(name, (take(pledges, turned), take(loans, turned)))
    for column in MONEY:
        np.testing.assert_array_equal(getattr(back, column)[turned], getattr(straight, column), err_msg=column)


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_does_not_change_its_input(name: str) -> None:
    pledges, loans = example(name)
    before = {key: column.copy() for key, column in (pledges | loans).items()}
    appraise(name, (pledges, loans))
    for key, column in (pledges | loans).items():
        np.testing.assert_array_equal(column, before[key], err_msg=key)


def modules() -> Iterator[ModuleType]:
    """Every module of the room."""
    for found in pkgutil.walk_packages(valuation.__path__, f"{valuation.__name__}."):
        yield importlib.import_module(found.name)


def declared() -> list[object]:
    """Every formula of the room that declares its units."""
    return [
        function
        for module in modules()
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if hasattr(function, "__units__") and function.__module__ == module.__name__
    ]


@pytest.mark.parametrize("formula", declared(), ids=lambda f: f.__qualname__)
def test_a_formula_keeps_the_units_it_declares(formula: object) -> None:
    check_units(formula)  # type: ignore[arg-type]
