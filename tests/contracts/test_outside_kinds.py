"""A kind of pledge from an outside package joins every form without a change here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import data_contracts

SCRIPT = """
import json, sys
from pathlib import Path
from eco_credit.contracts import files
outside = Path(sys.argv[1])
ours = files.folders()
files.folders = lambda: (*ours, outside)
from eco_credit import contracts as c
application = c.example_application("order")
application["pledges"] = [c.example_application("grass_right")["pledges"][0]]
read = c.read_application(application)
flat = c.to_flat([read])
print(json.dumps({
    "kinds": c.pledge_kinds(),
    "columns": [f.name for f in c.contract("batch_input").fields],
    "schema": sorted(c.json_schema(c.contract("application"))["$defs"]),
    "broken": len(c.check_columns(c.contract("batch_input"), flat)),
    "meadow": c.flatten([read]).pledges["grass_right"]["meadow"].tolist(),
    "again": c.nest(flat).pledges["grass_right"]["meadow"].tolist(),
}))
"""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of contracts with one kind: the common fields of a pledge and one text of its own."""
    flow = yaml.safe_load((data_contracts.FOLDER / "gep_flow.yaml").read_text("utf-8"))
    meadow = next(p for p in flow["schema"][0]["properties"] if p["name"] == "item") | {"name": "meadow"}
    kept = [item for item in flow["customProperties"] if item["property"] != "checks"]
    own = [{"property": "includes", "value": ["pledge"]}, {"property": "pledge_kind", "value": True}]
    flow |= {"name": "grass_right", "customProperties": kept + own}
    flow["schema"] = [flow["schema"][0] | {"name": "grass_right", "properties": [meadow]}]
    (tmp_path / "grass_right.yaml").write_text(yaml.safe_dump(flow, allow_unicode=True), "utf-8")
    (tmp_path / "examples").mkdir()
    pledge = json.loads((data_contracts.FOLDER / "examples" / "order.json").read_text("utf-8"))["pledges"][0]
    common = ("pledge_id", "charge_rank", "prior_claims", "registered", "disputed", "sealed")
    made = {"pledges": [{name: pledge[name] for name in common} | {"kind": "grass_right", "meadow": "west"}]}
    (tmp_path / "examples" / "grass_right.json").write_text(json.dumps(made), "utf-8")
    return tmp_path


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", SCRIPT, str(folder)], capture_output=True, text=True, check=False)


def test_an_outside_kind_enters_the_union_the_columns_and_the_schema(outside: Path) -> None:
    done = run(outside)
    assert done.returncode == 0, done.stderr[-800:]
    found = json.loads(done.stdout)
    assert found["kinds"] == ["forest_right", "water_right", "order", "grass_right"]
    assert "meadow" in found["columns"]
    assert found["schema"] == sorted(found["kinds"])
    assert (found["broken"], found["meadow"], found["again"]) == (0, ["west"], ["west"])


def test_a_name_held_twice_is_an_error(outside: Path) -> None:
    (outside / "order.yaml").write_text((outside / "grass_right.yaml").read_text("utf-8"), "utf-8")
    assert "KeyError" in run(outside).stderr
