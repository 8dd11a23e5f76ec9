"""One run per training: parameters, a metric per gate, the digest of the data, the evaluation and the report.

Everything but the report is read from the verified package itself, so a run cannot tell another story
than what was signed. No row of a customer is ever logged: the data set is a name and a digest, the
input example is the package's made-up golden rows with unknown values among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eco_credit.registry.tracking import answered, client_of, experiment_of, version_of  # isort: skip  (sets the environment of mlflow)

import mlflow
import mlflow.pyfunc
import numpy as np
import pandas as pd  # mlflow has imported it already; MLflow resolves the hints of predict at run time
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.models import ModelSignature, set_model
from mlflow.types import ColSpec, DataType, Schema

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.registry.files import parse_json
from eco_credit.registry.folder import ModelName
from eco_credit.registry.package import Package, load_package
from eco_credit.registry.store import Store

DIGEST_TAG = "eco_credit.digest"
ARTIFACT = "package"
EVALUATION = "evaluation"
REPORT = "report"
OUTPUTS = ("pd", "pd_low", "pd_high", "lgd", "lgd_low", "lgd_high", "expected_loss_rate", "score")
GIVEN = ("collateral_value", "exposure")
DATASET_DIGEST = 36
"""Longest digest MLflow keeps of a data set; the whole one stands in its source and in the tag ``eco_credit.data``."""


class PackageModel(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
    """The pyfunc: features in, risk out, by the package's own tables."""

    def load_context(self, context: Any) -> None:
        """Load the package with our own loader (digests, structure, golden rows; trust is decided when serving)."""
        self.package = load_package(Path(context.artifacts[ARTIFACT]), None, False)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Estimate risk; columns are the features and, where needed, collateral value and exposure in yuan."""
        columns = {name: _plain(model_input[name]) for name in model_input.columns}
        given = {name: columns.pop(name) for name in GIVEN if name in columns}
        estimate = self.package.bundle.estimate(columns, **given)
        table = {name: getattr(estimate, name) for name in OUTPUTS}
        return pd.DataFrame(table | {"grade": estimate.grade, "refer": estimate.refer}, index=model_input.index)


def _plain(column: Any) -> Any:
    if column.dtype.kind in "fiub":
        return column.to_numpy(dtype=np.float64)
    return np.array([None if value is None or value != value else str(value) for value in column], dtype=object)


def declare_model() -> None:
    """Tell MLflow which object is the model; called by the model code file."""
    set_model(PackageModel())


def log_package(
    store: Store,
    folder: Path,
    *,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, Any] | None = None,
    report: Path | None = None,
) -> int:
    """Log a trainer-signed package and register it as challenger.

    Args:
        store: the store.
        folder: package folder, signed by an enrolled trainer.
        metrics: further figures of the evaluation; finite.
        params: further settings of the training.
        report: file of the validation report, kept with the run.

    Returns:
        Version in the registry.

    Raises:
        ModelNotServable: the package is not in order.
    """
    package = load_package(folder, store.trusted(), False)
    client, tags = client_of(store), tags_of(package)
    with mlflow.start_run(experiment_id=experiment_of(client, store, package.name)):
        mlflow.log_metrics(dict(gate_metrics(package)) | {name: float(v) for name, v in (metrics or {}).items()})
        mlflow.log_params(params_of(package) | dict(params or {}))
        mlflow.set_tags(tags | lights_of(package))
        mlflow.log_input(_dataset(package), context="training")
        _log_evaluation(package, report)
        info = mlflow.pyfunc.log_model(
            name=ARTIFACT,
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={ARTIFACT: str(folder)},
            signature=signature_of(package),
            input_example=_example(package),
            pip_requirements=[f"eco-credit=={package.manifest['code_version']}"],
            registered_model_name=package.name,
        )
    version = int(info.registered_model_version)
    for tag, value in tags.items():
        client.set_model_version_tag(package.name, str(version), tag, value)
    client.set_registered_model_alias(package.name, "challenger", str(version))
    return version


def _gates(package: Package) -> Iterator[tuple[str, float | None, str]]:
    """Key, value and light of every gate on record; the key names gate and statistic."""
    for gate in package.gate.get("gates", ()):
        value = gate.get("value")
        yield f"{gate['gate']}.{gate['statistic']}", None if value is None else float(value), str(gate["light"])


def gate_metrics(package: Package) -> dict[str, float]:
    """A metric per measured gate, named ``G1a.pd.auc.low``."""
    return {key: value for key, value, _ in _gates(package) if value is not None and np.isfinite(value)}


def lights_of(package: Package) -> dict[str, str]:
    """A tag per gate with its light."""
    return {f"eco_credit.gate.{key}": light for key, _, light in _gates(package)}


def params_of(package: Package) -> dict[str, Any]:
    """What identifies the training: seed, rules, contract, rows per window, code and libraries."""
    kept = package.manifest
    nested = {part: kept[part] for part in ("contract", "rules", "data", "libraries", "plan")}
    flat = dict(_flat(nested))
    return {"seed": kept["seed"], "code_version": kept["code_version"], "synthetic": package.synthetic} | flat


def _flat(data: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def tags_of(package: Package) -> dict[str, str]:
    """What is said of a version: digests, people, target, kinds of collateral, the record of its gates."""
    kinds = {feature.family for feature in package.bundle.features.features if feature.applies}
    plan = parse_json(package.files["plan.json"], "plan.json") if "plan.json" in package.files else {}
    return {
        DIGEST_TAG: package.digest,
        "eco_credit.trainer": package.trainer,
        "eco_credit.synthetic": str(package.synthetic).lower(),
        "eco_credit.gate": str(package.gate.get("status", "")),
        "eco_credit.gate_id": sha256(package.files["gate.json"])[:16],
        "eco_credit.target": str(plan.get("data", {}).get("target", "default")),
        "eco_credit.kinds": ",".join(sorted(kinds)),
        "eco_credit.data": str(package.manifest["data"].get("digest", "")),
        "eco_credit.contract": str(package.manifest["contract"]["digest"]),
    }


def _dataset(package: Package) -> MetaDataset:
    """The training data by name and digest; MLflow gets no rows and no place to find them."""
    data, contract = package.manifest["data"], package.manifest["contract"]
    digest = str(data.get("digest", ""))
    told = {"sha256": digest, "rows": str(data.get("rows", "")), "contract": str(contract["digest"])}
    return MetaDataset(CodeDatasetSource(told), name=str(contract["name"]), digest=digest[:DATASET_DIGEST])


def _log_evaluation(package: Package, report: Path | None) -> None:
    """Gates, statistics, plan and card as text beside the run, and the report where there is one."""
    for name in ("gate.json", "plan.json", "card.md"):
        if name in package.files:
            mlflow.log_text(package.files[name].decode(), f"{EVALUATION}/{name}")
    statistics = canonical_json(package.gate.get("statistics", {}))
    mlflow.log_text(statistics.decode(), f"{EVALUATION}/statistics.json")
    if report is not None:
        mlflow.log_artifact(str(report), REPORT)


def attach_report(store: Store, model: ModelName, report: Path) -> str:
    """Keep a report that was written after the training with the run of a registered version.

    Args:
        store: the store.
        model: name with alias or version.
        report: the file.

    Returns:
        SHA-256 of the file, also kept as the tag ``eco_credit.report`` of the version.

    Raises:
        ModelNotServable: the registry has no such model, or does not take the file.
    """
    record, digest = version_of(store, model), sha256(report.read_bytes())
    with answered("the registry does not take the report", "登记库未能保存报告"):
        client = client_of(store)
        client.log_artifact(record.run_id, str(report), REPORT)
        client.set_model_version_tag(model.name, str(record.version), "eco_credit.report", digest)
    return digest


def signature_of(package: Package) -> ModelSignature:
    """Typed inputs and outputs; a number may be unknown (NaN)."""
    features = package.bundle.features.features
    inputs = [ColSpec(DataType.double if f.levels is None else DataType.string, f.name) for f in features]
    if package.bundle.lgd.mode == "composition":
        inputs += [ColSpec(DataType.double, name) for name in GIVEN]
    outputs = [ColSpec(DataType.double, name) for name in OUTPUTS]
    words = [ColSpec(DataType.string, "grade"), ColSpec(DataType.boolean, "refer")]
    return ModelSignature(Schema(inputs), Schema([*outputs, *words]))


def _example(package: Package) -> pd.DataFrame:
    """The golden rows as a table: made-up rows with unknown values among them."""
    golden = parse_json(package.files["golden.json"], "golden.json")
    columns = golden["features"] | golden["given"]
    return pd.DataFrame(
        {
            name: [float.fromhex(value) for value in column["hex"]] if "hex" in column else column["text"]
            for name, column in columns.items()
        }
    )
