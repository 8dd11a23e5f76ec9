"""A batch run: every door gives the same numbers, no row is lost, a crash changes no byte."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from batch_rows import StandIn, cells, flat, write_csv, write_parquet, write_xlsx

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns, take
from serving.batch import Limits, Options, RejectShare, run_batch
from serving.batch.engines import dask_engine
from serving.batch.results import read_results

SMALL = Options(limits=Limits(chunk_rows=7))


def table(path: Path) -> list[dict[str, object]]:
    return pq.read_table(path).to_pylist()


@pytest.fixture(scope="module")
def rows() -> Columns:
    return flat(24)


def test_the_same_rows_as_parquet_csv_and_xlsx_give_the_same_result(rows: Columns, tmp_path: Path) -> None:
    header, lines = list(rows), cells(rows)
    inputs = [
        write_parquet(tmp_path / "a.parquet", rows),
        write_csv(tmp_path / "b.csv", header, lines),
        write_xlsx(tmp_path / "c.xlsx", {"台账": [header, *lines]}),
    ]
    results = []
    for path in inputs:
        out = tmp_path / f"{path.stem}-out.parquet"
        manifest = run_batch(path, out, scorer=StandIn(), options=SMALL)
        assert manifest["counts"] == {"rows": 30, "scored": 30, "rejected": 0, "chunks": 4}  # 24 + 6 second pledges
        results.append(manifest["output"]["sha256"])
    assert len(set(results)) == 1


@pytest.mark.parametrize("ending", ["parquet", "csv", "xlsx"])
def test_a_result_reads_back_to_the_same_numbers_from_every_format(rows: Columns, tmp_path: Path, ending: str) -> None:
    source = write_parquet(tmp_path / "a.parquet", rows)
    run_batch(source, tmp_path / "whole.parquet", scorer=StandIn(), options=SMALL)
    run_batch(source, tmp_path / f"other.{ending}", scorer=StandIn(), options=SMALL)
    first, second = read_results(tmp_path / "whole.parquet"), read_results(tmp_path / f"other.{ending}")
    assert list(first) == list(second)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_the_size_of_a_chunk_changes_no_number(rows: Columns, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", rows)
    results = []
    for size in (1, 5, 1000):
        run_batch(
            source, tmp_path / f"{size}.parquet", scorer=StandIn(), options=Options(limits=Limits(chunk_rows=size))
        )
        results.append(table(tmp_path / f"{size}.parquet"))
    assert results[0] == results[1] == results[2]


def test_the_order_of_applications_changes_no_number(rows: Columns, tmp_path: Path) -> None:
    ids = list(dict.fromkeys(rows["application_id"]))
    random.Random(5).shuffle(ids)
    order = np.concatenate([np.flatnonzero(rows["application_id"] == name) for name in ids])
    for name, columns in (("straight", rows), ("mixed", take(rows, order))):
        run_batch(
            write_parquet(tmp_path / f"{name}.parquet", columns),
            tmp_path / f"{name}-out.parquet",
            scorer=StandIn(),
            options=SMALL,
        )
    key = lambda line: (line["application_id"], line["pledge_id"])
    straight, mixed = (
        {key(line): {**line, "row": None} for line in table(tmp_path / f"{name}-out.parquet")}
        for name in ("straight", "mixed")
    )
    assert straight == mixed


class Crash(Exception):
    """The power goes."""


@pytest.mark.parametrize("ending", ["parquet", "csv", "xlsx"])
@pytest.mark.parametrize("chunk", [1, 3])
def test_a_run_that_broke_off_resumes_to_the_same_bytes(rows: Columns, tmp_path: Path, ending: str, chunk: int) -> None:
    source = write_parquet(tmp_path / "a.parquet", rows)
    whole = run_batch(source, tmp_path / f"whole.{ending}", scorer=StandIn(), options=SMALL)

    def crash(done: int) -> None:
        if done == chunk:
            raise Crash

    with pytest.raises(Crash):
        run_batch(source, tmp_path / f"broken.{ending}", scorer=StandIn(), options=replace(SMALL, after_chunk=crash))
    assert not (tmp_path / f"broken.{ending}").exists()
    again = run_batch(source, tmp_path / f"broken.{ending}", scorer=StandIn(), options=replace(SMALL, resume=True))
    assert again["output"]["sha256"] == whole["output"]["sha256"]
    assert not (tmp_path / "broken.parts").exists()


def test_a_killed_process_resumes_to_the_same_bytes(rows: Columns, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", rows)
    whole = run_batch(source, tmp_path / "whole.parquet", scorer=StandIn(), options=SMALL)
    code = (
        "import os, signal, sys; from pathlib import Path; from batch_rows import StandIn;"
        "from serving.batch import Limits, Options, run_batch;"
        "kill = lambda done: os.kill(os.getpid(), signal.SIGKILL) if done == 2 else None;"
        "run_batch(Path(sys.argv[1]), Path(sys.argv[2]), scorer=StandIn(),"
        " options=Options(limits=Limits(chunk_rows=7), after_chunk=kill))"
    )
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    code = f"import sys; sys.path[:0] = {paths!r}; {code}"
    killed = subprocess.run([sys.executable, "-c", code, str(source), str(tmp_path / "k.parquet")], check=False)
    assert killed.returncode == -9
    assert (tmp_path / "k.parts" / "journal.jsonl").read_text().count("\n") == 3  # the run and two chunks
    resumed = run_batch(source, tmp_path / "k.parquet", scorer=StandIn(), options=replace(SMALL, resume=True))
    assert resumed["output"]["sha256"] == whole["output"]["sha256"]


def _break_off(source: Path, out: Path) -> None:
    def crash(done: int) -> None:
        if done == 2:
            raise Crash

    with pytest.raises(Crash):
        run_batch(source, out, scorer=StandIn(), options=replace(SMALL, after_chunk=crash))


def test_a_damaged_part_is_worked_again_on_resume(rows: Columns, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", rows)
    whole = run_batch(source, tmp_path / "whole.parquet", scorer=StandIn(), options=SMALL)
    _break_off(source, tmp_path / "b.parquet")
    part = tmp_path / "b.parts" / "000001.result.arrow"
    part.write_bytes(part.read_bytes()[:-1] + b"X")
    resumed = run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=replace(SMALL, resume=True))
    assert resumed["output"]["sha256"] == whole["output"]["sha256"]


def test_a_torn_last_line_of_the_journal_costs_one_chunk_only(rows: Columns, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", rows)
    whole = run_batch(source, tmp_path / "whole.parquet", scorer=StandIn(), options=SMALL)
    _break_off(source, tmp_path / "b.parquet")
    log = tmp_path / "b.parts" / "journal.jsonl"
    log.write_bytes(log.read_bytes()[:-9])
    resumed = run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=replace(SMALL, resume=True))
    assert resumed["output"]["sha256"] == whole["output"]["sha256"]


@pytest.mark.parametrize("change", ["input", "model", "chunk"])
def test_a_resumed_run_with_another_input_model_or_chunk_is_refused(rows: Columns, tmp_path: Path, change: str) -> None:
    source = write_parquet(tmp_path / "a.parquet", rows)
    _break_off(source, tmp_path / "b.parquet")
    if change == "input":
        write_parquet(source, take(rows, np.arange(20)))
    scorer = StandIn(name="other" if change == "model" else "stand-in")
    limits = Limits(chunk_rows=8 if change == "chunk" else 7)
    with pytest.raises(ContractError, match="not the run that was interrupted"):
        run_batch(source, tmp_path / "b.parquet", scorer=scorer, options=Options(limits=limits, resume=True))


def test_two_runs_do_not_write_the_same_result(rows: Columns, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", rows)

    def second(done: int) -> None:
        with pytest.raises(ContractError, match="another run"):
            run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=SMALL)

    run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=replace(SMALL, after_chunk=second))


def test_every_row_is_in_the_result_or_in_the_rejects(rows: Columns, tmp_path: Path) -> None:
    broken = {name: column.copy() for name, column in rows.items()}
    broken["term_months"][4] = 999.0  # the contract allows 360
    broken["as_of"][10] = np.datetime64("NaT")
    source = write_parquet(tmp_path / "a.parquet", broken)
    manifest = run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=SMALL)
    good = {line["row"] for line in table(tmp_path / "b.parquet")}
    bad = {line["row"] for line in table(tmp_path / "b.rejects.parquet")}
    assert good | bad == set(range(1, 31)) and not good & bad
    assert manifest["counts"]["scored"] == len(good) and manifest["counts"]["rejected"] == len(bad)


def test_an_application_with_one_rejected_row_is_rejected_whole(rows: Columns, tmp_path: Path) -> None:
    broken = {name: column.copy() for name, column in rows.items()}
    assert broken["application_id"][3] == broken["application_id"][4] == "A000003"
    broken["charge_rank"][3] = 0.0
    run_batch(write_parquet(tmp_path / "a.parquet", broken), tmp_path / "b.parquet", scorer=StandIn(), options=SMALL)
    found = [(line["row"], line["rule"]) for line in table(tmp_path / "b.rejects.parquet")]
    assert found == [(4, "minimum"), (5, "application_rejected")]


def test_rows_of_one_application_that_do_not_stand_together_are_rejected(rows: Columns, tmp_path: Path) -> None:
    moved = take(rows, np.array([*range(4), *range(5, 30), 4]))  # the second pledge of A000003 goes to the end
    run_batch(write_parquet(tmp_path / "a.parquet", moved), tmp_path / "b.parquet", scorer=StandIn(), options=SMALL)
    found = [(line["row"], line["rule"]) for line in table(tmp_path / "b.rejects.parquet")]
    assert found == [(4, "not_contiguous"), (30, "not_contiguous")]


def test_rows_of_one_application_that_disagree_about_the_loan_are_rejected(rows: Columns, tmp_path: Path) -> None:
    broken = {name: column.copy() for name, column in rows.items()}
    broken["amount_requested"][4] += 1.0
    run_batch(write_parquet(tmp_path / "a.parquet", broken), tmp_path / "b.parquet", scorer=StandIn(), options=SMALL)
    found = {(line["row"], line["field"], line["rule"]) for line in table(tmp_path / "b.rejects.parquet")}
    assert (5, "amount_requested", "rows_disagree") in found and {row for row, _, _ in found} == {4, 5}


def test_an_application_that_cannot_be_scored_does_not_take_others_with_it(rows: Columns, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", rows)
    run_batch(source, tmp_path / "b.parquet", scorer=StandIn(breaks_on="A000003"), options=SMALL)
    found = [(line["row"], line["rule"]) for line in table(tmp_path / "b.rejects.parquet")]
    assert found == [(4, "rule_not_in_force"), (5, "rule_not_in_force")]
    run_batch(source, tmp_path / "c.parquet", scorer=StandIn(), options=SMALL)
    kept = [line for line in table(tmp_path / "c.parquet") if line["application_id"] != "A000003"]
    assert table(tmp_path / "b.parquet") == kept


def test_too_many_rejects_fail_the_run_and_keep_the_reject_file(rows: Columns, tmp_path: Path) -> None:
    broken = {name: column.copy() for name, column in rows.items()}
    broken["term_months"][:] = 0.0
    source = write_parquet(tmp_path / "a.parquet", broken)
    with pytest.raises(RejectShare):
        run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=SMALL)
    assert not (tmp_path / "b.parquet").exists()
    assert len(table(tmp_path / "b.rejects.parquet")) == 30
    assert json.loads((tmp_path / "b.manifest.json").read_text())["status"] == "failed"


def test_rejects_repeat_no_value_of_the_input(rows: Columns, tmp_path: Path) -> None:
    broken = {name: column.copy() for name, column in rows.items()}
    broken["id_no"][2] = "CANARY-110101199003070000"
    run_batch(write_parquet(tmp_path / "a.parquet", broken), tmp_path / "b.csv", scorer=StandIn(), options=SMALL)
    written = (tmp_path / "b.rejects.csv").read_text("utf-8-sig") + (tmp_path / "b.manifest.json").read_text()
    assert "id_no" in written and "CANARY" not in written


def test_names_and_numbers_of_people_do_not_reach_the_result(rows: Columns, tmp_path: Path) -> None:
    run_batch(write_parquet(tmp_path / "a.parquet", rows), tmp_path / "b.parquet", scorer=StandIn(), options=SMALL)
    assert not {"borrower_name", "id_no", "address", "buyer_name"} & set(pq.read_schema(tmp_path / "b.parquet").names)


def test_a_cluster_gives_the_same_bytes_as_this_process(rows: Columns, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    source = write_parquet(tmp_path / "a.parquet", rows)
    here = run_batch(source, tmp_path / "a-out.parquet", scorer=StandIn(), options=SMALL)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        engine = dask_engine(cluster.scheduler_address)
        there = run_batch(source, tmp_path / "b-out.parquet", scorer=StandIn(), options=replace(SMALL, engine=engine))
    assert there["output"]["sha256"] == here["output"]["sha256"]
