"""The scorecard is right by hand, the forest keeps its signs, and the simpler shape wins unless the gain is real."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_plan import SMALL

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from eco_credit.registry import Store
from training.benchmark_model import RIDGE, fit_scorecard, newton
from training.challengers import compare, fit_rivals, simpler_unless_real, verdict
from training.datasets import Tape, load_tape
from training.fit_pd import fit_pd
from training.metrics.ranking import Interval
from training.plan import Plan, plan_of
from training.split import Windows, split
from training.train import Setting, Trained, train
from training.woe_bins import FINEST, MOST, cuts, evidence, place


@pytest.fixture(scope="module")
def read(plan: Plan, tape: Columns) -> tuple[Tape, Windows]:
    loans = load_tape(plan, tape)
    return loans, split(loans.origination, loans.borrower, plan.split)


def test_weights_of_evidence_by_hand() -> None:
    # 4 bads (3 + 1), 8 goods (2 + 6), r = 1/3, half a row: ln(3.1667/4) - ln(2.3333/8) and ln(1.1667/4) - ln(6.3333/8)
    y = np.array([1.0] * 3 + [0.0] * 2 + [1.0] + [0.0] * 6)
    woe, information = evidence(np.repeat([0, 1], [5, 7]), y, np.ones(12), 3)
    first, second = np.log(3.1666667 / 4) - np.log(2.3333333 / 8), np.log(1.1666667 / 4) - np.log(6.3333333 / 8)
    assert woe.tolist() == pytest.approx([first, second, 0.0], abs=1e-6)  # an empty bin says nothing
    assert information == pytest.approx((3 / 4 - 2 / 8) * first + (1 / 4 - 6 / 8) * second, abs=1e-6)


@given(st.integers(0, 10_000), st.sampled_from([-1, 0, 1]))
@settings(max_examples=25, deadline=None)
def test_own_bins_follow_the_sign_and_are_few_and_large(seed: int, sign: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=400), int(rng.integers(0, 3)))
    y = (rng.random(400) < 0.1 + 0.3 * (np.sin(2 * x) > 0)).astype(float)
    found = cuts(x, y, np.ones(400), sign=sign, binning="own")
    bins = place(found, x)
    count = np.bincount(bins, minlength=len(found) + 1)
    assert len(found) < MOST and (len(found) == 0 or count.min() >= 400 / FINEST)
    assert (sign * np.diff(evidence(bins, y, np.ones(400), len(found) + 1)[0]) >= 0.0).all()


def test_bins_of_optbinning_follow_the_sign_and_come_out_the_same_twice() -> None:
    pytest.importorskip("optbinning", reason="needs the extra train")
    rng = np.random.default_rng(3)
    x = rng.normal(size=1_500)
    y = (rng.random(1_500) < 1.0 / (1.0 + np.exp(2.0 - x))).astype(float)
    first, again = (cuts(x, y, np.ones(1_500), sign=1, binning="optbinning") for _ in range(2))
    assert first.tobytes() == again.tobytes() and 2 <= len(first) < MOST
    assert (np.diff(evidence(place(first, x), y, np.ones(1_500), len(first) + 1)[0]) > 0.0).all()


def test_the_regression_solves_its_score_equations() -> None:
    rng = np.random.default_rng(1)
    x = np.vstack([np.ones(800), rng.normal(size=(2, 800))])
    w = rng.uniform(0.5, 2.0, 800)
    y = (rng.random(800) < 1.0 / (1.0 + np.exp(1.0 - x[1]))).astype(float)
    beta = newton(x, y, w)
    p = 1.0 / (1.0 + np.exp(-(beta @ x)))
    assert x @ (w * (y - p)) == pytest.approx(RIDGE * np.array([0.0, beta[1], beta[2]]), abs=1e-6)


def test_a_scorecard_scores_one_row_as_among_many_and_no_coefficient_speaks_against_its_bins(
    read: tuple[Tape, Windows],
) -> None:
    loans, windows = read
    card = fit_scorecard(loans, windows.in_time, binning="own")
    assert card.binning == "own" and len(card.inputs) >= 3 and all(item.coefficient >= 0.0 for item in card.inputs)
    many = card.logit(loans.columns)
    alone = [card.logit(loans.part(np.array([row])))[0] for row in range(40)]
    assert np.array(alone).tobytes() == many[:40].tobytes()


def test_a_forest_keeps_its_signs_and_every_shape_is_judged_on_the_same_rows(
    plan: Plan, read: tuple[Tape, Windows]
) -> None:
    loans, windows = read
    forest = {"rounds": 25, "patience": 5, "max_bin": 15, "min_rows": 40}
    asked = plan_of(SMALL | {"challengers": {"shapes": ["mains", "forest"], "forest": forest, "binning": "own"}})
    fitted = fit_pd(loans, windows, plan.pd, seed=plan.seed)
    score = fitted.table.score(loans.columns)
    card = fit_scorecard(loans, windows.in_time, binning="own")
    found = compare(loans, windows, score, fit_rivals(loans, windows, asked, plan.pd, card=card), least=0.01)
    assert list(found["shapes"]) == ["scorecard", "mains", "tables", "forest"]
    assert found["rows"] == len(windows.evaluate)
    sweep = found["shapes"]["forest"]["sweep"]
    assert sweep["violations"] == 0 and sweep["steps"] > 10_000 and found["shapes"]["forest"]["packaged"] is False
    steps = {(v["complex"], v["simple"]): v for v in found["verdicts"]}
    assert set(steps) == {("mains", "scorecard"), ("tables", "mains"), ("forest", "tables"), ("tables", "scorecard")}
    areas = {name: shape["auc"]["value"] for name, shape in found["shapes"].items()}
    for (rich, plain), step in steps.items():
        assert step["gain"]["value"] == pytest.approx(areas[rich] - areas[plain], abs=1e-12)


def test_the_sweep_finds_a_forest_that_breaks_a_sign(read: tuple[Tape, Windows]) -> None:
    from training.challengers import forest_parameters, sweep
    from training.fit_pd import fixed
    from training.plan import ForestFit

    loans, windows = read
    fit = ForestFit(max_bin=15)
    free = fixed(loans, windows.in_time, forest_parameters(fit, [0] * len(loans.inputs), 1), rounds=20)
    assert sweep(free, loans, windows.in_time)["violations"] > 0


@pytest.mark.parametrize(
    ("value", "low", "simple"),
    [(0.03, 0.01, False), (0.03, -0.001, True), (0.005, 0.004, True), (-0.02, -0.03, True), (0.01, 0.001, False)],
)
def test_the_simpler_shape_wins_unless_the_gain_is_large_enough_and_beyond_chance(
    value: float, low: float, simple: bool
) -> None:
    assert simpler_unless_real(Interval(value, low, 2 * value - low), 0.01) is simple


def test_a_shape_that_only_adds_noise_loses_and_one_that_adds_knowledge_wins() -> None:
    rng = np.random.default_rng(8)
    known, hidden = rng.normal(size=(2, 4_000))
    y = (rng.random(4_000) < 1.0 / (1.0 + np.exp(1.5 - known - hidden))).astype(float)
    noisy, wise = known + 0.1 * rng.normal(size=4_000), known + hidden
    for rich, wins in ((noisy, "plain"), (wise, "rich")):
        assert verdict(("rich", "plain"), (rich, known), y, np.ones(4_000), least=0.01).preferred == wins


def test_a_package_keeps_the_scorecard_and_the_figures_of_every_challenger(trained: Trained) -> None:
    gate = json.loads((trained.folder / "gate.json").read_text())["statistics"]
    assert gate["challengers"]["shapes"]["scorecard"]["binning"] == "own"
    assert gate["benchmark"]["auc"] == gate["challengers"]["shapes"]["scorecard"]["auc"]
    card = json.loads((trained.folder / "scorecard.json").read_text())
    table = json.loads((trained.folder / "pd.json").read_text())["benchmark"]["table"]  # what layer 6 compares with
    assert [grid["name"] for grid in table["grids"]] == [item["name"] for item in card["inputs"]]
    first = card["inputs"][0]
    assert table["mains"][0] == pytest.approx([first["coefficient"] * woe for woe in first["woe"]], abs=1e-15)
    assert card["inputs"] and {"thresholds", "woe", "coefficient"} <= set(card["inputs"][0])


def test_a_plan_asks_for_challengers_by_name() -> None:
    for wrong in ({"shapes": ["jungle"]}, {"forest": {"leaves": 64}}, {"forest": {"depth": 9}}, {"binning": "guess"}):
        with pytest.raises(ContractError, match="challengers"):
            plan_of(SMALL | {"challengers": wrong})


def test_bins_are_our_own_where_optbinning_is_not_installed(
    read: tuple[Tape, Windows], monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import woe_bins

    monkeypatch.setattr(woe_bins, "installed", lambda name: False)
    loans, windows = read
    few = replace(loans, inputs=loans.inputs[:3])
    assert fit_scorecard(few, windows.in_time).as_json() == fit_scorecard(few, windows.in_time, binning="own").as_json()


def test_a_training_with_optbinning_says_so_and_repeats(
    tape: Columns, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("optbinning", reason="needs the extra train")
    auto = plan_of(SMALL | {"pd": SMALL["pd"] | {"rounds": 12}, "challengers": {}})  # type: ignore[operator]
    done = [train(auto, tape, Setting(Store(tmp_path_factory.mktemp("home")), register=False)) for _ in range(2)]
    assert done[0].digest == done[1].digest
    assert "optbinning" in json.loads((done[0].folder / "manifest.json").read_text())["libraries"]
