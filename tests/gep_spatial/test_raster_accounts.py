"""Raster accounts: tiny worlds by hand, and the promise that a uniform raster equals the table."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from gep_spatial.worlds import box, geojson, job, refused, rules, soil_world, world, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eco_credit.gep import account
from eco_credit.gep.spatial import raster_account
from eco_credit.gep.spatial.zonal import run_task

FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def run(data, folder, **more):
    return raster_account(job(data, folder), rules=rules(), **more)


def waves(side=40):
    rows, columns = np.mgrid[0:side, 0:side]
    return 500.0 - 3.0 * rows + 10.0 * np.sin(columns / 5.0) + 4.0 * np.cos(rows / 3.0)


def test_water_of_one_parcel_by_hand(tmp_path):
    """1200 - 0.0267 * 1200 - 700 = 467.96 mm on 1.08 ha: 467.96 * 1.08 * 10 = 5053.968 m3."""
    made = run(world(tmp_path), tmp_path)
    assert made.account.rows[0].physical == pytest.approx(5053.968, rel=1e-6)
    assert made.by_parcel() == {"P1": {"water_retention": made.account.total}}


@FEW
@given(
    rain=st.integers(0, 3000),
    loss=st.integers(0, 2000),
    left=st.floats(0.0, 5.0),
    width=st.floats(0.05, 4.9),
    height=st.floats(0.05, 9.9),
)
def test_a_uniform_raster_equals_the_table(tmp_path, rain, loss, left, width, height):
    """Any rectangle, cutting cells anywhere: the table row with the same area and inputs gives the same flow."""
    data = world(
        tmp_path,
        precipitation=np.full((10, 10), rain, np.float32),
        evapotranspiration=np.full((10, 10), loss, np.float32),
    )
    geojson(tmp_path / "parcels.geojson", {"P": box(left, 0.02, width, height)})
    made = run(data, tmp_path)
    row = {
        "service": "water_retention",
        "item": "retention",
        "area_ha": made.readings[0].area_ha,
        "precipitation_mm": float(rain),
        "ecosystem": "evergreen_broadleaf",
        "evapotranspiration_mm": float(loss),
    }
    table = account([row], norm="norm-2022", rules=rules())
    for name in ("physical", "value_cny", "low", "high"):
        assert getattr(made.account.rows[0], name) == pytest.approx(getattr(table.rows[0], name), rel=1e-9, abs=1e-6)


@FEW
@given(carbon=st.floats(1.0, 2000.0), breath=st.floats(0.0, 900.0))
def test_carbon_of_a_uniform_raster_equals_the_table(tmp_path, carbon, breath):
    """gC per m2 over 100 is tC per ha."""
    data = world(tmp_path, npp=np.full((10, 10), carbon))
    data["layers"]["respiration"] = {"value": breath, "unit": "gC/m2"}
    made = run(data | {"services": ["carbon"]}, tmp_path)
    area = made.readings[0].area_ha
    table = account(
        [{"service": "carbon", "item": "co2", "npp_tc": carbon / 100 * area, "respiration_tc": breath / 100 * area}],
        rules=rules(),
    )
    assert made.account.rows[0].value_cny == pytest.approx(table.rows[0].value_cny, rel=1e-9, abs=1e-6)


def test_soil_on_a_plane_equals_the_table(tmp_path):
    """Away from the upper rim the capped area is the same in every cell, and so is LS."""
    rows, _ = np.mgrid[0:40, 0:40]
    data = soil_world(tmp_path, 1000.0 - 6.0 * rows)
    geojson(tmp_path / "parcels.geojson", {"P": box(5, 20, 10, 10)})
    made = run(data, tmp_path)
    soil = made.readings[0].means["soil_retention"]
    table = account(
        [
            {
                "service": "soil_retention",
                "item": "silting",
                "area_ha": made.readings[0].area_ha,
                "rainfall_erosivity": 5000.0,
                "soil_erodibility": 0.03,
                "slope_factor": soil["slope_factor"],
                "cover_factor": 0.02,
                "practice_factor": 1.0,
            }
        ],
        rules=rules(),
    )
    assert made.account.rows[0].physical == pytest.approx(table.rows[0].physical, rel=1e-9)
    assert made.account.rows[0].value_cny == pytest.approx(table.rows[0].value_cny, rel=1e-9)
    # LS by hand: 20 %, m 0.5, D 30, A min(20+ cells of 900, 122 * 30) = 3660 m2
    length = (4560.0**1.5 - 3660.0**1.5) / (30.0**2.5 * 22.13**0.5)
    assert soil["slope_factor"] == pytest.approx(length * 2.794751, rel=1e-6)


def test_a_parcel_smaller_than_a_cell_and_one_that_leaves_the_grid(tmp_path):
    """A ninth of a cell, 10 m x 10 m = 0.01 ha; and 2 of 4 cells on the grid: half of 0.36 ha."""
    data = world(tmp_path)
    geojson(
        tmp_path / "parcels.geojson",
        {"small": box(4.3, 4.3, 1 / 3, 1 / 3), "leaves": box(9, 0, 2, 2), "away": box(30, 30, 2, 2)},
    )
    made = run(data, tmp_path)
    small, leaves, away = made.readings
    assert small.known_ha["water_retention"] == pytest.approx(0.01, rel=1e-6)
    assert (leaves.area_ha, leaves.known_ha["water_retention"]) == (
        pytest.approx(0.36, rel=1e-6),
        pytest.approx(0.18, rel=1e-6),
    )
    assert away.inside_ha == 0.0
    assert made.by_parcel()["away"] == {}
    said = next(n for n in made.account.warnings if n.rule == "parcel_leaves_grid")
    assert "leaves" in said.en and "away" in said.zh and "small" not in said.en


def test_mixed_classes_weigh_by_covered_area(tmp_path):
    """Left column forest (0.0267), right meadow (0.082); a parcel over 1 + 3 cells of 1200 mm, ET 700 mm.

    Mean balance = 500 - 1200 * (0.0267 + 3 * 0.082) / 4 = 418.19 mm.
    """
    cover = np.full((10, 10), 2, np.uint8)
    cover[:, 0] = 1
    data = world(tmp_path, land_cover=cover)
    geojson(tmp_path / "parcels.geojson", {"P": box(0, 3, 4, 1)})
    made = run(data, tmp_path)
    assert made.readings[0].means["water_retention"]["water_balance_mm"] == pytest.approx(418.19, rel=1e-7)


def test_a_negative_balance_keeps_its_sign_or_is_clipped_cell_by_cell(tmp_path):
    """Two cells with 1000 and 0 mm of rain, ET 300, forest: 1000 - 26.7 - 300 = 673.3 and -300."""
    rain = np.full((10, 10), 1000.0)
    rain[:, 5:] = 0.0
    data = world(tmp_path, precipitation=rain, evapotranspiration=np.full((10, 10), 300.0))
    geojson(tmp_path / "parcels.geojson", {"P": box(4, 4, 2, 1)})
    mean = [
        run(data | {"negative_balance": how}, tmp_path).readings[0].means["water_retention"]["water_balance_mm"]
        for how in ("keep", "clip")
    ]
    assert mean == [pytest.approx((673.3 - 300.0) / 2), pytest.approx(673.3 / 2)]


def test_disjoint_parcels_add_up_to_their_union(tmp_path):
    rain = 1000.0 + 10.0 * np.arange(100.0).reshape(10, 10)
    data = world(tmp_path, precipitation=rain)
    totals = []
    for shapes in ({"A": box(1.3, 2.2, 7.1, 5.5)}, {"A": box(1.3, 2.2, 3.0, 5.5), "B": box(4.3, 2.2, 4.1, 5.5)}):
        geojson(tmp_path / "parcels.geojson", shapes)
        totals.append(run(data, tmp_path).account.total)
    assert totals[0] == pytest.approx(totals[1], rel=3e-7)  # cover fractions are single precision


def test_no_window_shows_in_the_result(tmp_path):
    """Upslope area, slope and sums are the same whether the ground is read in one window or in nine."""
    data = soil_world(tmp_path, waves()) | {"services": ["water_retention", "soil_retention"]}
    geojson(tmp_path / "parcels.geojson", {"P": box(3.3, 3.3, 33.0, 33.0)})
    whole, parts = (run(data | {"tile": tile}, tmp_path) for tile in (64, 16))
    for one, other in zip(whole.account.rows, parts.account.rows, strict=True):
        assert one.value_cny == pytest.approx(other.value_cny, rel=1e-12)
        assert one.high == pytest.approx(other.high, rel=1e-12)


def test_the_same_job_on_dask_gives_the_same_numbers(tmp_path):
    pytest.importorskip("dask", reason="needs the extra dask")
    from serving.cli.gep_raster import on_dask

    data = soil_world(tmp_path, waves()) | {"tile": 16}
    geojson(tmp_path / "parcels.geojson", {"P": box(3.3, 3.3, 20.0, 33.0), "Q": box(24.0, 3.0, 9.0, 9.5)})
    plain = run(data, tmp_path)
    spread = run(data, tmp_path, run=lambda work, tasks: on_dask(work, tasks, batch=4))
    assert spread.account == plain.account
    assert spread.readings == plain.readings


def test_a_window_can_be_sent_elsewhere(tmp_path):
    """Dask on several machines pickles a window and its answer."""
    data = soil_world(tmp_path, waves())

    def travelling(work, tasks):
        for task in tasks:
            yield pickle.loads(pickle.dumps(work(pickle.loads(pickle.dumps(task)))))

    assert run_task.__module__.startswith("eco_credit")
    assert run(data, tmp_path, run=travelling).account == run(data, tmp_path).account


def test_the_account_names_its_ls_and_its_range_holds_the_others(tmp_path):
    data = soil_world(tmp_path, waves())
    geojson(tmp_path / "parcels.geojson", {"P": box(5, 25, 20, 10)})
    made = {
        name: run(data | {"slope_length": name}, tmp_path)
        for name in ("desmet_govers", "desmet_govers_capped", "moore_burch", "invest")
    }
    for name, one in made.items():
        assert one.slope_length == name
        assert all(f"LS {name}" in row.source for row in one.account.rows)
        assert one.slope_spread[name] == 1.0
        for other in made.values():
            for mine, theirs in zip(one.account.rows, other.account.rows, strict=True):
                assert mine.low <= theirs.value_cny <= mine.high
    assert "slope_definition" in {notice.rule for notice in made["invest"].account.warnings}


def test_the_range_without_the_choice_of_ls_is_narrower(tmp_path):
    data = soil_world(tmp_path, waves())
    made = run(data, tmp_path)
    plain = account(list(made.inputs), rules=rules())
    for wide, narrow in zip(made.account.rows, plain.rows, strict=True):
        assert wide.value_cny == narrow.value_cny
        assert 0.0 <= wide.low < narrow.low
        assert wide.high >= narrow.high


def test_an_upslope_raster_counted_in_cells_replaces_the_tracing(tmp_path):
    """On a plane, the area a routing tool counts (the cell included) gives the LS that tracing gives."""
    rows, _ = np.mgrid[0:30, 0:30]
    data = soil_world(tmp_path, 1000.0 - 6.0 * rows)
    geojson(tmp_path / "parcels.geojson", {"P": box(5, 10, 10, 5)})
    traced = run(data, tmp_path)
    write(tmp_path / "up.tif", (rows + 1).astype(np.float32))
    data["layers"]["upslope_area"] = {"path": "up.tif", "unit": "cells"}
    assert run(data, tmp_path).account.total == pytest.approx(traced.account.total, rel=1e-9)


def test_layers_on_other_grids_are_aligned_nearest_for_classes_average_for_the_rest(tmp_path):
    """Rain on cells of 15 m: blocks of 2 x 2 with 0, 400, 800, 1200 average 600. Classes of 10 m: the middle one."""
    fine_rain = np.tile(np.array([[0.0, 400.0], [800.0, 1200.0]]), (10, 10))
    fine_cover = np.tile(np.array([[2, 2, 2], [2, 1, 2], [2, 2, 2]], np.uint8), (10, 10))
    data = world(tmp_path)
    write(tmp_path / "precipitation.tif", fine_rain, cell=15.0)
    write(tmp_path / "land_cover.tif", fine_cover, cell=10.0)
    made = run(data | {"grid": "evapotranspiration"}, tmp_path)
    means = made.readings[0].means["water_retention"]
    assert means["precipitation_mm"] == pytest.approx(600.0)
    assert means["runoff_mm"] == pytest.approx(600.0 * 0.0267)  # meadow alone would be 0.082
    assert next(n for n in made.account.warnings if n.rule == "aligned")


def test_a_layer_in_degrees_is_brought_to_the_grid_in_metres(tmp_path):
    data = world(tmp_path)
    write(
        tmp_path / "precipitation.tif", np.full((200, 200), 900.0), crs="EPSG:4326", west=113.9, north=30.8, cell=0.001
    )
    made = run(data, tmp_path)
    assert made.readings[0].means["water_retention"]["precipitation_mm"] == pytest.approx(900.0)
    assert "crs_wgs84" in {notice.rule for notice in made.account.warnings}


def test_a_grid_in_degrees_gives_the_flows_of_the_ellipsoid(tmp_path):
    """EPSG:4490, cells of 0.001 degree: the parcel of 4 x 3 cells at 30 N covers what its geodesic outline covers."""
    data = world(tmp_path)
    for name, cells in (
        ("land_cover", np.ones((10, 10), np.uint8)),
        ("precipitation", np.full((10, 10), 1200.0)),
        ("evapotranspiration", np.full((10, 10), 700.0)),
    ):
        write(tmp_path / f"{name}.tif", cells, crs="EPSG:4490", west=114.0, north=30.0, cell=0.001)
    shape = box(2, 2, 4, 3, cell=0.001, west=114.0, north=30.0)
    geojson(tmp_path / "parcels.geojson", {"P": shape}, crs="EPSG:4490")
    made = run(data, tmp_path)
    assert made.readings[0].area_ha == pytest.approx(12 * 96.49 * 110.85 / 1e4, rel=1e-3)
    assert made.account.rows[0].physical == pytest.approx(467.96 * 10.0 * made.readings[0].area_ha, rel=1e-9)
    assert not {"crs_wgs84", "crs_other_datum"} & {notice.rule for notice in made.account.warnings}


def test_cells_without_data_are_left_out_and_said(tmp_path):
    """Half the parcel has no rain: half the area is counted, with the mean of what is known."""
    rain = np.full((10, 10), 1200.0, np.float32)
    rain[:, :4] = -9999.0
    data = world(tmp_path)
    write(tmp_path / "precipitation.tif", rain, nodata=-9999.0)
    made = run(data, tmp_path)
    assert made.account.rows[0].physical == pytest.approx(5053.968 / 2, rel=1e-6)
    assert "cells_unknown" in {notice.rule for notice in made.account.warnings}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"precipitation": np.full((10, 10), -5.0)}, "negative_layer"),
        ({"land_cover": np.full((10, 10), 9, np.uint8)}, "class_not_listed"),
    ],
)
def test_covered_cells_out_of_bounds_are_refused(tmp_path, change, rule):
    assert refused(run, world(tmp_path, **change), tmp_path) == {rule}


def test_a_missing_nodata_mark_outside_the_parcels_does_no_harm(tmp_path):
    rain = np.full((10, 10), 1200.0)
    rain[0, 0] = -9999.0
    assert run(world(tmp_path, precipitation=rain), tmp_path).account.total > 0.0


def test_percent_for_a_part_of_one_is_refused(tmp_path):
    data = soil_world(tmp_path, waves(10))
    write(tmp_path / "c.tif", np.full((10, 10), 20.0))
    data["layers"]["cover_factor"] = {"path": "c.tif"}
    assert refused(run, data, tmp_path) == {"above_one"}


@pytest.mark.parametrize(
    ("services", "field"),
    [
        (["carbon"], "layers.npp"),
        (["oxygen"], "layers.npp"),
        (["soil_retention"], "layers.rainfall_erosivity"),
    ],
)
def test_a_missing_layer_is_named(tmp_path, services, field):
    from eco_credit.core.errors import ContractError

    with pytest.raises(ContractError) as caught:
        run(world(tmp_path) | {"services": services}, tmp_path)
    assert (caught.value.violations[0].field, caught.value.violations[0].rule) == (field, "layer_missing")


def test_parcels_away_from_the_grid_are_refused(tmp_path):
    data = world(tmp_path)
    geojson(tmp_path / "parcels.geojson", {"away": box(300, 300, 2, 2)})
    assert refused(run, data, tmp_path) == {"nothing_covered"}


def test_cover_from_ndvi_by_hand(tmp_path):
    """NDVI 0.5: exp(-2 * 0.5 / 0.5) = 0.135335. A class with its own C keeps it."""
    from eco_credit.gep.spatial.cells import cover_from_ndvi

    found = cover_from_ndvi(np.array([-0.2, 0.0, 0.5, 1.0, np.nan]), rules())
    assert found[:4].tolist() == pytest.approx([1.0, 1.0, math.exp(-2.0), 0.0])
    assert np.isnan(found[4])
    data = soil_world(tmp_path, waves(10))
    data["classes"] = {1: {"practice_factor": 1.0}}
    data["layers"]["ndvi"] = {"value": 0.5, "unit": "ratio"}
    soil = run(data, tmp_path).readings[0].means["soil_retention"]
    assert soil["soil_retained_t"] / soil["bare_loss_t"] == pytest.approx(1.0 - math.exp(-2.0))


def test_carbon_stocks_give_the_change_over_the_years(tmp_path):
    """50 to 55 tC per ha in 5 years is 1 tC per ha and year: 44/12 tCO2 on each hectare."""
    data = world(tmp_path)
    data["layers"] |= {"stock_start": {"value": 50.0, "unit": "tC/ha"}, "stock_end": {"value": 55.0, "unit": "tC/ha"}}
    made = run(data | {"services": ["carbon"], "stock_years": 5.0}, tmp_path)
    assert made.account.rows[0].physical == pytest.approx(1.08 * 44.0 / 12.0, rel=1e-6)


def test_oxygen_is_left_out_where_the_norm_has_none(tmp_path):
    data = world(tmp_path, npp=np.full((10, 10), 500.0)) | {"services": ["carbon", "oxygen"]}
    made = run(data, tmp_path)
    assert "oxygen" not in made.by_parcel()["P1"]


def test_the_same_job_gives_the_same_bytes(tmp_path):
    data = soil_world(tmp_path, waves(), npp=waves()) | {"services": ["soil_retention", "carbon"]}
    assert run(data, tmp_path).as_dict() == run(data, tmp_path).as_dict()
