"""Nested and flat applications are the same columns."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.contracts import (
    Applications,
    applications_from_columns,
    columns_of_frame,
    contract,
    example_application,
    flatten,
    flow_columns,
    frame_of_columns,
    pledge_kinds,
    read_application,
    to_flat,
)
from eco_credit.contracts.applications import flow_sums
from eco_credit.core.numbers import Columns, take


def assert_same(a: Columns, b: Columns) -> None:
    assert list(a) == list(b)
    for name, column in a.items():
        assert column.dtype == b[name].dtype, name
        np.testing.assert_array_equal(column, b[name], name)


def assert_equal(a: Applications, b: Applications) -> None:
    assert_same(a.loans, b.loans)
    assert list(a.pledges) == list(b.pledges)
    for kind in a.pledges:
        assert_same(a.pledges[kind], b.pledges[kind])


def several(sizes: list[list[str]]) -> list[dict]:
    """One application per list of kinds, in that order of pledges."""
    made = []
    for number, kinds in enumerate(sizes):
        application = copy.deepcopy(example_application(kinds[0]))
        pledges = [copy.deepcopy(example_application(kind)["pledges"][0]) for kind in kinds]
        application["application_id"] = f"APP-{number}"
        application["pledges"] = [pledge | {"pledge_id": f"P-{i}"} for i, pledge in enumerate(pledges)]
        made.append(read_application(application))
    return made


kinds_of = st.lists(st.lists(st.sampled_from(pledge_kinds()), min_size=1, max_size=4), min_size=1, max_size=5)


@given(sizes=kinds_of)
@settings(max_examples=40, deadline=None)
def test_nested_and_flat_forms_give_identical_arrays(sizes: list[list[str]]) -> None:
    applications = several(sizes)
    assert_equal(flatten(applications), applications_from_columns(to_flat(applications)))


@given(sizes=kinds_of)
@settings(max_examples=20, deadline=None)
def test_one_application_alone_is_that_application_among_many(sizes: list[list[str]]) -> None:
    applications = several(sizes)
    together = flatten(applications)
    for row, application in enumerate(applications):
        alone = flatten([application])
        assert_same(alone.loans, take(together.loans, np.array([row])))
        for kind, table in alone.pledges.items():
            mine = take(together.pledges[kind], np.flatnonzero(together.pledges[kind]["application_row"] == row))
            assert_same(table | {"application_row": mine["application_row"]}, mine)


def test_the_place_of_a_pledge_counts_within_its_application() -> None:
    both = flatten(several([["order", "water_right", "order"], ["water_right"]]))
    assert both.pledges["order"]["position"].tolist() == [0, 2]
    assert both.pledges["water_right"]["position"].tolist() == [1, 0]
    assert both.pledges["water_right"]["application_row"].tolist() == [0, 1]
    assert len(both) == 2
    assert "forest_right" not in both.pledges


def test_a_file_may_mix_the_rows_of_its_applications() -> None:
    flat = to_flat(several([["order", "order"], ["forest_right", "water_right"]]))
    mixed = applications_from_columns(take(flat, np.array([2, 0, 3, 1])))
    assert mixed.loans["application_id"].tolist() == ["APP-1", "APP-0"]
    assert mixed.pledges["order"]["application_row"].tolist() == [1, 1]
    assert mixed.pledges["order"]["position"].tolist() == [0, 1]


def test_columns_that_are_not_there_are_unknown() -> None:
    flat = to_flat(several([["forest_right"]]))
    few = {name: flat[name] for name in ("application_id", "kind", "pledge_id", "area")}
    made = applications_from_columns(few)
    assert np.isnan(made.loans["term_months"]).all()
    assert made.pledges["forest_right"]["species"].tolist() == [None]
    assert np.isnat(made.pledges["forest_right"]["contract_to"]).all()
    assert np.isnan(made.pledges["forest_right"]["gep_carbon_cny"]).all()


def test_flows_of_one_service_add_up_and_contracts_are_told_apart() -> None:
    flows = [{"service": "carbon", "value_cny": 100.0, "contracted": True}, {"service": "carbon", "value_cny": 20.0},
             {"service": "tourism", "value_cny": 7.0, "contracted": False}]
    assert flow_sums(flows) == {"gep_carbon_cny": 120.0, "gep_tourism_cny": 7.0, "gep_contracted_cny": 100.0}
    assert flow_sums([]) == {}
    assert len(flow_columns()) == 19


def test_identifiers_are_folded_the_same_way_in_both_forms() -> None:
    application = example_application("order")
    application["borrower"]["id_no"] = " 93999999-0000000197 "
    application["pledges"][0]["buyer_id"] = "９１９９９９９９２００００００２１c"
    read = [read_application(application)]
    for made in (flatten(read), applications_from_columns(to_flat(read))):
        assert made.loans["id_no"].tolist() == ["939999990000000197"]
        assert made.pledges["order"]["buyer_id"][0] == "91999999200000021C"


@pytest.mark.parametrize("with_types", [True, False])
def test_a_data_frame_and_back_are_the_same_columns(with_types: bool) -> None:
    source = contract("batch_input")
    flat = to_flat(several([["order"], ["forest_right", "water_right"]]))
    assert_same(flat, columns_of_frame(source, frame_of_columns(flat, source if with_types else None)))


def test_a_frame_read_from_a_file_is_the_same_columns(tmp_path) -> None:
    import pandas as pd

    source = contract("batch_input")
    flat = to_flat(several([["order"], ["forest_right", "water_right"]]))
    for frame in (frame_of_columns(flat), frame_of_columns(flat, source)):
        frame.to_parquet(tmp_path / "flat.parquet")
        assert_same(flat, columns_of_frame(source, pd.read_parquet(tmp_path / "flat.parquet")))
