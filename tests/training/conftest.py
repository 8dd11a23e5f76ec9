"""Small tapes and packages shared by the tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_plan import SMALL

from eco_credit.core.numbers import Columns
from eco_credit.registry import Store
from training.plan import Plan, plan_of
from training.simulate import simulate_tape
from training.train import Setting, Trained, train


@pytest.fixture(scope="session")
def plan() -> Plan:
    return plan_of(SMALL)


@pytest.fixture(scope="session")
def tape() -> Columns:
    return simulate_tape(5_000, seed=11)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def trained(plan: Plan, tape: Columns, store: Store) -> Trained:
    return train(plan, tape, Setting(store, register=False))


@pytest.fixture(scope="session")
def guaranteed_loans() -> Path:
    """The real file of guaranteed loans, where the folder of data is present beside the repository."""
    path = Path(__file__).parents[3] / "shared" / "data" / "sba_loans" / "sba_loans_dev.parquet"
    if not path.is_file():
        pytest.skip("shared/data/sba_loans is not beside this repository")
    return path
