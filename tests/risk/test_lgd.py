"""LGD by arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_samples import bundle_files, sample_rows

from eco_credit.core.errors import ModelNotServable
from eco_credit.risk import regulatory_lgd
from eco_credit.risk.expected_loss import expected_loss
from eco_credit.risk.lgd import LgdHead, composed_lgd, covered, lgd_star
from eco_credit.rulebook import load

ratios = st.floats(0.0, 2.0)
NAMES = ["ltv", "term_cover", "forest_stock", "share_forest"]


def test_lgd_is_composed_of_cure_and_sale() -> None:
    # 1 - (0.2 + 0.8 * (0.5 * 90 / 100 + 0.1)) = 1 - 0.64
    cover = covered(np.array([0.5]), np.array([90.0]), np.array([100.0]))
    assert composed_lgd(np.array([0.2]), cover, np.array([0.1]))[0] == pytest.approx(0.36)


def test_more_collateral_than_debt_recovers_no_more_than_the_debt() -> None:
    assert composed_lgd(np.array([0.0]), np.array([3.0]), np.array([0.5])).tolist() == [0.0]


@given(st.floats(0.0, 1.0), ratios, ratios, st.floats(0.0, 0.5))
def test_lgd_lies_in_the_unit_interval_and_never_rises_with_cover(c: float, v: float, o: float, more: float) -> None:
    one = composed_lgd(np.array([c]), np.array([v]), np.array([o]))[0]
    two = composed_lgd(np.array([c]), np.array([v + more]), np.array([o]))[0]
    assert 0.0 <= two <= one <= 1.0


def test_the_range_of_lgd_comes_from_the_range_of_the_sale() -> None:
    head = LgdHead.parse(bundle_files()["lgd.json"], NAMES)
    value, owed = np.full(5, 100.0), np.full(5, 100.0)
    found = head.estimate(sample_rows(), value, owed)
    # central 0.5: 1 - (0.2 + 0.8 * 0.6) = 0.32; good sale 0.82: 1 - (0.2 + 0.8 * 0.92)
    # poor sale 0.28: 1 - (0.2 + 0.8 * 0.38)
    assert found.lgd == pytest.approx(np.full(5, 0.32))
    assert found.low == pytest.approx(np.full(5, 0.064))
    assert found.high == pytest.approx(np.full(5, 0.496))
    # floor 0.3 less 0.1 where forest holds most of the value, else less 0.05
    assert found.value_floor == pytest.approx([0.2, 0.2, 0.25, 0.2, 0.25])


def test_lgd_is_not_given_below_its_floor() -> None:
    head = LgdHead.parse(bundle_files()["lgd.json"], NAMES)
    assert head.estimate(sample_rows(), np.full(5, 1e6), np.full(5, 1.0)).lgd.tolist() == [0.05] * 5


def test_a_tape_without_collateral_reads_lgd_directly() -> None:
    data = bundle_files()["lgd.json"]
    head = LgdHead.parse({"mode": "direct", "band": data["band"], "floor": 0.05}, NAMES)
    found = head.estimate(sample_rows(), None, None)
    assert (found.lgd[0], found.low[0], found.high[0]) == pytest.approx((0.5, 0.28, 0.82))


def test_composition_without_exposure_is_an_error() -> None:
    with pytest.raises(ValueError, match="exposure"):
        LgdHead.parse(bundle_files()["lgd.json"], NAMES).estimate(sample_rows(), None, None)


@pytest.mark.parametrize("change", [{"mode": "guess"}, {"cure": 1.2}, {"other": -0.1}, {"floor": 2.0}, {"cure": "0.2"}])
def test_a_defect_in_the_lgd_file_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ModelNotServable):
        LgdHead.parse(bundle_files()["lgd.json"] | change, NAMES)


def test_regulatory_lgd_of_the_worked_receivables_case() -> None:
    # E = 100, C = 90, Hc = 0.4: E_S = 54, E_U = 46; (46 * 0.40 + 54 * 0.20) / 100 = 0.292
    assert lgd_star(np.array([100.0]), [(0.20, np.array([90.0 * 0.6]))], 0.40)[0] == pytest.approx(0.292, abs=1e-9)


def test_the_secured_part_is_capped_at_the_exposure() -> None:
    # C = 200: 200 * 0.6 = 120 > 100, so LGD* = LGD_S
    assert lgd_star(np.array([100.0]), [(0.20, np.array([120.0]))], 0.40)[0] == pytest.approx(0.20, abs=1e-12)


def test_several_classes_are_used_one_after_the_other_the_best_first() -> None:
    # receivables carry 40 of 100, other physical collateral what is left of its 50: 50; 10 stay unsecured
    layers = [(0.20, np.array([40.0])), (0.25, np.array([50.0]))]
    assert lgd_star(np.array([100.0]), layers, 0.40)[0] == pytest.approx((40 * 0.20 + 50 * 0.25 + 10 * 0.40) / 100)
    assert lgd_star(np.array([60.0]), layers, 0.40)[0] == pytest.approx((40 * 0.20 + 20 * 0.25) / 60)


def test_collateral_nobody_has_proved_eligible_leaves_the_claim_unsecured(tmp_path: Path) -> None:
    exposure, pledged = np.array([100.0]), {"receivables": np.array([20.0]), "other_physical": np.array([50.0])}
    assert regulatory_lgd(exposure, pledged, load().at("2026-11-23")) == pytest.approx([0.40])
    overlay = tmp_path / "proved.yaml"
    overlay.write_text(
        "risk.regulatory.collateral_proved: {in_force: 2020-01-01, published: 2020-01-01, ref: risk-house-scale, "
        "value: {receivables: 0, other_physical: 1}}",
        encoding="utf-8",
    )
    # proved: E_S = 50 * 0.6 = 30; (70 * 0.40 + 30 * 0.25) / 100 = 0.355
    assert regulatory_lgd(exposure, pledged, load(overlay).at("2026-11-23")) == pytest.approx([0.355])


def test_expected_loss_is_the_product() -> None:
    assert expected_loss(np.array([0.02]), np.array([0.5]), np.array([1e6]))[0] == pytest.approx(10_000.0)
