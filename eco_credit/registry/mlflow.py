"""MLflow: lineage, versions and aliases of model packages. The only file that imports mlflow.

MLflow keeps the package as an artefact of a models-from-code ``pyfunc``; nothing is pickled. Whatever
comes back from it is verified like any other folder. The input example is a golden row, made up:
no row of a customer is ever logged.
"""

# the environment must be set before mlflow is imported: telemetry starts with it
# ruff: noqa: E402

from __future__ import annotations

import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}.items():
    os.environ.setdefault(_name, _value)

import mlflow
import mlflow.pyfunc
import numpy as np
import pandas as pd  # mlflow has imported it already; MLflow resolves the hints of predict at run time
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature, set_model
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import identifier, parse_json
from eco_credit.registry.folder import ModelName
from eco_credit.registry.package import Package, load_package, write_folder
from eco_credit.registry.pointer import (
    Pointer,
    read_history,
    read_pointer,
    write_pointer,
)
from eco_credit.registry.signature import SIGNATURE_FILES
from eco_credit.registry.store import CHAMPION, Store, pointed

for _logger in ("mlflow", "alembic"):
    logging.getLogger(_logger).setLevel(logging.ERROR)

DIGEST_TAG = "eco_credit.digest"
POINTER_TAG = "eco_credit.pointer"
APPROVAL_TAG = "eco_credit.approval"
ARTIFACT = "package"
OUTPUTS = ("pd", "pd_low", "pd_high", "lgd", "lgd_low", "lgd_high", "expected_loss_rate", "score")
GIVEN = ("collateral_value", "exposure")


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


def client_of(store: Store) -> MlflowClient:
    """Open the registry of a store."""
    store.home.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(store.mlflow_uri)
    mlflow.set_registry_uri(store.mlflow_uri)
    return MlflowClient(store.mlflow_uri, store.mlflow_uri)


def log_package(
    store: Store,
    folder: Path,
    *,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, Any] | None = None,
    contract: str | None = None,
) -> int:
    """Log a trainer-signed package and register it as challenger.

    Args:
        store: the store.
        folder: package folder, signed by an enrolled trainer.
        metrics: figures of the evaluation; finite.
        params: settings of the training.
        contract: as in `load_package`.

    Returns:
        Version in the registry.

    Raises:
        ModelNotServable: the package is not in order.
    """
    package = load_package(folder, store.trusted(), False, contract=contract)
    client = client_of(store)
    with mlflow.start_run(experiment_id=_experiment(client, store, package.name)):
        mlflow.log_metrics({name: float(value) for name, value in (metrics or {}).items()})
        mlflow.log_params(dict(params or {}))
        mlflow.set_tags(_tags(package))
        info = mlflow.pyfunc.log_model(
            name=ARTIFACT,
            python_model=str(Path(__file__).with_name("pyfunc_model.py")),
            artifacts={ARTIFACT: str(folder)},
            signature=_signature(package),
            input_example=_example(package),
            pip_requirements=[f"eco-credit=={package.manifest['code_version']}"],
            registered_model_name=package.name,
        )
    version = int(info.registered_model_version)
    for tag, value in _tags(package).items():
        client.set_model_version_tag(package.name, str(version), tag, value)
    client.set_registered_model_alias(package.name, "challenger", str(version))
    return version


def _experiment(client: MlflowClient, store: Store, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    root = (store.artifacts / name).resolve().as_uri() if store.mlflow_uri.startswith("sqlite:") else None
    return str(client.create_experiment(name, artifact_location=root))


def _tags(package: Package) -> dict[str, str]:
    return {
        DIGEST_TAG: package.digest,
        "eco_credit.trainer": package.trainer,
        "eco_credit.synthetic": str(package.synthetic).lower(),
        "eco_credit.gate": str(package.gate.get("status", "")),
        "eco_credit.data": str(package.manifest["data"].get("digest", "")),
        "eco_credit.contract": str(package.manifest["contract"]["digest"]),
    }


def _signature(package: Package) -> ModelSignature:
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


def version_of(store: Store, model: ModelName) -> Any:
    """The registry's record of a model by alias or version.

    Raises:
        ModelNotServable: there is none.
    """
    client = client_of(store)
    try:
        if model.alias is not None:
            return client.get_model_version_by_alias(model.name, model.alias)
        return client.get_model_version(model.name, str(model.version))
    except MlflowException as error:
        raise ModelNotServable("the registry has no such model", "登记库中没有该模型") from error


def fetch(store: Store, model: ModelName) -> tuple[Path, str]:
    """Bring a package from the registry into the store's ``fetched`` folder.

    Returns:
        Package folder (not verified here) and version.

    Raises:
        ModelNotServable: the registry has no such model or its artefact is not there.
    """
    record = version_of(store, model)
    kept = store.home / "fetched" / identifier(model.name) / str(int(record.version))
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".fetching-") as temporary:
        try:
            uri = f"models:/{model.name}/{record.version}"
            got = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=temporary))
        except (MlflowException, OSError) as error:
            raise ModelNotServable("the package cannot be fetched", "模型包无法取得") from error
        folders = sorted(path.parent for path in (got / "artifacts").rglob("manifest.json"))
        if len(folders) != 1:
            raise ModelNotServable("the artefact holds no package", "登记的工件中没有模型包")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.move(str(folders[0]), str(kept))
    return kept, str(record.version)


