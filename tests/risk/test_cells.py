"""Counts of loans and defaults by kind and area: what a row's cell is, and what a defect in the table does."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_samples import bundle_files

from eco_credit.core.errors import ModelNotServable
from eco_credit.risk import ModelBundle
from eco_credit.risk.cells import Cells, benchmark_margin

TABLE: dict[str, Any] = {
    "area_digits": 4,
    "elsewhere": 0.5,
    "kinds": {
        "forest_right": {
            "loans": 140.0, "defaults": 9.0, "margin": 0.25,
            "areas": {"9901": {"loans": 100.0, "defaults": 7.0}, "9902": {"loans": 40.0, "defaults": 2.0}},
        },
        "order": {"loans": 60.0, "defaults": 6.0, "margin": 0.1, "areas": {"9903": {"loans": 60.0, "defaults": 6.0}}},
    },
}  # fmt: skip
ASKED = [
    ("forest_right", "990123", (100.0, 7.0, 0.25)),
    ("forest_right", "990199123456", (100.0, 7.0, 0.25)),  # a village lies in its prefecture
    ("forest_right", "990200", (40.0, 2.0, 0.25)),
    ("forest_right", "990300", (0.0, 0.0, 0.25)),  # orders were seen there, forests were not
    ("order", "990300", (60.0, 6.0, 0.1)),
    ("order", "110000", (0.0, 0.0, 0.1)),
    ("carbon", "990100", (0.0, 0.0, 0.5)),
]


def words(values: list[str | None]) -> np.ndarray:
    return np.array(values, dtype=object)


def test_a_row_finds_the_counts_of_its_own_kind_and_area() -> None:
    kinds, areas, expected = zip(*ASKED, strict=True)
    found = Cells.parse(TABLE, "cells").of(words(list(kinds)), words(list(areas)))
    assert list(zip(found.loans, found.defaults, found.margin, strict=True)) == list(expected)


def test_a_row_without_a_kind_has_no_cell_and_one_without_an_area_lies_in_none() -> None:
    found = Cells.parse(TABLE, "cells").of(words([None, "order"]), words(["990100", None]))
    assert np.isnan([found.loans[0], found.defaults[0], found.margin[0]]).all()
    assert (found.loans[1], found.defaults[1]) == (0.0, 0.0)


def test_a_table_without_areas_counts_by_kind_wherever_the_loan_is() -> None:
    table = copy.deepcopy(TABLE) | {"area_digits": None}
    for kind in table["kinds"].values():
        kind["areas"] = {}
    found = Cells.parse(table, "cells").of(words(["forest_right", "order"]), words(["110000", None]))
    assert (found.loans.tolist(), found.defaults.tolist()) == ([140.0, 60.0], [9.0, 6.0])


@given(st.lists(st.sampled_from(ASKED), min_size=1, max_size=9))
def test_a_row_alone_is_that_row_among_many(rows: list[Any]) -> None:
    cells = Cells.parse(TABLE, "cells")
    among = cells.of(words([r[0] for r in rows]), words([r[1] for r in rows]))
    for at, (kind, area, _) in enumerate(rows):
        alone = cells.of(words([kind]), words([area]))
        assert (alone.loans[0], alone.defaults[0], alone.margin[0]) == (
            among.loans[at], among.defaults[at], among.margin[at],
        )  # fmt: skip


@pytest.mark.parametrize(
    ("way", "value"),
    [
        (("area_digits",), 3),
        (("area_digits",), 2),
        (("elsewhere",), -0.1),
        (("kinds",), None),
        (("kinds", "order", "loans"), 5.0),  # below its 6 defaults
        (("kinds", "order", "margin"), "x"),
        (("kinds", "order", "areas", "9903", "defaults"), 61.0),
        (("kinds", "order", "areas"), {"99x3": {"loans": 1.0, "defaults": 0.0}}),
    ],
)
def test_a_defect_in_the_table_is_named_and_the_package_not_served(way: tuple[str, ...], value: Any) -> None:
    files = copy.deepcopy(bundle_files())
    files["support.json"]["cells"] = copy.deepcopy(TABLE)
    ModelBundle.parse(files)
    parent = files["support.json"]["cells"]
    for step in way[:-1]:
        parent = parent[step]
    parent[way[-1]] = value
    with pytest.raises(ModelNotServable):
        ModelBundle.parse(files)


@given(st.floats(0.0, 1.0), st.floats(0.0, 50.0))
def test_a_margin_never_lowers_the_scorecard_nor_takes_it_above_one(pd: float, margin: float) -> None:
    added = float(benchmark_margin(np.array([pd]), np.array([margin]))[0])
    assert 0.0 <= added <= 1.0 - pd + 1e-15
