"""What is read with a remark: 长期 in a day or a term, shares that look too small, guarantees kept beyond their end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_rows import NAMES, ROWS, StandIn, cells, flat, read, rules, with_cell, write_csv, write_xlsx

from serving.batch import Limits, Options, run_batch
from serving.batch.mapping import mapping_named

KINDS = list(ROWS["kind"])


def run(path: Path, **options: Any) -> dict[str, Any]:
    return run_batch(path, path.with_name("out.csv"), scorer=StandIn(), options=Options(**options))


def noted(manifest: dict[str, Any]) -> list[tuple[str, str, int, list[int]]]:
    return [(one["field"], one["rule"], one["rows"], one["lines"]) for one in manifest["input"]["noted"]]


# --- no end


def with_column(path: Path, name: str, values: list[Any]) -> Path:
    """The three rows with one more column, or another content of one."""
    place = NAMES.index(name) if name in NAMES else len(NAMES)
    head = [*NAMES[:place], name, *NAMES[place + 1 :]]
    lines = [[*line[:place], value, *line[place + 1 :]] for line, value in zip(cells(ROWS), values, strict=True)]
    if path.suffix == ".xlsx":
        return write_xlsx(path, {"s": [head, *lines]})
    if path.suffix == ".csv":
        return write_csv(path, head, lines)
    columns = {each: [line[at] for line in lines] for at, each in enumerate(head)}
    pq.write_table(pa.table({each: pa.array(column) for each, column in columns.items()}), path)
    return path


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("word", ["长期", "永久", "无固定到期日"])
def test_no_end_is_an_open_day_where_the_contract_allows_one_and_the_report_says_so(
    tmp_path: Path, ending: str, word: str
) -> None:
    path = with_column(tmp_path / f"a.{ending}", "insured_to", [word, None, None])
    manifest = run(path)
    assert manifest["counts"]["scored"] == 3
    assert noted(manifest) == [("insured_to", "open_end", 1, [1])]
    (warning,) = (one for one in manifest["input"]["warnings"] if one["rule"] == "open_end")
    assert "1 rows: 1" in warning["en"] and "1 行：第 1 行" in warning["zh"]
    report = (tmp_path / "out.report.html").read_text(encoding="utf-8")
    assert warning["zh"] in report and word not in report.replace(warning["zh"], "")
    assert np.isnat(read(path).columns["insured_to"][0])


def test_no_end_where_the_contract_wants_a_day_is_rejected_by_its_own_rule(tmp_path: Path) -> None:
    path = with_column(tmp_path / "a.csv", "contract_to", ["长期"] * 3)  # a forest right must end, others have no end
    manifest = run(path)
    assert noted(manifest) == [("contract_to", "open_end", 2, [2, 3])]
    lines = pq.read_table(with_parquet_rejects(tmp_path, path)).to_pylist()
    assert [(line["row"], line["field"], line["rule"]) for line in lines] == [(1, "contract_to", "open_end_needed")]
    assert "长期" in lines[0]["zh"] and "certificate" in lines[0]["en"]


def with_parquet_rejects(tmp_path: Path, path: Path) -> Path:
    run_batch(path, tmp_path / "p.parquet", scorer=StandIn())
    return tmp_path / "p.rejects.parquet"


def test_no_end_as_a_number_of_months_is_rejected_by_the_same_rule(tmp_path: Path) -> None:
    head, lines = with_cell("term_months", "长期")
    path = write_csv(tmp_path / "a.csv", head, lines)
    assert rules(path) == {("term_months", "open_end_needed")}
    assert rules(with_column(tmp_path / "b.csv", "other_debt", ["长期", 0, 0])) == {("other_debt", "number_form")}


def test_a_check_of_a_file_does_not_list_what_is_only_remarked(tmp_path: Path) -> None:
    from eco_credit.contracts import contract
    from serving.batch.check import check_file

    own = contract("batch_input")
    assert check_file(own, with_column(tmp_path / "a.csv", "insured_to", ["长期", None, None])) == []
    (found,) = check_file(own, with_column(tmp_path / "b.csv", "contract_to", ["长期", None, None]))
    assert (found["row"], found["rule"]) == (1, "open_end_needed")


# --- shares that look too small


def test_a_column_in_percent_without_a_number_above_one_is_told(tmp_path: Path) -> None:
    head, lines = with_cell("annual_rate", 0.35, header="年利率(%)")
    place = head.index("年利率(%)")
    for line in lines:
        line[place] = 0.35
    manifest = run(write_csv(tmp_path / "a.csv", head, lines))
    assert noted(manifest) == [("annual_rate", "percent_small", 3, [])]
    lines[2][place] = 4.35
    assert noted(run(write_csv(tmp_path / "b.csv", head, lines))) == []


def test_a_share_shown_as_percent_is_no_reason_for_a_remark(tmp_path: Path) -> None:
    from test_percent_formats import formatted

    path = formatted(tmp_path / "a.xlsx", dict.fromkeys((1, 2, 3), (0.35, "0%")))
    assert noted(run(path)) == []


# --- guarantees kept beyond their end


def ledger(path: Path, **columns: list[Any]) -> Path:
    """Rows of a guarantee export, valued on 2026-11-23, with columns the contract does not know."""
    theirs = {"application_id": "唯一业务编号", "borrower_name": "债务人名称", "id_no": "债务人证件号码",
              "amount_requested": "主债权金额（万元）", "guarantee_cover": "分险比例（直担）"}  # fmt: skip
    rows = len(next(iter(columns.values())))
    lines = cells(flat(max(rows, 3)))[:rows]
    for at, line in enumerate(lines):
        line[NAMES.index("application_id")] = f"G-{at}"
        line[NAMES.index("amount_requested")] = 30
        line[NAMES.index("guarantee_cover")] = 80
    head = [*(theirs.get(name, name) for name in NAMES), *columns]
    lines = [[*line, *(columns[name][at] for name in columns)] for at, line in enumerate(lines)]
    if path.suffix == ".xlsx":
        return write_xlsx(path, {"台账": [head, *lines]})
    if path.suffix == ".csv":
        return write_csv(path, head, lines)
    pq.write_table(pa.table({name: pa.array([line[at] for line in lines]) for at, name in enumerate(head)}), path)
    return path


GUARANTEE = mapping_named(["guarantee_export"])


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_guarantee_kept_beyond_its_end_is_listed_and_scored_all_the_same(tmp_path: Path, ending: str) -> None:
    path = ledger(
        tmp_path / f"a.{ending}",
        **{
            "主债权到期日期": ["2026-11-22", "2026-11-23", "2025.01.31", "2026-01-01", "长期", None],
            "在保余额（万元）": ["30", "30", "0", "1,000.5", "30", "30"],
        },
    )
    manifest = run(path, mapping=GUARANTEE)
    assert manifest["counts"] == {"rows": 6, "scored": 6, "rejected": 0, "chunks": 1}
    # rows 1 and 4 ended before 2026-11-23 and hold a balance; row 2 ends that day, 3 is paid, 5 and 6 have no end
    assert noted(manifest) == [("主债权到期日期", "matured_in_force", 2, [1, 4])]
    assert "主债权到期日期" not in str([manifest["input"].get("columns_ignored"), manifest["input"].get("sheets")])
    (warning,) = (one for one in manifest["input"]["warnings"] if one["rule"] == "matured_in_force")
    assert warning["zh"].endswith("（2 行：第 1, 4 行）") and "2 rows: 1, 4" in warning["en"]
    assert warning["zh"] in (tmp_path / "out.report.html").read_text(encoding="utf-8")
    assert "主债权到期日期" not in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    assert json.loads((tmp_path / "out.manifest.json").read_text())["input"]["noted"] == manifest["input"]["noted"]


def test_released_and_extended_guarantees_are_not_listed(tmp_path: Path) -> None:
    gone = ["2026-01-31"] * 6
    path = ledger(
        tmp_path / "a.csv",
        主债权到期日期=gone,
        责任余额=[30, 30, 30, 30, 30, None],
        是否已解保=["是", "否", "否", "否", "否", "否"],
        解保日期=[None, "2026-02-01", None, None, None, None],
        展期起始日期=[None, None, "2026-01-31", "2026-01-31", None, None],
        展期到期日期=[None, None, None, "2026-06-30", None, None],
    )
    # 1 and 2 are released, 3 is extended to a day that is not told, 4 to one that is past, 6 has no balance but is kept
    assert noted(run(path, mapping=GUARANTEE)) == [("主债权到期日期", "matured_in_force", 3, [4, 5, 6])]


def test_without_a_balance_or_a_release_nothing_is_said_of_ends(tmp_path: Path) -> None:
    path = ledger(tmp_path / "a.csv", 主债权到期日期=["2026-01-31"] * 2)
    manifest = run(path, mapping=GUARANTEE)
    assert noted(manifest) == [] and manifest["input"]["columns_ignored"] == ["主债权到期日期"]


def test_an_end_that_cannot_be_read_rejects_no_row(tmp_path: Path) -> None:
    path = ledger(tmp_path / "a.csv", 主债权到期日期=["31/01/2026", "x"], 在保余额=["many", 30])
    manifest = run(path, mapping=GUARANTEE)
    assert manifest["counts"]["rejected"] == 0 and noted(manifest) == []


def test_the_count_is_of_all_rows_and_the_same_however_the_file_is_cut(tmp_path: Path) -> None:
    path = ledger(tmp_path / "a.csv", 主债权到期日期=["2026-01-31"] * 30, 在保余额=[1] * 30)
    found = [noted(run(path, mapping=GUARANTEE, limits=Limits(chunk_rows=rows))) for rows in (4, 100)]
    assert found[0] == found[1] == [("主债权到期日期", "matured_in_force", 30, list(range(1, 31)))]