def follow(store: Store, pointer: Pointer) -> None:
    """Let MLflow's alias follow a pointer, and keep pointer and approval as tags of the version."""
    client, version = client_of(store), str(pointer.version)
    path = store.pointer_path(pointer.name, pointer.alias)
    approval = store.served_folder(pointer.name) / pointer.digest / SIGNATURE_FILES["approver"]
    tags = {
        f"{POINTER_TAG}.{pointer.alias}": path.read_text(encoding="utf-8"),
        APPROVAL_TAG: approval.read_text(encoding="utf-8"),
        "eco_credit.approver": pointer.approver,
    }
    for tag, value in tags.items():
        client.set_model_version_tag(pointer.name, version, tag, value)
    client.set_registered_model_alias(pointer.name, pointer.alias, version)


def list_models(store: Store) -> list[dict[str, Any]]:
    """All versions in the registry, newest first within a name: version, aliases, digest, trainer, approver, gate."""
    client = client_of(store)
    rows = []
    for model in sorted(client.search_registered_models(), key=lambda found: str(found.name)):
        aliases: dict[str, list[str]] = {}
        for alias, version in client.get_registered_model(model.name).aliases.items():
            aliases.setdefault(str(version), []).append(alias)
        found = client.search_model_versions(f"name='{model.name}'")
        for record in sorted(found, key=lambda item: -int(item.version)):
            rows.append(_row(record, sorted(aliases.get(str(record.version), []))))
    return rows


def _row(record: Any, aliases: list[str]) -> dict[str, Any]:
    names = ("digest", "trainer", "approver", "gate", "synthetic", "data")
    kept = {name: record.tags.get(f"eco_credit.{name}", "") for name in names}
    return {"name": record.name, "version": int(record.version), "aliases": aliases} | kept


def reconcile(store: Store, name: str, alias: str = CHAMPION) -> str:
    """Make the local pointer and MLflow's alias agree, if an approval says so.

    Returns:
        ``same`` when they agree; ``installed`` when another machine's promotion was taken over, its package fetched,
        verified and pointed to; ``followed`` when the alias lagged behind the signed pointer of this store and was
        moved to it.

    Raises:
        ModelNotServable: the alias names a version that nobody approved for it, or the package is not in order.
    """
    record = version_of(store, ModelName(identifier(name), alias=alias))
    here = pointed(store, name, alias) if store.pointer_path(name, alias).is_file() else None
    if here is not None and (str(here.version), here.digest) == (str(record.version), record.tags.get(DIGEST_TAG)):
        return "same"
    told, approval = record.tags.get(f"{POINTER_TAG}.{alias}"), record.tags.get(APPROVAL_TAG)
    if told is None or approval is None:
        raise ModelNotServable("the alias was moved without an approval", "别名变更未经批准")
    stored = parse_json(told.encode(), "pointer")
    if here is not None and read_pointer(stored, store.trusted()).sequence <= here.sequence:
        follow(store, here)
        return "followed"
    _take_over(store, stored, approval.encode())
    return "installed"


def _take_over(store: Store, stored: dict[str, Any], approval: bytes) -> None:
    """Install a package that was promoted on another machine against the same registry."""
    pointer = read_pointer(stored, store.trusted())
    path = store.pointer_path(pointer.name, pointer.alias)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = read_history(path, store.trusted())
    if len(before) != pointer.sequence - 1:
        raise ModelNotServable("promotions in between are missing here", "缺少中间的批准记录")
    folder, _ = fetch(store, ModelName(pointer.name, version=pointer.version))
    package = load_package(folder, store.trusted(), False)
    target = path.parent / pointer.digest
    if package.digest != pointer.digest:
        raise ModelNotServable("the registry holds another package than was approved", "登记的模型包与批准的不一致")
    if not target.exists():
        write_folder(target, {**package.files, SIGNATURE_FILES["approver"]: approval})
    load_package(target, store.trusted())
    write_pointer(path, stored, before)


def main(arguments: list[str]) -> int:
    """``python -m eco_credit.registry.mlflow reconcile HOME NAME [ALIAS]``: 0 when all agrees, 3 when it cannot."""
    if len(arguments) not in (3, 4) or arguments[0] != "reconcile":
        sys.stderr.write("usage: reconcile HOME NAME [ALIAS]\n")
        return 2
    try:
        reconcile(Store(Path(arguments[1])), *arguments[2:])
    except ModelNotServable as error:
        sys.stderr.write(canonical_json({"error": error.code, "en": error.en, "zh": error.zh}).decode() + "\n")
        return 3
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
