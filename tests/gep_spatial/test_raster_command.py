"""The command `gep raster` and the map it draws."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import typer
import yaml
from gep_spatial.worlds import box, geojson, job, rules, soil_world, world
from typer.testing import CliRunner

from eco_credit.core.errors import ContractError
from eco_credit.gep.spatial import picture, raster_account
from serving.cli import gep_raster

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def command():
    group = typer.Typer()
    group.callback()(lambda: None)
    gep_raster.register(group)
    return lambda *words: CliRunner().invoke(group, ["raster", *map(str, words)])


def saved(folder, data):
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def test_a_job_becomes_an_account_with_maps(tmp_path, command):
    path = saved(tmp_path, world(tmp_path))
    done = command(path, tmp_path / "out.json", "--maps", tmp_path / "maps", "--json")
    assert done.exit_code == 0, done.output
    whole = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    plain = raster_account(job(world(tmp_path), tmp_path))
    assert whole["total_cny"] == plain.account.total
    assert whole["parcels"][0]["area_mu"] == pytest.approx(16.2, rel=1e-6)
    assert (tmp_path / "maps" / "water_retention.svg").is_file()


def test_dask_gives_the_same_file(tmp_path, command):
    pytest.importorskip("dask", reason="needs the extra dask")
    path = saved(tmp_path, world(tmp_path) | {"tile": 16})
    texts = []
    for name, more in (("a.csv", ()), ("b.csv", ("--dask",))):
        assert command(path, tmp_path / name, *more).exit_code == 0
        texts.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]


def test_a_refused_job_writes_nothing_and_names_field_and_rule(tmp_path, command):
    data = world(tmp_path)
    (tmp_path / "precipitation.tif").write_text("<VRTDataset/>", encoding="utf-8")
    done = command(saved(tmp_path, data), tmp_path / "out.json", "--json")
    assert done.exit_code == 3
    assert '"layers.precipitation"' in done.output and '"vrt_disguised"' in done.output
    assert not (tmp_path / "out.json").exists()
    assert command(tmp_path / "job.yaml", tmp_path / "out.txt").exit_code == 3


def test_a_reader_that_dies_is_a_named_refusal(tmp_path, monkeypatch):
    path = saved(tmp_path, world(tmp_path))
    monkeypatch.setattr(gep_raster, "_child", _dies)
    with pytest.raises(ContractError) as caught:
        gep_raster.in_child(path)
    assert caught.value.violations[0].rule == "reader_stopped"


def _dies(*_):
    import os

    os.abort()


def test_a_cell_of_the_csv_is_never_a_formula(tmp_path):
    data = world(tmp_path)
    geojson(tmp_path / "parcels.geojson", {"=1+1": box(2, 2, 4, 3)})
    assert ",'=1+1," in gep_raster.worked_out(saved(tmp_path, data))["csv"]


def test_the_map_has_one_path_per_parcel_and_nothing_that_runs(tmp_path):
    rows, columns = np.mgrid[0:40, 0:40]
    data = soil_world(tmp_path, 1000.0 - 4.0 * rows + 20.0 * np.sin(columns / 4.0))
    shapes = {f"P{i}<script>&": box(5 * i, 10 + i, 4, 8) for i in range(6)} | {"away": box(41, 20, 2, 2)}
    geojson(tmp_path / "parcels.geojson", shapes)
    made = raster_account(job(data, tmp_path), rules=rules())
    for language, word in (("zh", "土壤保持"), ("en", "Soil retention")):
        drawn = picture(made, "soil_retention", language=language)
        root = ElementTree.fromstring(drawn)
        assert word in drawn and "<script" not in drawn and "href" not in drawn
        paths = root.findall(f"{SVG}path")
        assert len(paths) == 7
        assert len({path.get("fill") for path in paths}) == 6  # five classes and one parcel without data


def test_the_map_of_one_value_has_one_colour(tmp_path):
    drawn = picture(raster_account(job(world(tmp_path), tmp_path), rules=rules()), "water_retention", language="en")
    assert "all parcels" in drawn
