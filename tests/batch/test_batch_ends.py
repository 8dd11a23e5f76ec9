"""How a run ends: workbook, report, gate, lease, a full disk."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow.parquet as pq
import pytest
from batch_rows import ROWS, StandIn, cells, flat, write_csv, write_parquet
from small_store import add_model
from test_batch_command import program

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from serving.batch import Limits, Options, run_batch
from serving.batch.journal import Journal
from serving.batch.lease import SECONDS, Lease
from serving.batch.report import run_report
from serving.batch.scorer import ServedScorer

SMALL = Options(limits=Limits(chunk_rows=7))


def broken(count: int = 24) -> Columns:
    """Rows of which the fifth (and so its application, rows 4 and 5) breaks a bound."""
    columns = {name: column.copy() for name, column in flat(count).items()}
    columns["charge_rank"][4] = 0.0
    return columns


# --- workbook


def test_a_workbook_shows_every_row_in_order_with_its_answer_or_its_error(tmp_path: Path) -> None:
    home = add_model(tmp_path / "home").home
    source = write_parquet(tmp_path / "a.parquet", broken())
    run_batch(source, tmp_path / "b.xlsx", scorer=ServedScorer(home), options=SMALL)
    run_batch(source, tmp_path / "c.parquet", scorer=ServedScorer(home), options=SMALL)
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    assert book.sheetnames == ["结果", "差错"]
    header, *rows = book["结果"].iter_rows(values_only=True)
    assert header[:8] == ("row", "结果", "原因1", "原因2", "原因3", "额度(万元)", "抵押价值(万元)", "错误")
    assert [row[0] for row in rows] == list(range(1, 31))
    assert [row[1] for row in rows][3:5] == ["拒收", "拒收"]
    assert rows[4][7] and "抵质押顺位" in rows[4][7]
    exact = {line["row"]: line for line in pq.read_table(tmp_path / "c.parquet").to_pylist()}
    for row in rows:
        if row[0] in exact:
            assert row[5] == round(exact[row[0]]["max_loan"] / 10_000, 6)
            assert row[6] == round(exact[row[0]]["lending_value"] / 10_000, 6)
            assert (row[2] or "").split(" ")[0] == (exact[row[0]]["reason_1"] or "")
    assert any(row[2] and len(row[2]) > 4 for row in rows)  # a code and its sentence
    errors = list(book["差错"].iter_rows(values_only=True))
    assert errors[0][:5] == ("行号", "工作表", "列", "规则", "如何修改")
    assert [(line[0], line[3]) for line in errors[1:]] == [(4, "application_rejected"), (5, "minimum")]


def test_a_workbook_repeats_no_personal_value(tmp_path: Path) -> None:
    columns = broken()
    columns["borrower_name"][:] = "CANARY"
    run_batch(write_parquet(tmp_path / "a.parquet", columns), tmp_path / "b.xlsx", scorer=StandIn(), options=SMALL)
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    assert "CANARY" not in {cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row}


# --- report


@pytest.mark.parametrize(("lang", "words"), [("zh", "拒收原因"), ("en", "Why rows were rejected")])
def test_a_report_says_what_became_of_the_rows_in_both_languages(tmp_path: Path, lang: str, words: str) -> None:
    source = write_parquet(tmp_path / "a.parquet", broken())
    manifest = run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=replace(SMALL, lang=lang))
    page = (tmp_path / "b.report.html").read_text("utf-8")
    assert page == run_report(manifest, lang=lang)
    assert words in page and "application_rejected" in page and "30" in page and "<script" not in page
    assert manifest["figures"]["applications"] == 23  # one of 24 is rejected
    amounts = np.sort([100_000.0 + 1_234.56 * i for i in range(24) for _ in range(2 if i % 4 == 3 else 1) if i != 3])
    assert manifest["figures"]["ranges"]["amount_requested"] == pytest.approx(
        [amounts[0], amounts[int(0.5 * 27)], amounts[-1]], rel=1e-12  # 28 rows are left
    )


def test_an_amount_far_from_any_loan_makes_a_warning_and_no_reject(tmp_path: Path) -> None:
    columns = {name: column.copy() for name, column in flat(4).items()}
    columns["amount_requested"] = columns["amount_requested"] / 10_000  # 万元 in a column of yuan
    manifest = run_batch(write_parquet(tmp_path / "a.parquet", columns), tmp_path / "b.parquet", scorer=StandIn())
    assert [one["rule"] for one in manifest["input"]["warnings"]] == ["unit_suspect"]
    assert manifest["counts"]["rejected"] == 0


@pytest.mark.parametrize(("amount", "told"), [(999.99, True), (1_000.0, False), (1e10, False), (1.0001e10, True)])
def test_the_usual_amount_is_a_rule_of_the_run_and_its_bounds_are_usual(
    tmp_path: Path, amount: float, told: bool
) -> None:
    columns = {name: column.copy() for name, column in flat(4).items()}
    columns["amount_requested"] = np.full(len(columns["amount_requested"]), amount)
    manifest = run_batch(write_parquet(tmp_path / "a.parquet", columns), tmp_path / "b.parquet", scorer=StandIn())
    assert [one["rule"] for one in manifest["input"]["warnings"]] == ["unit_suspect"] * told


def test_a_lender_may_set_the_usual_amount_and_the_widest_of_the_days_holds(tmp_path: Path) -> None:
    class Overlaid(StandIn):
        overlay = tmp_path / "own.yaml"

    name, by = "credit.intake.usual_amount_min", "published: 2000-01-01, ref: house-policy"
    Overlaid.overlay.write_text(
        f"{name}: {{in_force: 2026-11-24, value: 500000, {by}}}\n", encoding="utf-8"
    )
    columns = flat(4)  # amounts from 100,000 yuan on
    for days, told in ((["2026-11-24"] * 5, True), (["2026-11-23"] * 2 + ["2026-11-24"] * 3, False)):
        columns["as_of"] = np.array(days, dtype="datetime64[D]")
        path = write_parquet(tmp_path / "a.parquet", columns)
        manifest = run_batch(path, tmp_path / "b.parquet", scorer=Overlaid())
        assert [one["rule"] for one in manifest["input"]["warnings"]] == ["unit_suspect"] * told


# --- gate


def test_too_many_rejects_end_the_command_with_four_and_name_option_and_rule(tmp_path: Path) -> None:
    home = add_model(tmp_path / "home").home
    source = write_parquet(tmp_path / "a.parquet", broken(4))
    start = [sys.executable, "-c", "from serving.cli import main; main()", "batch", "run", str(source)]
    words = [*start, str(tmp_path / "b.csv"), "--home", str(home), "--reject-limit", "0.1"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 4, done.stderr
    assert "--reject-limit 0.1 [reject_share] 2/5" in done.stderr
    assert not (tmp_path / "b.csv").exists() and (tmp_path / "b.rejects.csv").exists()
    assert (tmp_path / "b.report.html").exists()


def test_the_command_takes_mappings_and_lists_those_that_are_shipped(tmp_path: Path) -> None:
    home = add_model(tmp_path / "home").home
    listed = json.loads(program("batch", "mappings", "--json").stdout)
    assert {"guarantee_export", "forest_map", "register_forest", "water_permit"} <= {one["name"] for one in listed}
    assert "as_of" in listed[0]["lacking"]
    head = ["唯一业务编号" if name == "application_id" else name for name in ROWS]
    head[head.index("amount_requested")] = "本金"
    own = tmp_path / "own.yaml"
    own.write_text("{contract: batch_input, columns: {本金: {field: amount_requested, unit: 元}}}", encoding="utf-8")
    source = write_csv(tmp_path / "a.csv", head, cells(ROWS))
    options = ["--home", str(home), "--mapping", "guarantee_export", "--mapping", str(own), "--json"]
    ran = program("batch", "run", str(source), str(tmp_path / "b.csv"), *options)
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["counts"]["scored"] == 3
    refused = program("batch", "run", str(source), str(tmp_path / "b.csv"), "--mapping", "nothing")
    assert refused.exit_code != 0 and "guarantee_export" in str(refused.exception)


# --- lease


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


def test_a_lease_of_another_machine_is_respected_until_it_runs_out(tmp_path: Path) -> None:
    clock = Hands()
    first, second = Lease(tmp_path, clock, "a"), Lease(tmp_path, clock, "b")
    first.take()
    first._let_go()  # the lock of this machine is not seen from another
    with pytest.raises(ContractError, match="another run"):
        second.take()
    clock.at += SECONDS + 1
    second.take()
    assert second.token == first.token + 1
    with pytest.raises(ContractError, match="taken"):
        first.renew()
    second.release()


def test_a_worker_that_slept_past_its_lease_writes_nothing_more(tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", flat(24))
    whole = run_batch(source, tmp_path / "w.parquet", scorer=StandIn(), options=SMALL)

    def taken_over(done: int) -> None:
        if done == 2:
            lease = Lease(tmp_path / "b.parts")
            lease.token = lease._read()["token"] + 1
            lease._write(0.0)

    with pytest.raises(ContractError, match="taken"):
        run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=replace(SMALL, after_chunk=taken_over))
    assert not (tmp_path / "b.parquet").exists()
    again = run_batch(source, tmp_path / "b.parquet", scorer=StandIn(), options=replace(SMALL, resume=True))
    assert again["output"]["sha256"] == whole["output"]["sha256"]


def test_a_line_of_an_older_token_does_not_count(tmp_path: Path) -> None:
    identity = {"run": 1}
    first = Journal(tmp_path / "p", identity)
    first.open(resume=False)
    first.add(5, 0, days=(), tables={})
    first.close(remove=False)
    log = tmp_path / "p" / "journal.jsonl"
    late = json.loads(log.read_text().splitlines()[1]) | {"chunk": 1, "token": 0}
    log.write_text(log.read_text() + json.dumps(late) + "\n")
    second = Journal(tmp_path / "p", identity)
    second.open(resume=True)
    assert [entry.chunk for entry in second.entries] == [0]
    second.close(remove=True)


# --- a full disk

FULL = """
import resource, sys
sys.path[:0] = [{tests!r}]
from batch_rows import StandIn
from serving.batch import Limits, Options, run_batch
from pathlib import Path
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
run_batch(Path(sys.argv[1]), Path(sys.argv[2]), scorer=StandIn(), options=Options(Limits(chunk_rows=500)))
"""


@pytest.mark.parametrize("ending", ["parquet", "csv", "xlsx"])
def test_a_full_disk_is_named_leaves_no_half_file_and_the_run_can_go_on(tmp_path: Path, ending: str) -> None:
    columns: dict[str, Any] = {name: np.repeat(column[:1], 4_000) for name, column in ROWS.items()}
    columns["application_id"] = np.array([f"A{at:06d}" for at in range(4_000)], dtype=object)
    source = write_parquet(tmp_path / "a.parquet", columns)
    out = tmp_path / f"b.{ending}"
    script = FULL.format(tests=str(Path(__file__).parent))
    words = [sys.executable, "-c", script, str(source), str(out), "20000"]  # bytes; the parts are smaller
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.returncode == 1 and "DiskFull: [disk_full]" in done.stderr, done.stderr
    left = {path.name for path in tmp_path.iterdir()}
    assert not out.exists() and not any("part" in name and name != "b.parts" for name in left), left
    whole = run_batch(source, tmp_path / f"w.{ending}", scorer=StandIn(), options=Options(Limits(chunk_rows=500)))
    options = Options(Limits(chunk_rows=500), resume=True)
    again = run_batch(source, out, scorer=StandIn(), options=options)
    assert again["output"]["sha256"] == whole["output"]["sha256"]
