"""A look that is kept in the store is read back by its shape, and nothing else in the file is believed."""

from __future__ import annotations

import copy
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from look_samples import look

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store
from eco_credit.reports.monitor_kept import keep_look, kept_looks, monitor_folder, read_look
from eco_credit.reports.monitor_report import monitor_report

NAME = "eco-credit"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home", clock=lambda: dt.datetime(2026, 11, 23, 4, 5, 6, tzinfo=dt.UTC))


def test_what_was_kept_is_read_back_and_prints_the_same_page(store: Store) -> None:
    path = keep_look(store, look())
    assert kept_looks(store, NAME) == [path.stem] and path.stem.startswith("2026-11-23T040506Z-")
    assert monitor_report(read_look(store, NAME, path.stem), lang="zh") == monitor_report(look(), lang="zh")


def test_another_look_of_the_same_second_does_not_overwrite_the_first(store: Store) -> None:
    keep_look(store, look())
    keep_look(store, look() | {"light": "red"})
    keep_look(store, look())
    assert len(kept_looks(store, NAME)) == 2


@pytest.mark.parametrize(
    ("path", "value"),
    [(("score", "value"), "0.1"), (("score", "value"), True), (("light",), "purple"), (("data", "rows"), -1),
     (("data", "rows"), 1.5), (("features",), {}), (("triggers", 0, "zh"), 7), (("triggers", 0, "rules"), "x"),
     (("model",), None), (("triggers", 0, "zh"), "x" * 3000), (("grades", "table", 0, "share"), None)],
)  # fmt: skip
def test_a_look_of_another_shape_is_refused(store: Store, path: tuple[Any, ...], value: Any) -> None:
    broken = copy.deepcopy(look())
    inner: Any = broken
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    kept = keep_look(store, look()).stem
    (monitor_folder(store, NAME) / f"{kept}.json").write_text(json.dumps(broken))
    with pytest.raises(ModelNotServable, match="cannot be read"):
        read_look(store, NAME, kept)


def test_what_the_shape_does_not_name_is_dropped(store: Store) -> None:
    kept = keep_look(store, look() | {"more": "<script>"}).stem
    assert "more" not in read_look(store, NAME, kept)


@pytest.mark.parametrize("name", ["../../../keys/trusted", "x", "", "2026-11-23T040506Z-00000000"])
def test_no_other_file_is_read(store: Store, name: str) -> None:
    keep_look(store, look())
    (monitor_folder(store, NAME) / "x.json").write_text("{}")
    assert "x" not in kept_looks(store, NAME)
    with pytest.raises(ModelNotServable):
        read_look(store, NAME, name)


def test_infinity_and_endless_nesting_are_refused(store: Store) -> None:
    kept = keep_look(store, look()).stem
    for text in ('{"score": Infinity}', "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")):
        (monitor_folder(store, NAME) / f"{kept}.json").write_text(text, encoding="utf-8")
        with pytest.raises(ModelNotServable):
            read_look(store, NAME, kept)
