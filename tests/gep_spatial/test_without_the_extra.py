"""What holds whether or not the extra geo is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eco_credit.core.errors import ContractError
from eco_credit.gep.spatial import job_of, read_job
from eco_credit.gep.spatial.extra import library
from eco_credit.gep.spatial.job import local_file
from eco_credit.gep.spatial.refusing import SENTENCES

ROOT = Path(__file__).resolve().parents[2]
JOB = {
    "account_year": 2025,
    "parcels": {"path": "p.geojson"},
    "services": ["water_retention"],
    "layers": {"land_cover": {"path": "lc.tif"}, "precipitation": {"value": 1000.0, "unit": "mm"}},
}


def rule_of(action, *arguments):
    with pytest.raises(ContractError) as caught:
        action(*arguments)
    return caught.value.violations[0].rule


def test_importing_the_room_loads_no_geodata_library():
    code = (
        "import sys, eco_credit.gep.spatial, serving.cli.gep_raster;"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'rasterio', 'shapely', 'pyproj', 'exactextract', "
        "'geopandas', 'xarray', 'dask'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "exactextract", None)
    assert rule_of(library, "exactextract") == "extra_missing"


def test_only_the_libraries_of_the_extra_are_loaded_by_name():
    with pytest.raises(ValueError, match="not a library"):
        library("os")


@pytest.mark.parametrize(
    "name",
    [
        "/vsicurl/http://example.org/a.tif",
        "vsimem/a.tif",
        "sub/vsizip/a.tif",
        "\\vsis3\\bucket\\a.tif",
        "http://example.org/a.tif",
        "file:///etc/passwd",
        "GTIFF_DIR:1:a.tif",
        "zip+file://a.zip!a.tif",
        "//server/share/a",
        "\\\\server\\share\\a.tif",
        "a.zip!a.tif",
        "a\x00.tif",
        "VRT://a.tif",
        "/VSIGZIP/a.tif.gz",
    ],
)
def test_names_that_are_not_plain_local_files_are_refused(tmp_path, name):
    assert rule_of(local_file, name, "layers.dem", tmp_path) == "not_local"


def test_a_file_outside_the_folder_is_refused_even_through_a_link(tmp_path):
    inside, secret = tmp_path / "job", tmp_path / "secret.tif"
    inside.mkdir()
    secret.write_bytes(b"II*\x00")
    (inside / "link.tif").symlink_to(secret)
    for name in ("../secret.tif", "link.tif", str(secret)):
        with pytest.raises(ContractError) as caught:
            local_file(name, "layers.dem", inside, confined=True)
        assert caught.value.violations[0].rule == "outside_folder"
    assert local_file("link.tif", "layers.dem", inside) == secret


def test_a_missing_file_is_named(tmp_path):
    assert rule_of(local_file, "no.tif", "layers.dem", tmp_path) == "file_missing"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"layers": {"land_cover": {"path": "lc.tif", "value": 1.0}}}, "layers.land_cover"),
        ({"layers": {"temperature": {"path": "t.tif"}}}, "layers.temperature.[key]"),
        ({"services": ["happiness"]}, "services.0"),
        ({"services": []}, "services"),
        ({"slope_length": "mine"}, "slope_length"),
        ({"tile": 1_000_000}, "tile"),
        ({"account_year": "2025"}, "account_year"),
        ({"surprise": 1}, "surprise"),
        ({"parcels": {"path": "p.geojson", "crs": "+proj=longlat"}}, "parcels.crs"),
    ],
)
def test_a_job_of_another_form_is_refused_with_its_field(tmp_path, change, field):
    with pytest.raises(ContractError) as caught:
        job_of(JOB | change, tmp_path)
    assert caught.value.violations[0].field == field


@pytest.mark.parametrize(
    ("layers", "rule"),
    [
        ({"land_cover": {"path": "a.tif"}, "npp": {"path": "n.tif"}}, "unit_not_stated"),
        ({"land_cover": {"path": "a.tif"}, "npp": {"path": "n.tif", "unit": "tCO2/ha"}}, "unit_unknown"),
        ({"land_cover": {"path": "a.tif"}, "bare_loss": {"value": 3.0, "unit": "t/pixel"}}, "unit_unknown"),
        ({"precipitation": {"value": 1000.0, "unit": "mm"}}, "layer_missing"),
    ],
)
def test_units_are_stated_and_the_grid_is_a_raster(tmp_path, layers, rule):
    assert rule_of(job_of, JOB | {"layers": layers}, tmp_path) == rule


@pytest.mark.parametrize(
    "text", ["a: 1\na: 2\n", "a: &x 1\nb: *x\n", "!!python/object:os.system {}\n", "- 1\n", "\ttab", "folder: /\n", ""]
)
def test_a_job_file_that_is_no_plain_mapping_is_refused(tmp_path, text):
    path = tmp_path / "job.yaml"
    path.write_text(text, encoding="utf-8")
    assert rule_of(read_job, path) == "job_form"


def test_a_job_file_reads_like_its_data(tmp_path):
    path = tmp_path / "job.yaml"
    path.write_text(
        "account_year: 2025\nparcels: {path: p.geojson}\nservices: [water_retention]\n"
        "layers: {land_cover: {path: lc.tif}, precipitation: {value: 1000.0, unit: mm}}\n",
        encoding="utf-8",
    )
    assert read_job(path) == job_of(JOB, tmp_path)


def test_every_refusal_speaks_both_languages():
    assert all(en and zh and en != zh for en, zh in SENTENCES.values())
