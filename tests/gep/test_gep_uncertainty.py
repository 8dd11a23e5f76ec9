"""Sobol indices against closed forms, and the quasi-random run of an account."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Floats
from eco_credit.gep import account, simulate
from eco_credit.gep.sobol import indices_of, points, quantile
from tests.gep.rows import rules

WOOD = {"service": "water_retention", "place": "w", "area_ha": 100.0, "water_balance_mm": 100.0}
SOIL = {"service": "soil_retention", "item": "silting", "place": "s", "soil_retained_t": 1000.0}
OXYGEN = {"service": "oxygen", "physical": 5.0, "physical_unit": "t", "price": 400.0, "price_unit": "CNY/t"}


def run(rows: list[dict[str, Any]], **options: Any) -> Any:
    """A run under the rulebook of the fixed day."""
    return simulate(rows, options.pop("norm", "norm-2022"), rules=rules(), **options)


def test_the_indices_of_the_ishigami_function_meet_its_closed_form() -> None:
    """f = sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1, x in (-pi, pi): V1 = (1 + 0.1 pi^4 / 5)^2 / 2, V2 = 49 / 8."""

    def ishigami(chance: Floats) -> Floats:
        x = np.pi * (2.0 * chance - 1.0)
        return np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])

    v1, v2, v13 = 0.5 * (1.0 + 0.1 * np.pi**4 / 5.0) ** 2, 49.0 / 8.0, 0.01 * np.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    whole = v1 + v2 + v13
    found = indices_of(ishigami, 3, samples=8192, seed=1)
    assert found.first == pytest.approx([v1 / whole, v2 / whole, 0.0], abs=0.01)
    assert found.total == pytest.approx([(v1 + v13) / whole, v2 / whole, v13 / whole], abs=0.01)


def test_the_indices_of_a_sum_are_the_squares_of_its_weights() -> None:
    weights = np.array([1.0, 2.0, 4.0])
    found = indices_of(lambda chance: chance @ weights, 3, samples=1024, seed=2)
    assert found.first == pytest.approx(weights**2 / 21.0, abs=2e-3)  # 1 + 4 + 16 = 21
    assert found.total == pytest.approx(weights**2 / 21.0, abs=2e-3)


@pytest.mark.parametrize("shape", ["triangular", "uniform", "pert"])
def test_a_quantile_stays_within_low_and_high_and_rises(shape: Any) -> None:
    drawn = quantile(np.linspace(0.0, 1.0, 101), 2.0, 3.0, 9.0, shape=shape)
    assert drawn[0] == pytest.approx(2.0) and drawn[-1] == pytest.approx(9.0) and (np.diff(drawn) > 0.0).all()


def test_the_mean_of_each_shape_is_its_closed_form() -> None:
    chance = points(1, 4096, 3)[:, 0]
    means = {shape: quantile(chance, 2.0, 3.0, 9.0, shape=shape).mean() for shape in ("triangular", "uniform", "pert")}
    # (2 + 3 + 9) / 3, (2 + 9) / 2, (2 + 4 * 3 + 9) / 6
    assert means == pytest.approx({"triangular": 14.0 / 3.0, "uniform": 5.5, "pert": 23.0 / 6.0}, abs=1e-3)
    assert quantile(chance, 5.0, 5.0, 5.0).tolist() == [5.0] * 4096


def test_one_uncertain_price_gives_the_quantiles_of_its_triangle() -> None:
    """V = 1e5 m3 * c; c is triangular on the reservoir cost, so P50 is its median."""
    made = run([WOOD], samples=4096)
    low, mode, high = rules().span("gep.water_retention.reservoir_cost")
    expected = [1e5 * float(quantile(np.array(p), low, mode, high)) for p in (0.1, 0.5, 0.9)]
    assert [made.total.p10, made.total.p50, made.total.p90] == pytest.approx(expected, rel=2e-3)
    assert [share.name for share in made.parameters] == ["gep.water_retention.reservoir_cost"]
    assert [made.parameters[0].first, made.by_kind["price"]] == pytest.approx([1.0, 1.0], abs=0.01)


def test_the_user_sees_that_price_dominates() -> None:
    made = run([WOOD, SOIL], samples=1024)
    assert made.parameters[0].kind == "price" and made.by_kind["price"] > 0.9 > made.by_kind["physical"]
    assert sum(share.first for share in made.parameters) <= sum(share.total for share in made.parameters) + 0.01


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not() -> None:
    one, same, other = (run([WOOD, SOIL], samples=128, seed=seed).as_dict() for seed in (5, 5, 6))
    assert one == same and one["total"] != other["total"]


def test_the_central_total_is_the_account_and_uncounted_rows_move_no_total() -> None:
    made = run([WOOD, OXYGEN], samples=256)
    assert made.central_cny == account([WOOD, OXYGEN], rules=rules()).total
    assert [row.counted for row in made.rows] == [True, False] and "oxygen" not in made.services
    assert all(share.total == 0.0 for share in made.parameters if "oxygen" in share.name)


def test_a_parameter_is_one_draw_for_all_parcels_so_that_their_errors_do_not_cancel() -> None:
    parts = [WOOD | {"place": f"p{i}", "area_ha": 10.0} for i in range(10)]
    assert run(parts, samples=512).total.p90 == pytest.approx(run([WOOD], samples=512).total.p90, rel=1e-12)


def test_a_range_the_row_brings_is_used() -> None:
    made = run([OXYGEN | {"low": 1500.0, "high": 2500.0}], norm="garze-paper", samples=256)
    assert 1500.0 <= made.rows[0].range.p10 < 2000.0 < made.rows[0].range.p90 <= 2500.0
    assert [share.kind for share in made.parameters] == ["stated"]


@pytest.mark.parametrize(("options", "rule"), [({"samples": 100}, "samples"), ({"samples": 8}, "samples"),
                                               ({"shape": "flat"}, "shape"), ({"norm": "none"}, "norm_unknown")])
def test_a_run_that_cannot_be_made_is_refused_by_name(options: dict[str, Any], rule: str) -> None:
    with pytest.raises(ContractError) as caught:
        run([WOOD], **options)
    assert [v.rule for v in caught.value.violations] == [rule]
