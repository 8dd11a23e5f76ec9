"""What a run computed with stands in its manifest and report, and a run is only continued with the same."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch_rows import StandIn, flat, write_parquet
from small_store import add_model

from eco_credit.core.errors import ContractError
from eco_credit.scoring.doors import DEFAULT_MODEL
from serving.batch import Limits, Options, run, run_batch
from serving.batch.scorer import ServedScorer
from serving.batch.witness import witness
from serving.jobs.child import perform
from serving.jobs.store import JobStore, Wanted


class Stop(Exception):
    """Breaks a run."""


def interrupted(tmp_path: Path, rows: int = 9) -> Path:
    source = write_parquet(tmp_path / "in.parquet", flat(rows))

    def stop(chunks: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        run_batch(
            source, tmp_path / "out.parquet", scorer=StandIn(), options=Options(Limits(chunk_rows=2), after_chunk=stop)
        )
    return source


def resumed(tmp_path: Path, source: Path, scorer: Any = None) -> dict[str, Any]:
    options = Options(Limits(chunk_rows=2), resume=True)
    return run_batch(source, tmp_path / "out.parquet", scorer=scorer or StandIn(), options=options)


def test_the_manifest_and_the_report_say_what_the_run_computed_with(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", flat(3))
    manifest = run_batch(source, tmp_path / "out.parquet", scorer=StandIn(), options=Options(lang="en"))
    found = manifest["run"]["witness"]
    assert found == witness() == json.loads((tmp_path / "out.manifest.json").read_text())["run"]["witness"]
    assert found["numpy"] == np.__version__ and re.fullmatch("[0-9a-f]{64}", found["arithmetic"])
    report = (tmp_path / "out.report.html").read_text(encoding="utf-8")
    assert all(str(value) in report for value in found.values())


@pytest.mark.parametrize("names", [("numpy",), ("arithmetic",), ("code", "pyarrow")])
def test_a_run_is_not_continued_with_other_code_libraries_or_arithmetic_which_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    source = interrupted(tmp_path)
    other = witness() | {name: f"other-{name}" for name in names}
    monkeypatch.setattr(run, "witness", lambda: other)
    with pytest.raises(ContractError) as error:
        resumed(tmp_path, source)
    (found,) = error.value.violations
    assert found.rule == "other_witness" and found.field == "--resume"
    for sentence in (found.en, found.zh):
        assert all(f"{name} {witness()[name][:16]} -> other-{name}" in sentence for name in names)
        assert not any(f"{name} " in sentence.partition("：")[2] for name in set(witness()) - set(names))
    monkeypatch.undo()
    assert resumed(tmp_path, source)["counts"]["rows"] == 11, "nothing was lost by the refusal"


def test_another_input_with_the_same_libraries_is_refused_as_such(tmp_path: Path) -> None:
    source = interrupted(tmp_path)
    with pytest.raises(ContractError) as error:
        resumed(tmp_path, source, StandIn(name="another"))
    assert [one.rule for one in error.value.violations] == ["input_changed"]


def test_a_journal_of_an_earlier_release_is_refused_and_not_misread(tmp_path: Path) -> None:
    source = interrupted(tmp_path)
    log = tmp_path / "out.parts" / "journal.jsonl"
    head, *lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    old = json.loads(head) | {"run": "0" * 64}
    del old["witness"]
    log.write_text(json.dumps(old) + "\n" + "".join(lines), encoding="utf-8")
    with pytest.raises(ContractError) as error:
        resumed(tmp_path, source)
    assert [one.rule for one in error.value.violations] == ["input_changed"]


def test_a_job_that_was_interrupted_begins_anew_under_another_release(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = add_model(tmp_path / "home").home
    store = JobStore(home)
    folder = store.fresh("t")
    write_parquet(folder / "input.parquet", flat(9))
    wanted = Wanted(".parquet", ".parquet", reject_limit=0.5)
    job = store.add(folder, ("t", "u"), datetime(2026, 11, 23, tzinfo=UTC), wanted, key=None)

    def stop(chunks: int) -> None:
        raise Stop

    monkeypatch.setattr(run, "witness", lambda: witness() | {"numpy": "1.0"})
    options = Options(Limits(chunk_rows=2), after_chunk=stop)
    with pytest.raises(Stop):
        run_batch(job.input, job.file("result"), scorer=ServedScorer(home, model=DEFAULT_MODEL), options=options)
    monkeypatch.undo()
    given = {"home": str(home), "overlay": None, "book": None, "model": DEFAULT_MODEL, "chunk_rows": 2}
    assert perform(job, given)["counts"] == {"rows": 11, "scored": 11, "rejected": 0, "chunks": 5}
