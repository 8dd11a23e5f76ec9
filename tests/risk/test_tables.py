"""Table models: exact, additive, the same for one row as for many."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from risk_samples import ltv_table, random_model, random_rows

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import ModelNotServable
from eco_credit.risk import Grid, PairTable, TableModel, monotone_violations, table_from_json, table_to_json
from eco_credit.risk.monotone import worst_steps
from eco_credit.risk.tables import TableStack

SEEDS = st.integers(0, 2**32 - 1)


def bin_by_hand(grid: Grid, value: float) -> int:
    """LightGBM's rule, one comparison at a time: x <= t goes left; unknown has the last bin."""
    if np.isnan(value):
        return grid.bins - 1
    return sum(1 for threshold in grid.thresholds if value > threshold)


def score_by_hand(model: TableModel, columns: dict[str, np.ndarray], row: int) -> float:
    bins = [bin_by_hand(grid, columns[grid.name][row]) for grid in model.grids]
    mains = sum(float(main[k]) for main, k in zip(model.mains, bins, strict=True))
    return model.intercept + mains + sum(float(p.values[bins[p.a], bins[p.b]]) for p in model.pairs)


@given(SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_score_is_the_sum_of_the_looked_up_values(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    columns = random_rows(rng, model, 50)
    by_hand = [score_by_hand(model, columns, row) for row in range(50)]
    assert np.abs(model.score(columns) - by_hand).max() <= 1e-12


def test_a_value_on_a_threshold_goes_left_and_unknown_has_a_bin_of_its_own() -> None:
    model = TableModel(0.0, (Grid("x", np.array([1.0, 2.0])),), (np.array([10.0, 20.0, 30.0, 99.0]),), ())
    values = np.array([1.0, np.nextafter(1.0, 2.0), 2.0, 2.5, -np.inf, np.inf, np.nan])
    assert model.score({"x": values}).tolist() == [10.0, 20.0, 20.0, 30.0, 10.0, 30.0, 99.0]


@pytest.mark.parametrize("rows", [1, 8, 9, 341, 342, 1500])
def test_models_read_in_one_pass_have_the_bits_they_have_alone(rows: int) -> None:
    rng = np.random.default_rng(rows)
    models = (
        random_model(rng, features=24, pairs=100),
        random_model(rng, features=5, pairs=3),  # the same names with other thresholds
        TableModel(0.25, (), (), ()),
    )
    columns = random_rows(rng, models[0], rows)
    for model, (score, shares) in zip(models, TableStack(models).parts(columns), strict=True):
        own_score, own_shares = model.parts(columns)
        assert score.tobytes() == own_score.tobytes()
        assert np.ascontiguousarray(shares).tobytes() == np.ascontiguousarray(own_shares).tobytes()


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 8, 9, 1023, 1024, 1025, 2500])
def test_one_row_alone_has_the_bits_it_has_among_many(rows: int) -> None:
    rng = np.random.default_rng(rows)
    # many pairs on one feature: a pairwise sum of more than eight terms would differ between one row and many
    model = random_model(rng, features=24, pairs=200)
    columns = random_rows(rng, model, rows)
    score, shares = model.parts(columns)
    for row in {0, rows // 2, rows - 1}:
        alone = {name: column[row : row + 1] for name, column in columns.items()}
        one_score, one_shares = model.parts(alone)
        assert one_score.tobytes() == score[row : row + 1].tobytes()
        assert one_shares[:, 0].tobytes() == np.ascontiguousarray(shares[:, row]).tobytes()


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_contributions_added_one_by_one_are_the_score_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, features=12, pairs=30)
    columns = random_rows(rng, model, 20)
    total = np.full(20, model.intercept)
    for share in model.contributions(columns).values():
        total = total + share
    assert total.tobytes() == model.score(columns).tobytes()


def test_a_pair_is_shared_in_halves() -> None:
    row = {"ltv": np.array([0.6]), "term_cover": np.array([1.0])}
    # 0.25 + 0.2 / 2 and 0.2 + 0.2 / 2
    shares = ltv_table().contributions(row)
    assert (shares["ltv"][0], shares["term_cover"][0]) == pytest.approx((0.35, 0.3))


