"""The model in service: swapped whole, kept when a new one fails, absent without harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from api_service import Client, Plain, Ticking, body_of, triple_of

from eco_credit.core.errors import ModelNotServable
from serving.app import create_app
from serving.models import Champions, Triple, load_triple, pointer_of
from serving.settings import Settings


class Store:
    """A pointer on disk and what is loaded behind it."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.home / "served" / settings.model_name / "champion.json"
        self.path.parent.mkdir(parents=True)
        self.version, self.loads = "0", 0
        self.error: Exception | None = None

    def point(self, version: str) -> None:
        """Replace the pointer, as a promotion does."""
        self.version = version
        fresh = self.path.with_suffix(".new")
        fresh.write_text(version)
        fresh.replace(self.path)

    def load(self, _: Settings) -> Triple:
        """Load what the pointer names."""
        self.loads += 1
        if self.error is not None:
            raise self.error
        return triple_of(version=self.version)


@pytest.fixture
def store(settings: Settings) -> Store:
    """A store that serves version 1."""
    made = Store(settings)
    made.point("1")
    return made


def version_of(client: Client) -> str:
    """Version in service as the API tells it."""
    return str(client.get("/v1/models").json()["models"][0]["version"])


def test_a_promotion_is_picked_up_without_a_restart(settings: Settings, store: Store) -> None:
    app = create_app(settings, pipeline=Plain(), champions=Champions(settings, store.load), clock=Ticking())
    with Client(app) as client:
        assert version_of(client) == "1"
        store.point("2")
        client.wait(0.3)
        assert version_of(client) == "2"
        assert store.loads == 2  # once for each pointer, not at each look


@pytest.mark.parametrize(
    "error", [ModelNotServable("altered"), OSError("gone"), RuntimeError("unforeseen"), KeyError("x")]
)
def test_a_package_that_does_not_load_leaves_the_last_good_one(
    settings: Settings, store: Store, error: Exception
) -> None:
    champions = Champions(settings, store.load)
    assert champions.refresh() is True
    store.error = error
    store.point("2")
    assert champions.refresh() is False
    assert champions.current().package.version == "1"
    assert champions.alarm
    store.error = None
    store.point("3")
    assert champions.refresh() is True
    assert champions.current().package.version == "3"
    assert champions.alarm is None


def test_nothing_is_loaded_while_the_pointer_stays(settings: Settings, store: Store) -> None:
    champions = Champions(settings, store.load)
    assert [champions.refresh() for _ in range(3)] == [True, None, None]
    assert store.loads == 1


def test_a_request_keeps_the_triple_it_began_with(settings: Settings, store: Store) -> None:
    champions = Champions(settings, store.load)
    champions.refresh()
    kept = champions.current()
    store.point("2")
    champions.refresh()
    assert (kept.package.version, champions.current().package.version) == ("1", "2")


def test_without_a_champion_the_service_lives_but_does_not_answer(settings: Settings) -> None:
    def none(_: Settings) -> Any:
        raise ModelNotServable("no champion")

    with Client(create_app(settings, pipeline=Plain(), champions=Champions(settings, none))) as client:
        assert client.get("/livez").status_code == 200
        assert client.get("/readyz").status_code == 503
        refused = client.post("/v1/scores", body_of({"amount": 1}))
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/model_not_servable")
        assert client.get("/v1/models").status_code == 503
        assert client.records() == []


def test_an_empty_store_has_no_pointer_and_no_model(tmp_path: Path) -> None:
    settings = Settings(access="open", home=tmp_path)
    assert pointer_of(settings) is None
    with pytest.raises(ModelNotServable):
        load_triple(settings)
