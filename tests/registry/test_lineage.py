"""What a run tells: parameters, a metric per gate, the digest of the data, the evaluation, and no row of anybody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from package_samples import TRAINER, meta, package_files

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store, sign, write_package
from eco_credit.registry.folder import ModelName

registry = pytest.importorskip("eco_credit.registry.mlflow")

GATE = {
    "status": "amber",
    "gates": [
        {"gate": "G1a", "statistic": "pd.auc.low", "value": 0.71, "green": "0.7 to 1", "light": "green"},
        {"gate": "G2a", "statistic": "pd.jeffreys", "value": 0.02, "green": "0.05 to 1", "light": "amber"},
        {"gate": "G5c", "statistic": "walk_forward.sd", "value": None, "green": "0 to 0.03", "light": "not measured"},
    ],
    "missed": [],
    "statistics": {"pd": {"auc": {"value": 0.75}}},
}
PLAN = {"name": "eco-credit", "data": {"target": "default_12m"}}


@pytest.fixture
def run(store: Store, tmp_path: Path) -> Any:
    """The run of a logged package with a report."""
    folder, report = tmp_path / "package", tmp_path / "report.html"
    files = package_files() | {"gate.json": canonical_json(GATE), "plan.json": canonical_json(PLAN)}
    write_package(folder, files, meta())
    sign(folder, "trainer", store.signer(TRAINER, "trainer"))
    report.write_text("<h1>Validation</h1>")
    version = registry.log_package(store, folder, metrics={"auc": 0.75}, params={"rounds": 40}, report=report)
    client = registry.client_of(store)
    record = client.get_model_version("eco-credit", str(version))
    return client.get_run(record.run_id)


def test_a_run_holds_a_metric_per_measured_gate_and_the_lights_of_all(run: Any) -> None:
    assert run.data.metrics == {"auc": 0.75, "G1a.pd.auc.low": 0.71, "G2a.pd.jeffreys": 0.02}
    lights = {k: v for k, v in run.data.tags.items() if k.startswith("eco_credit.gate.")}
    assert lights == {
        "eco_credit.gate.G1a.pd.auc.low": "green",
        "eco_credit.gate.G2a.pd.jeffreys": "amber",
        "eco_credit.gate.G5c.walk_forward.sd": "not measured",
    }


def test_a_run_names_seed_rules_contract_and_libraries(run: Any) -> None:
    told = {name: run.data.params[name] for name in ("seed", "rounds", "rules.day", "contract.name", "libraries.numpy")}
    assert told == {
        "seed": "7",
        "rounds": "40",
        "rules.day": "2026-11-23",
        "contract.name": "loan_tape",
        "libraries.numpy": "2",
    }


def test_a_run_names_its_data_by_digest_and_holds_none_of_it(run: Any) -> None:
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("loan_tape", "d" * 36)
    assert json.loads(used.dataset.source)["tags"]["sha256"] == "d" * 64
    assert (used.dataset.profile, used.dataset.schema) == (None, None)


def test_a_version_is_tagged_with_target_kinds_gate_and_trainer(store: Store, run: Any) -> None:
    (record,) = registry.client_of(store).search_model_versions("name='eco-credit'")
    told = {name.removeprefix("eco_credit."): value for name, value in record.tags.items()}
    assert (told["target"], told["trainer"], told["gate"]) == ("default_12m", TRAINER, "amber")
    assert told["gate_id"] == sha256(canonical_json(GATE))[:16]
    assert told["data"] == "d" * 64 and "kinds" in told


def test_gates_statistics_plan_card_and_report_are_artefacts(store: Store, run: Any) -> None:
    client = registry.client_of(store)
    found = {item.path for part in ("evaluation", "report") for item in client.list_artifacts(run.info.run_id, part)}
    names = ("gate.json", "plan.json", "statistics.json", "card.md")
    assert found == {*(f"evaluation/{name}" for name in names), "report/report.html"}
    place = client.download_artifacts(run.info.run_id, "evaluation/statistics.json")
    assert json.loads(Path(place).read_text()) == GATE["statistics"]


def test_a_report_written_later_joins_the_run_of_its_version(store: Store, run: Any, tmp_path: Path) -> None:
    path = tmp_path / "validation.html"
    path.write_text("<h1>Validated in spring</h1>")
    digest = registry.attach_report(store, ModelName("eco-credit", alias="challenger"), path)
    client = registry.client_of(store)
    assert "report/validation.html" in [item.path for item in client.list_artifacts(run.info.run_id, "report")]
    assert client.get_model_version("eco-credit", "1").tags["eco_credit.report"] == digest == sha256(path.read_bytes())
    with pytest.raises(ModelNotServable):
        registry.attach_report(store, ModelName("eco-credit", version=9), path)


def test_the_signature_is_typed_and_its_example_is_made_up_and_has_unknown_values(store: Store, run: Any) -> None:
    import mlflow

    info = mlflow.models.get_model_info("models:/eco-credit/1")
    kinds = {spec.name: spec.type.name for spec in info.signature.inputs.inputs}
    assert kinds["ltv"] == "double" and kinds["exposure"] == "double"
    example = info.signature and mlflow.pyfunc.load_model("models:/eco-credit/1").input_example
    golden = json.loads(package_files()["golden.json"])["features"]
    for name, column in golden.items():
        if "hex" in column:
            expected = [float.fromhex(value) for value in column["hex"]]
            np.testing.assert_array_equal(example[name].to_numpy(np.float64), expected)
    assert example.isna().to_numpy().any()


def test_no_table_of_rows_lies_among_the_artefacts(store: Store, run: Any) -> None:
    kinds = {path.suffix for path in store.artifacts.rglob("*") if path.is_file()}
    assert kinds <= {".json", ".md", ".html", ".py", ".yaml", ".yml", ".txt", ""}
    assert not [path.name for path in store.artifacts.rglob("*.pkl")]