def test_a_model_without_features_is_its_intercept() -> None:
    assert TableModel(0.3, (), (), ()).score({"x": np.zeros(3)}).tolist() == [0.3, 0.3, 0.3]


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_json_keeps_every_bit(seed: int) -> None:
    model = random_model(np.random.default_rng(seed))
    back = table_from_json(json.loads(canonical_json(table_to_json(model))))
    assert back.names == model.names and float(back.intercept).hex() == float(model.intercept).hex()
    assert all(a.thresholds.tobytes() == b.thresholds.tobytes() for a, b in zip(back.grids, model.grids, strict=True))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(back.mains, model.mains, strict=True))
    assert all(a.values.tobytes() == b.values.tobytes() for a, b in zip(back.pairs, model.pairs, strict=True))


DEFECTS = {
    "thresholds out of order": lambda d: d["grids"][0].update(thresholds=[2.0, 1.0]),
    "a threshold twice": lambda d: d["grids"][0].update(thresholds=[1.0, 1.0]),
    "a threshold that is text": lambda d: d["grids"][0].update(thresholds=["0.5"]),
    "a threshold that is true": lambda d: d["grids"][0].update(thresholds=[True]),
    "a threshold that is infinite": lambda d: d["grids"][0].update(thresholds=[float("inf")]),
    "an unknown feature": lambda d: d["grids"][0].update(name="village"),
    "a feature twice": lambda d: d["grids"][1].update(name="ltv"),
    "a main table too short": lambda d: d["mains"][0].pop(),
    "a main table too few": lambda d: d["mains"].pop(),
    "a value that is not a number": lambda d: d["mains"][0].__setitem__(0, float("nan")),
    "a value of four hundred digits": lambda d: d["mains"][0].__setitem__(0, 10**400),
    "a pair of the wrong shape": lambda d: d["pairs"][0]["values"].pop(),
    "a pair row of the wrong length": lambda d: d["pairs"][0]["values"][0].append(0.0),
    "a pair turned round": lambda d: d["pairs"][0].update(a="term_cover", b="ltv"),
    "a pair of one feature": lambda d: d["pairs"][0].update(b="ltv"),
    "a pair twice": lambda d: d["pairs"].append(d["pairs"][0]),
    "a pair without a grid": lambda d: d["pairs"][0].update(b="dscr"),
    "no intercept": lambda d: d.pop("intercept"),
    "grids that are no list": lambda d: d.update(grids={"0": 1}),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_in_the_tables_is_refused(defect: str) -> None:
    data = copy.deepcopy(table_to_json(ltv_table()))
    table_from_json(data, known=["ltv", "term_cover", "dscr"])
    DEFECTS[defect](data)
    with pytest.raises(ModelNotServable):
        table_from_json(data, known=["ltv", "term_cover", "dscr"])


def test_a_model_that_follows_its_signs_is_proved_monotone() -> None:
    model = ltv_table()
    assert monotone_violations(model, "ltv", 1) == ()
    assert monotone_violations(model, "term_cover", -1) == ()
    assert monotone_violations(model, "not_used", 1) == ()


def test_a_planted_violation_in_one_corner_of_a_pair_is_found() -> None:
    model = ltv_table()
    pair = model.pairs[0].values.copy()
    # only where term_cover is unknown does the score now fall with LTV: 0.5 + (0 - 0.6) = -0.1
    pair[0, 2] = 0.6
    broken = TableModel(model.intercept, model.grids, model.mains, (PairTable(0, 1, pair),))
    (found,) = monotone_violations(broken, "ltv", 1)
    assert found.threshold == 0.5
    assert found.step == pytest.approx(-0.1)


@given(SEEDS, st.sampled_from([1, -1]))
@settings(max_examples=30, deadline=None)
def test_the_proof_gives_the_worst_step_over_all_contexts(seed: int, sign: int) -> None:
    rng = np.random.default_rng(seed)
    model = random_model(rng, features=3, pairs=3, thresholds=5)
    grids = model.grids
    if not len(grids[1].thresholds):
        return
    middles = [np.array([*(g.thresholds if len(g.thresholds) else [0.0]), 99.0, np.nan]) for g in grids]
    first, last = np.meshgrid(middles[0], middles[2])
    worst = []
    for low, high in zip(middles[1][:-2], middles[1][1:-1], strict=True):
        ends = [
            model.score({"f0": first.ravel(), "f1": np.full(first.size, at), "f2": last.ravel()}) for at in (low, high)
        ]
        worst.append((sign * (ends[1] - ends[0])).min())
    assert worst_steps(model, "f1", sign) == pytest.approx(worst, abs=1e-12)


def test_a_sign_of_zero_has_no_proof() -> None:
    with pytest.raises(ValueError, match="sign"):
        worst_steps(ltv_table(), "ltv", 0)
