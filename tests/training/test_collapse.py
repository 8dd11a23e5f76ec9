"""The collapse of a booster into tables is exact, purification keeps the sum, the proof is a proof."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from eco_credit.risk.tables import Grid, PairTable, TableModel
from training.collapse import collapse
from training.proof import prove
from training.purify import additive_part, bin_of, floored, marginal, purify

NAMES = ("a", "b", "c", "d")
SIGNS = {"a": 1, "b": -1, "c": 0, "d": 0}


def table(rows: int, seed: int = 0, missing: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, len(NAMES)))
    x[:, 3] = rng.integers(0, 4, size=rows)
    x[rng.random(x.shape) < missing] = np.nan
    return x


def columns(x: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.ascontiguousarray(x[:, i]) for i, name in enumerate(NAMES)}


def booster(
    objective: str = "binary", depth: int = 2, missing: float = 0.1, **more: object
) -> tuple[lgb.Booster, np.ndarray]:
    x = table(2_000, missing=missing)
    z = np.nan_to_num(x)
    signal = z[:, 0] - z[:, 1] + z[:, 0] * z[:, 2] + 0.5 * (z[:, 3] == 2)
    rng = np.random.default_rng(1)
    y = (signal + rng.logistic(size=len(x)) > 0) if objective == "binary" else signal + rng.normal(size=len(x))
    # LightGBM has no monotone constraints for its quantile objective
    free = {} if objective == "quantile" else {
        "monotone_constraints": list(SIGNS.values()), "monotone_constraints_method": "basic",
    }  # fmt: skip
    parameters = {
        "objective": objective, "max_depth": depth, "num_leaves": 2**depth, "learning_rate": 0.1, "verbose": -1,
        "num_threads": 1, "deterministic": True, "seed": 3, **free, **more,
    }  # fmt: skip
    data = lgb.Dataset(x, y.astype(float), feature_name=list(NAMES))
    return lgb.train(parameters, data, 80), x


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("objective", ["binary", "regression", "quantile"])
def test_the_collapsed_sum_is_the_raw_score_of_the_booster(objective: str, depth: int, missing: float) -> None:
    model, _ = booster(objective, depth, missing)
    fresh = table(3_000, seed=9, missing=0.2) * 1.7
    raw = model.predict(fresh, raw_score=True)
    assert np.abs(collapse(model.dump_model()).score(columns(fresh)) - raw).max() < 1e-12


def test_missing_values_unseen_in_training_go_where_zero_goes() -> None:
    model, _ = booster(missing=0.0)
    tables = collapse(model.dump_model())
    gone, zero = np.full((1, 4), np.nan), np.zeros((1, 4))
    assert tables.score(columns(gone)) == tables.score(columns(zero))
    assert model.predict(gone, raw_score=True) == model.predict(zero, raw_score=True)


def test_a_value_on_a_threshold_goes_left_as_in_the_booster() -> None:
    model, _ = booster()
    tables = collapse(model.dump_model())
    for grid in tables.grids:
        rows = np.zeros((len(grid.thresholds), 4))
        rows[:, NAMES.index(grid.name)] = grid.thresholds
        assert np.abs(tables.score(columns(rows)) - model.predict(rows, raw_score=True)).max() < 1e-12


def test_a_tree_deeper_than_two_features_is_refused() -> None:
    model, _ = booster(depth=3)
    with pytest.raises(ValueError, match="deeper than two"):
        collapse(model.dump_model())


def test_a_random_forest_is_refused() -> None:
    model, _ = booster(boosting="rf", bagging_freq=1, bagging_fraction=0.5)
    with pytest.raises(ValueError, match="averaged"):
        collapse(model.dump_model())


def test_purification_keeps_the_sum_everywhere() -> None:
    model, x = booster()
    tables = collapse(model.dump_model())
    pure = purify(tables, columns(x), np.ones(len(x)))
    fresh = columns(table(3_000, seed=5, missing=0.3) * 2.0)
    assert np.abs(pure.score(fresh) - tables.score(fresh)).max() < 1e-12


def test_purified_tables_have_zero_weighted_margins_and_means() -> None:
    model, x = booster()
    weight = np.random.default_rng(2).uniform(0.5, 3.0, len(x))
    pure = purify(collapse(model.dump_model()), columns(x), weight)
    bins = [bin_of(grid, columns(x)) for grid in pure.grids]
    assert len(pure.pairs) >= 3
    for pair in pure.pairs:
        cells = pair.values
        joint = np.zeros(cells.shape)
        np.add.at(joint, (bins[pair.a], bins[pair.b]), weight)
        joint = floored(joint, weight)
        assert np.abs((joint * cells).sum(axis=0)).max() < 1e-8 * joint.sum()
        assert np.abs((joint * cells).sum(axis=1)).max() < 1e-8 * joint.sum()
    for grid, rows, main in zip(pure.grids, bins, pure.mains, strict=True):
        share = marginal(grid, rows, weight)
        assert abs((share * main).sum() / share.sum()) < 1e-12


def test_a_table_that_is_a_plain_sum_leaves_no_interaction() -> None:
    u, v = np.array([1.0, -2.0, 4.0]), np.array([0.5, 3.0])
    rows, cols = additive_part(u[:, None] + v[None, :], np.array([[1.0, 2.0], [5.0, 1.0], [2.0, 2.0]]))
    assert np.allclose(rows[:, None] + cols[None, :], u[:, None] + v[None, :], atol=1e-12)


def test_an_exclusive_or_with_even_weights_is_pure_interaction() -> None:
    rows, cols = additive_part(np.array([[1.0, -1.0], [-1.0, 1.0]]), np.ones((2, 2)))
    assert np.allclose(rows, 0.0) and np.allclose(cols, 0.0)


def test_the_proof_finds_no_step_against_the_sign_in_a_constrained_booster() -> None:
    model, x = booster()
    tables = purify(collapse(model.dump_model()), columns(x), np.ones(len(x)))
    proof = prove(tables, SIGNS)
    assert proof.violations == 0 and proof.steps > 20 and proof.worst > -1e-12


def test_the_proof_finds_a_step_that_falls_in_one_context_only() -> None:
    # main rises by 1; the pair takes 2 away when the partner is in its last known bin
    grids = (Grid("p", np.array([0.0])), Grid("q", np.array([0.0])))
    pair = np.array([[0.0, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 0.0]])
    tables = TableModel(0.0, grids, (np.array([0.0, 1.0, 0.0]), np.zeros(3)), (PairTable(0, 1, pair),))
    proof = prove(tables, {"p": 1, "q": 0})
    assert proof.violations == 1 and proof.by_feature == {"p": -1.0}
