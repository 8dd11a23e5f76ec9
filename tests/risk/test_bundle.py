"""The bundle: estimates, scale, reasons, support, refusal of defects."""

from __future__ import annotations

import copy
import math
import sys
from typing import Any

import numpy as np
import pytest
from risk_samples import bundle_files, sample_rows

from eco_credit.core.errors import ModelNotServable
from eco_credit.risk import ModelBundle, scale_from_rules
from eco_credit.risk.estimate import NUMBERS
from eco_credit.risk.explain import consistent
from eco_credit.risk.scorecard import Scale
from eco_credit.rulebook import load


def estimate(rows: dict[str, Any] | None = None) -> Any:
    rows = sample_rows() if rows is None else rows
    n = len(rows["ltv"])
    bundle = ModelBundle.parse(bundle_files())
    return bundle, bundle.estimate(rows, collateral_value=np.full(n, 100.0), exposure=np.full(n, 100.0))


def one_row(**values: float) -> dict[str, np.ndarray]:
    row = {"ltv": 0.4, "term_cover": 2.0, "forest_stock": 100.0, "share_forest": 1.0} | values
    return {name: np.array([value]) for name, value in row.items()}


def test_the_pd_of_a_row_by_hand() -> None:
    _, est = estimate()
    # row 1: LTV 0.6, cover 1.0: raw -3 + 0.25 + 0.2 + 0.2 = -2.35; logit 0.1 + 1.1 * -2.35 = -2.485
    assert est.logit[1] == pytest.approx(-2.485, abs=1e-12)
    assert est.pd[1] == pytest.approx(1.0 / (1.0 + math.exp(2.485)), rel=1e-12)
    assert est.expected_loss_rate[1] == pytest.approx(est.pd[1] * 0.32)


def test_one_row_alone_has_the_bits_it_has_among_many() -> None:
    rows = sample_rows()
    _, many = estimate(rows)
    for i in range(5):
        _, one = estimate({name: column[i : i + 1] for name, column in rows.items()})
        for name in NUMBERS:
            assert getattr(one, name).tobytes() == getattr(many, name)[i : i + 1].tobytes(), name
        assert one.grade[0] == many.grade[i]


def test_the_pd_lies_within_its_range() -> None:
    _, est = estimate()
    assert ((est.pd_low <= est.pd) & (est.pd <= est.pd_high)).all()


def test_contributions_add_up_to_the_distance_from_the_reference() -> None:
    _, est = estimate()
    # reference: raw -3 - 0.25 - 0.2 = -3.45; logit 0.1 + 1.1 * -3.45 = -3.695
    total = sum(est.contributions.values())
    assert total == pytest.approx(est.logit + 3.695, abs=1e-12)


def test_contributions_are_those_of_the_tables_times_the_platt_slope() -> None:
    _, est = estimate()
    # LTV: 1.1 * (0.25 + 0.1 + 0.25) = 0.66; cover: 1.1 * (0.2 + 0.1 + 0.2) = 0.55
    assert (est.tellable["ltv"][1], est.tellable["term_cover"][1]) == pytest.approx((0.66, 0.55))


def test_a_value_better_than_the_reference_is_no_adverse_reason() -> None:
    share, value = np.array([0.3, 0.3, -0.3]), np.array([0.4, 0.6, 0.4])
    # sign +: at 0.4, below the reference 0.5, only relief may be told
    assert consistent(share, value, 0.5, 1).tolist() == [0.0, 0.3, -0.3]
    assert consistent(share, np.full(3, np.nan), 0.5, 1).tolist() == [0.3, 0.3, -0.3]
    assert consistent(share, value, 0.5, 0).tolist() == [0.3, 0.3, -0.3]


def test_points_by_arithmetic() -> None:
    scale = Scale.parse(bundle_files()["scale.json"])
    # odds 50: 600; odds 100: one doubling better, 620; odds 25: 580
    assert scale.points(np.array([1 / 51, 1 / 101, 1 / 26])).tolist() == [600.0, 620.0, 580.0]
    assert scale.points_per_logit == pytest.approx(20.0 / math.log(2.0))


def test_points_grade_and_pd_never_disagree() -> None:
    scale = Scale.parse(scale_from_rules(load().at("2026-11-23")))
    pd = np.sort(np.random.default_rng(3).uniform(0.0005, 0.9999, 4000))
    places = [scale.grades.index(grade) for grade in scale.grade(pd)]
    assert (np.diff(places) >= 0).all() and (np.diff(scale.points(pd)) <= 0.0).all()
    assert scale.grade(np.array([scale.upper_pd[0], np.nan])).tolist() == [scale.grades[0], None]


def test_the_distance_from_the_scorecard_beside_the_model_by_hand() -> None:
    files = copy.deepcopy(bundle_files())
    rows = sample_rows()
    plain = ModelBundle.parse(files).estimate(rows, collateral_value=np.full(5, 100.0), exposure=np.full(5, 100.0))
    assert np.isnan(plain.disagreement).all()
    grid = {"name": "ltv", "thresholds": [0.5]}
    card = {"intercept": -2.0, "grids": [grid], "mains": [[-0.5, 0.5, 0.0]], "pairs": []}
    line = {"intercept": 0.25, "slope": 2.0, "floor": 0.001, "ceiling": 0.9}
    files["pd.json"]["benchmark"] = {"table": card, "platt": line}
    found = ModelBundle.parse(files).estimate(rows, collateral_value=np.full(5, 100.0), exposure=np.full(5, 100.0))
    # row 1: LTV 0.6: 0.25 + 2 * (-2 + 0.5) = -2.75 against -2.485
    assert found.disagreement[1] == pytest.approx(0.265, abs=1e-12)
    assert all(getattr(found, name).tobytes() == getattr(plain, name).tobytes() for name in NUMBERS)
    files["pd.json"]["benchmark"]["table"]["grids"][0]["name"] = "colour"
    with pytest.raises(ModelNotServable):
        ModelBundle.parse(files)


