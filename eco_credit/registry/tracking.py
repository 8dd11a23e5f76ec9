"""The one door to MLflow: a quiet, pickle-free client, a record by name, and a package fetched back.

Whatever comes from MLflow is lineage, not trust: it is verified like any other folder.
"""

# the environment must be set before mlflow is imported: telemetry starts with it
# ruff: noqa: E402

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
    # MLflow waits minutes for a server that is gone; a rollback may not
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}.items():
    os.environ.setdefault(_name, _value)

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import identifier
from eco_credit.registry.folder import ModelName
from eco_credit.registry.store import Store

for _logger in ("mlflow", "alembic"):
    logging.getLogger(_logger).setLevel(logging.ERROR)


def client_of(store: Store) -> MlflowClient:
    """Open the registry of a store."""
    store.home.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(store.mlflow_uri)
    mlflow.set_registry_uri(store.mlflow_uri)
    return MlflowClient(store.mlflow_uri, store.mlflow_uri)


def experiment_of(client: MlflowClient, store: Store, name: str) -> str:
    """The experiment of a model name, made when there is none; a server decides itself where artefacts lie."""
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    root = (store.artifacts / name).resolve().as_uri() if store.mlflow_uri.startswith("sqlite:") else None
    return str(client.create_experiment(name, artifact_location=root))


@contextmanager
def answered(en: str, zh: str) -> Iterator[None]:
    """Turn what MLflow and its connection raise into an error of the house."""
    try:
        yield
    except (MlflowException, OSError) as error:
        raise ModelNotServable(en, zh) from error


def version_of(store: Store, model: ModelName) -> Any:
    """The registry's record of a model by alias or version.

    Raises:
        ModelNotServable: there is none, or the registry does not answer.
    """
    with answered("the registry has no such model", "登记库中没有该模型"):
        client = client_of(store)
        if model.alias is not None:
            return client.get_model_version_by_alias(model.name, model.alias)
        return client.get_model_version(model.name, str(model.version))


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
        with answered("the package cannot be fetched", "模型包无法取得"):
            uri = f"models:/{model.name}/{record.version}"
            got = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=temporary))
        folders = sorted(path.parent for path in (got / "artifacts").rglob("manifest.json"))
        if len(folders) != 1:
            raise ModelNotServable("the artefact holds no package", "登记的工件中没有模型包")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.move(str(folders[0]), str(kept))
    return kept, str(record.version)
