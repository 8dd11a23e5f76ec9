"""Finished InVEST runs plug in: their rasters and biophysical tables are read, the programme is not needed."""

from __future__ import annotations

import numpy as np
import pytest
from gep_spatial.worlds import box, geojson, job, refused, rules, world, write

from eco_credit.gep.spatial import invest_layers, raster_account
from eco_credit.gep.spatial.classes import read_biophysical


def test_layers_of_a_workspace_are_found_by_name_and_suffix(tmp_path):
    (tmp_path / "intermediate_outputs").mkdir()
    for name in (
        "avoided_erosion_2025.tif",
        "rkls_2025.tif",
        "intermediate_outputs/tot_c_cur_2025.tif",
        "usle_2025.tif",
    ):
        (tmp_path / name).write_bytes(b"II*\x00")
    found = invest_layers(tmp_path, suffix="2025", soil_unit="t/ha", carbon_unit="tC/pixel")
    assert {name: layer["unit"] for name, layer in found.items()} == {
        "bare_loss": "t/ha",
        "soil_retained": "t/ha",
        "stock_start": "tC/pixel",
    }


def test_the_unit_of_a_run_is_stated_never_guessed(tmp_path):
    (tmp_path / "rkls.tif").write_bytes(b"II*\x00")
    assert refused(invest_layers, tmp_path) == {"unit_not_stated"}
    assert refused(invest_layers, tmp_path, soil_unit="kg") == {"unit_unknown"}
    assert refused(invest_layers, tmp_path / "no") == {"file_missing"}
    assert refused(invest_layers, tmp_path, suffix="../x") == {"not_local"}


def test_tonnes_per_pixel_and_per_hectare_give_one_account(tmp_path):
    """A pixel of 30 m is 0.09 ha: 9 t per pixel is 100 t per ha; on 1.08 ha 108 t are kept back."""
    data = world(tmp_path) | {"services": ["soil_retention"]}
    made = []
    for unit, amount in (("t/ha", 100.0), ("t/pixel", 9.0)):
        write(tmp_path / "avoided_erosion.tif", np.full((10, 10), amount))
        layers = invest_layers(tmp_path, soil_unit=unit)
        made.append(raster_account(job(data | {"layers": data["layers"] | layers}, tmp_path), rules=rules()))
    assert made[0].inputs[0]["soil_retained_t"] == pytest.approx(108.0, rel=1e-6)
    assert made[0].account.total == pytest.approx(made[1].account.total, rel=1e-12)
    assert made[0].slope_length is None
    assert "slope_definition" in {notice.rule for notice in made[0].account.warnings}


def test_bare_loss_with_a_biophysical_table(tmp_path):
    """RKLS 100 t/ha, C 0.1, P 0.5: 100 * (1 - 0.05) = 95 t/ha."""
    (tmp_path / "bio.csv").write_text("LUCODE,usle_c,usle_p,Kc\n1,0.1,0.5,0.9\n2,1,1,\n", encoding="utf-8-sig")
    write(tmp_path / "rkls.tif", np.full((10, 10), 100.0))
    data = world(tmp_path) | {"services": ["soil_retention"], "classes": {}, "biophysical_table": "bio.csv"}
    data["layers"] |= invest_layers(tmp_path, soil_unit="t/ha")
    made = raster_account(job(data, tmp_path), rules=rules())
    assert made.readings[0].means["soil_retention"]["soil_retained_t"] == pytest.approx(95.0)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("code,usle_c\n1,0.1\n", "table_form"),
        ("lucode,usle_c\n1,abc\n", "table_form"),
        ("lucode,usle_c\n1,0.1\n1,0.2\n", "table_form"),
        ("lucode,usle_c\n1,nan\n", "table_form"),
        ("lucode,usle_c\n1,20\n", "above_one"),
        ("lucode,usle_p\n1,-1\n", "negative_layer"),
        ("lucode,usle_c\n1.5,0.1\n", "table_form"),
    ],
)
def test_a_biophysical_table_of_another_form_is_refused(tmp_path, text, rule):
    path = tmp_path / "bio.csv"
    path.write_text(text, encoding="utf-8")
    assert refused(read_biophysical, path) == {rule}


def test_pixels_in_degrees_have_no_tonnes_per_pixel(tmp_path):
    data = world(tmp_path) | {"services": ["soil_retention"]}
    write(tmp_path / "avoided_erosion.tif", np.ones((10, 10)), crs="EPSG:4490", west=114.0, north=30.0, cell=0.001)
    geojson(tmp_path / "parcels.geojson", {"P": box(2, 2, 4, 3)})
    data["layers"] |= invest_layers(tmp_path, soil_unit="t/pixel")
    assert refused(raster_account, job(data, tmp_path), rules=rules()) == {"crs_unit"}