def test_a_row_like_training_is_in_scope() -> None:
    _, est = estimate(one_row())
    assert not est.out_of_scope[0]


@pytest.mark.parametrize(
    ("values", "finding"),
    [
        # range 0.1-0.9, slack 0.08: 0.97 is inside, 0.99 is not
        ({"ltv": 0.99, "term_cover": 2.0}, "outside"),
        ({"ltv": math.inf}, "unseen"),
        # ltv carries 0.6 of a gain of 1.0
        ({"ltv": math.nan}, "thin"),
        # (5 * 0.35)**2 + 2.2**2 = 7.90: 3 of 199 distances as far, p = 4 / 200 = 0.02
        ({"ltv": 0.85, "term_cover": 4.2}, "odd"),
    ],
)
def test_a_row_unlike_training_is_referred(values: dict[str, float], finding: str) -> None:
    _, est = estimate(one_row(**values))
    assert getattr(est.support, finding)[0] and est.refer[0] and est.out_of_scope[0]
    assert not est.refused[0] and not np.isnan(est.pd[0])


def test_a_value_within_the_tolerance_is_in_range() -> None:
    _, est = estimate(one_row(ltv=0.97))
    assert not est.support.outside[0]


def test_a_feature_of_another_kind_is_not_missing_evidence() -> None:
    _, est = estimate(one_row(forest_stock=math.nan, share_forest=0.0))
    assert est.support.missing_share[0] == 0.0
    _, est = estimate(one_row(forest_stock=math.nan, share_forest=1.0))
    assert est.support.missing_share[0] == pytest.approx(0.2)


def test_a_refused_row_has_no_pd_and_nothing_to_tell() -> None:
    _, est = estimate(one_row(ltv=0.95, term_cover=5.2))
    # (5 * 0.45)**2 + 3.2**2 = 15.3, further than every calibration row: p = 1 / 200
    assert est.refused[0] and est.support.novelty[0] == pytest.approx(0.005)
    assert all(np.isnan(getattr(est, name)[0]) for name in NUMBERS)
    assert est.grade[0] is None and not any(share[0] for share in est.tellable.values())


def test_a_refused_row_leaves_its_neighbours_alone() -> None:
    rows = {
        name: np.append(column, bad)
        for (name, column), bad in zip(sample_rows().items(), (0.95, 5.2, 100.0, 1.0), strict=True)
    }
    _, many = estimate(rows)
    _, alone = estimate()
    assert many.pd[:5].tobytes() == alone.pd.tobytes() and np.isnan(many.pd[5])


def test_a_wide_range_is_flagged() -> None:
    _, est = estimate()
    for least in (0.05, 0.01, 0.0):
        assert est.wide(least).tolist() == [
            bool(h - low > max(least, p)) for low, p, h in zip(est.pd_low, est.pd, est.pd_high, strict=True)
        ]


def test_a_code_never_seen_in_training_is_referred() -> None:
    files = bundle_files()
    files["features.json"]["features"][2]["levels"] = {"011": 1.0, "022": 2.0}
    row = one_row() | {"forest_stock": np.array(["033"], dtype=object)}
    est = ModelBundle.parse(files).estimate(row, collateral_value=np.ones(1), exposure=np.ones(1))
    assert est.support.unseen[0] and est.refer[0]


def test_a_feature_that_is_not_computed_is_named() -> None:
    rows = sample_rows()
    del rows["forest_stock"]
    with pytest.raises(ModelNotServable, match="forest_stock"):
        estimate(rows)


def deep(files: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split("/")
    for step in way:
        files = files[int(step)] if isinstance(files, list) else files[step]
    files[int(last) if isinstance(files, list) else last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("features.json/features/0/name", "term_cover"),
        ("features.json/features/0/monotone", 0.5),
        ("features.json/features/0/family", "weather"),
        ("features.json/features/2/applies", "share_water"),
        ("features.json/features", []),
        ("pd.json/horizon_months", 0),
        ("pd.json/table/grids/0/name", "village"),
        ("pd.json/venn_abers/p1", [1.0]),
        ("scale.json/grades/2/upper_pd", 0.9),
        ("scale.json/grades/1/code", "A"),
        ("scale.json/points/base_odds", 0),
        ("support.json/features/ltv/low", 2.0),
        ("support.json/joint/whiten", [[1.0, 0.0]]),
        ("support.json/joint/names", ["ltv", "village"]),
        ("support.json/joint/distances", [2.0, 1.0]),
        ("reference.json/profile", {"ltv": 0.5}),
        ("reference.json/profile/ltv", "0.5"),
        ("lgd.json/band/offsets/band", {}),
    ],
)
def test_a_defect_anywhere_is_refused(path: str, value: Any) -> None:
    files = copy.deepcopy(bundle_files())
    deep(files, path, value)
    with pytest.raises(ModelNotServable):
        ModelBundle.parse(files)


@pytest.mark.parametrize("name", sorted(bundle_files()))
def test_a_missing_file_is_refused(name: str) -> None:
    files = bundle_files()
    del files[name]
    with pytest.raises(ModelNotServable, match=name):
        ModelBundle.parse(files)


def test_estimating_needs_no_model_library() -> None:
    import subprocess

    code = (
        "import sys; import eco_credit.registry;"
        "heavy = {'mlflow', 'lightgbm', 'sklearn', 'pandas', 'scipy'} & {m.split('.')[0] for m in sys.modules};"
        "sys.exit(','.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
