"""The habits of real files, line by line: which test stands for which, and those that had none."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import test_file_traps
import test_old_workbooks
import test_percent_formats
import test_remarks
import test_workbooks_and_text_files
from batch_rows import (
    NAMES,
    ROWS,
    StandIn,
    cells,
    fields,
    flat,
    loan_columns,
    opened,
    read,
    rules,
    with_cell,
    write_csv,
    write_parquet,
    write_xlsx,
)

from eco_credit.contracts.mapping import mapping_of
from serving.batch import Limits, Options, run_batch
from serving.batch.chunk import Chunk, join
from serving.batch.mapping import mapping_named, shipped
from serving.batch.source import open_source

TRAPS = {
    "title rows, two-line header, units in brackets": "test_a_header_below_title_rows_is_found_and_its_unit_is_taken",
    "unit absent": "test_a_money_column_under_a_label_without_unit_is_refused",
    "yuan and 10,000 yuan in one table": "test_yuan_and_ten_thousand_yuan_may_stand_in_one_table",
    "identifier as number": "test_an_identifier_kept_as_a_number_is_rejected_because_digits_are_lost",
    "leading apostrophe": "test_an_identifier_with_a_leading_apostrophe_is_accepted",
    "leading zero lost, float tail": "test_a_code_with_a_float_tail_a_lost_zero_or_its_text_is_the_code",
    "words for unknown": "test_words_for_unknown_are_unknown",
    "words for none": "test_none_is_zero_for_a_debt_and_not_unknown",
    "numbers as text": "test_numbers_written_as_text_are_read",
    "other ways to write a number": "test_other_ways_to_write_a_number_are_rejected",
    "percent in the cell": "test_percent_in_the_cell_is_a_ratio",
    "percent in the header": "test_percent_in_the_header_divides_by_a_hundred",
    "percent as the format of the cell": "test_a_number_shown_as_percent_is_what_is_shown_whatever_the_header_says",
    "percent by a format that cannot be told":
        "test_a_format_that_depends_on_the_value_is_rejected_because_it_cannot_be_told",
    "percent nowhere": "test_a_ratio_column_with_thirty_and_no_unit_is_refused_whole",
    "dates": "test_days_in_the_known_forms_are_read",
    "impossible dates": "test_impossible_days_and_two_digit_years_are_rejected",
    "open end": "test_an_open_end_is_unknown_and_never_a_far_year",
    "open end is told": "test_no_end_is_an_open_day_where_the_contract_allows_one_and_the_report_says_so",
    "open end where a day is needed": "test_no_end_where_the_contract_wants_a_day_is_rejected_by_its_own_rule",
    "past the end and still in force": "test_a_guarantee_kept_beyond_its_end_is_listed_and_scored_all_the_same",
    "percent sign lost in a text file": "test_a_column_in_percent_without_a_number_above_one_is_told",
    "1904 dates": "test_dates_of_the_1904_system_are_the_same_days",
    "merged cells of a group": "test_cells_merged_over_the_parcels_of_one_loan_are_filled_down",
    "merged cells elsewhere": "test_cells_merged_in_a_column_of_each_row_are_rejected",
    "totals, sections, footers": "test_totals_footers_and_blank_rows_are_dropped_and_counted",
    "total differs from its rows": "test_a_total_that_is_not_the_sum_of_its_rows_is_told",
    "formula without value": "test_a_formula_without_a_stored_value_is_refused_with_its_address",
    "hidden sheet": "test_hidden_sheets_are_skipped_and_named_and_filtered_rows_are_read",
    "hidden rows and columns": "test_hidden_rows_and_columns_are_read_and_counted",
    "several sheets": "test_several_sheets_are_read_one_after_the_other_each_with_its_own_header",
    "sheet of each row": "test_rows_of_several_sheets_keep_the_name_of_their_sheet_in_the_result",
    "duplicate rows": "test_the_same_row_twice_is_rejected",
    "encodings and delimiters": "test_csv_in_three_encodings_and_three_delimiters",
    "bad bytes": "test_bytes_that_are_no_text_are_refused_and_never_replaced",
    "formulas in results": "test_text_that_a_spreadsheet_would_run_is_guarded",
    "other formats": "test_a_file_that_is_not_what_it_says_is_refused",
    "old workbooks, WPS": "test_an_old_workbook_is_read_by_its_content_whatever_its_ending",
    "password": "test_a_protected_file_and_another_document_are_refused_by_name",
    "web page saved as a workbook": "test_a_web_page_or_a_text_saved_as_a_workbook_is_refused_with_what_to_do",
    "errors of the spreadsheet": "test_an_error_of_the_spreadsheet_is_rejected_and_not_available_is_unknown",
    "macros": "test_a_workbook_with_macros_is_read_and_its_macros_are_not",
    "rounding": "test_a_total_within_rounding_is_no_difference",
    "dbf": "test_an_attribute_table_of_forestry_is_read_by_the_mapping_of_the_forest_map",
    "order, extra columns": "test_column_order_does_not_matter_and_unknown_columns_are_listed",
    "synonyms": "test_two_columns_never_lead_to_one_field",
}
"""Habit of real files to the test that shows what becomes of it."""


def test_every_habit_has_a_test_of_its_name() -> None:
    rooms = (test_file_traps, test_old_workbooks, test_percent_formats, test_remarks, test_workbooks_and_text_files)
    known = {name for module in rooms for name in vars(module)}
    assert not set(TRAPS.values()) - known - set(globals())


def with_mapping(path: Path, mapping: Any) -> Any:
    return open_source(path, fields(), Limits(), merged=frozenset(loan_columns()), mapping=mapping)


# --- workbooks


def merged(path: Path, name: str) -> Path:
    import openpyxl

    book = openpyxl.load_workbook(path)
    place = NAMES.index(name) + 1
    book["s"].merge_cells(start_row=2, end_row=3, start_column=place, end_column=place)
    book.save(path)
    return path


def test_cells_merged_in_a_column_of_each_row_are_rejected(tmp_path: Path) -> None:
    lines = cells(ROWS)
    lines[1] = [*lines[0]]
    lines[1][NAMES.index("pledge_id")] = "P-2"
    lines[1][NAMES.index("area")] = None
    path = merged(write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *lines]}), "area")
    assert rules(path) == {("area", "merged_cell")}


def test_hidden_rows_and_columns_are_read_and_counted(tmp_path: Path) -> None:
    import openpyxl

    path = write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *cells(ROWS)]})
    book = openpyxl.load_workbook(path)
    book["s"].row_dimensions[3].hidden = True
    book["s"].column_dimensions["C"].hidden = True
    book.save(path)
    source = opened(path)
    assert (source.notes["rows_hidden"], source.notes["columns_hidden"]) == (1, 1)
    assert source.survey().rows == 3


def test_a_workbook_with_macros_is_read_and_its_macros_are_not(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *cells(ROWS)]})
    assert len(read(path.rename(tmp_path / "a.xlsm"))) == 3


def test_rows_of_several_sheets_keep_the_name_of_their_sheet_in_the_result(tmp_path: Path) -> None:
    lines = cells(ROWS)
    path = write_xlsx(tmp_path / "a.xlsx", {"一": [NAMES, lines[0]], "二": [NAMES, *lines[1:]]})
    run_batch(path, tmp_path / "b.parquet", scorer=StandIn())
    found = pq.read_table(tmp_path / "b.parquet").to_pylist()
    assert [line["sheet"] for line in found] == ["一", "二", "二"]


# --- totals


def totalled(tmp_path: Path, total: Any, *, word: str = "合计") -> list[dict[str, Any]]:
    """Findings for three rows of 12.34, 0.33 and 1.00 (10,000 yuan) under a total."""
    head, lines = with_cell("amount_requested", 12.34, header="申请金额(万元)")
    place = NAMES.index("amount_requested")
    lines[1][place], lines[2][place] = 0.33, "1.00"
    last: list[Any] = [None] * len(NAMES)
    last[0], last[place] = word, total
    source = opened(write_csv(tmp_path / "a.csv", head, [*lines, last]))
    assert source.survey().rows == 3
    return list(source.survey().warnings)


def test_a_total_that_is_not_the_sum_of_its_rows_is_told(tmp_path: Path) -> None:
    (found,) = totalled(tmp_path, 14.67)  # the sum is 13.67
    assert (found["row"], found["field"], found["rule"]) == (4, "amount_requested", "total_differs")
    assert "14.67" not in str(found)


@pytest.mark.parametrize("total", [13.67, "13.69", "13.7", "13.65", None])  # slack: 4 cells * 0.005, or more
def test_a_total_within_rounding_is_no_difference(tmp_path: Path, total: Any) -> None:
    assert totalled(tmp_path, total) == []


def test_a_subtotal_counts_from_the_subtotal_before_it(tmp_path: Path) -> None:
    place, lines = NAMES.index("amount_requested"), cells(ROWS)
    for line, amount in zip(lines, (100.0, 200.0, 300.0), strict=True):
        line[place] = amount
    sums: list[list[Any]] = [[None] * len(NAMES) for _ in range(3)]
    for line, (word, amount) in zip(sums, (("小计", 300.0), ("小计", 300.0), ("总计", 600.0)), strict=True):
        line[0], line[place] = word, amount
    path = write_csv(tmp_path / "a.csv", NAMES, [*lines[:2], sums[0], lines[2], sums[1], sums[2]])
    assert opened(path).survey().warnings == ()


# --- duplicates


def test_the_same_row_twice_is_rejected(tmp_path: Path) -> None:
    lines = cells(ROWS)
    path = write_csv(tmp_path / "a.csv", NAMES, [lines[0], lines[0], *lines[1:]])
    manifest = run_batch(path, tmp_path / "b.parquet", scorer=StandIn())
    assert manifest["counts"] == {"rows": 4, "scored": 2, "rejected": 2, "chunks": 1}
    found = pq.read_table(tmp_path / "b.rejects.parquet").to_pylist()
    assert ("pledge_id", "unique") in {(line["field"], line["rule"]) for line in found}


# --- folders of parquet parts


def folder_of(path: Path, sizes: tuple[int, ...]) -> Path:
    path.mkdir()
    whole = flat(sum(sizes))
    keys = list(dict.fromkeys(whole["application_id"]))
    at = 0
    for number, size in enumerate(sizes):
        kept = np.isin(whole["application_id"], keys[at : at + size])
        write_parquet(path / f"part.{number}.parquet", {name: column[kept] for name, column in whole.items()})
        at += size
    (path / "_SUCCESS").write_text("")
    return path


def test_a_folder_of_parts_gives_the_rows_of_one_file(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", (2,) * 12)  # part.10 stands behind part.9, not behind part.1
    one = write_parquet(tmp_path / "one.parquet", flat(24))
    whole, parts = join(list(opened(one).blocks())), join(list(opened(folder).blocks()))
    assert parts.rows.tolist() == whole.rows.tolist()
    for name in whole.columns:
        np.testing.assert_array_equal(parts.columns[name], whole.columns[name])
    options = Options(Limits(chunk_rows=7))
    first = run_batch(one, tmp_path / "a.parquet", scorer=StandIn(), options=options)
    second = run_batch(folder, tmp_path / "b.parquet", scorer=StandIn(), options=options)
    assert first["output"]["sha256"] == second["output"]["sha256"]


def test_a_part_that_cannot_be_read_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", (2, 2))
    part = folder / "part.1.parquet"
    part.write_bytes(part.read_bytes()[:200] + part.read_bytes()[-4:])
    assert rules(folder) == {("part.1.parquet", "unreadable")}


def test_a_folder_without_parts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert rules(tmp_path / "in") == {("in", "no_parts")}


def test_a_column_that_only_some_parts_have_is_unknown_in_the_others(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", (3, 3))
    table = pq.read_table(folder / "part.1.parquet").drop_columns(["stock_per_area"])
    pq.write_table(table, folder / "part.1.parquet")
    found = join(list(opened(folder).blocks())).columns["stock_per_area"]
    assert not np.isnan(found[0]) and np.isnan(found[-3:]).all()


# --- mappings


def test_a_mapping_reads_their_headers_units_and_words(tmp_path: Path) -> None:
    head, lines = with_cell("amount_requested", "30")
    head = [{"amount_requested": "本金", "registered": "登记了吗", "area": "SYQMJ"}.get(name, name) for name in head]
    for line in lines:
        line[NAMES.index("registered")] = "已办"
        line[NAMES.index("area")] = 300
    mapping = mapping_of(
        {
            "contract": "batch_input",
            "columns": {
                "本金": {"field": "amount_requested", "unit": "万元"},
                "登记了吗": {"field": "registered", "codes": {"已办": True, "未办": False}},
                "SYQMJ": {"field": "area", "unit": "亩"},
                "没有的列": "stock",
            },
            "constant": {"sealed": False},
        }
    )
    place = head.index("sealed")
    rows = [[cell for at, cell in enumerate(line) if at != place] for line in [head, *lines]]
    path = write_csv(tmp_path / "a.csv", rows[0], rows[1:])
    source = with_mapping(path, mapping)
    found: Chunk = join(list(source.blocks()))
    assert found.columns["amount_requested"][0] == 300_000.0  # 30 * 10 000
    assert found.columns["area"][0] == 20.0  # 300 / 15
    assert found.columns["registered"].tolist() == [1.0, 1.0, 1.0]
    assert found.columns["sealed"].tolist() == [0.0, 0.0, 0.0]
    assert source.notes["mapping_unused"] == ["没有的列"] and not found.broken


def test_a_mapping_reads_parquet_as_it_reads_csv(tmp_path: Path) -> None:
    arrays = {name: pa.array(list(column)) for name, column in zip(NAMES, zip(*cells(ROWS), strict=True), strict=True)}
    arrays["本金"] = pa.array([12.34, 5.0, 1.1])
    del arrays["amount_requested"]
    pq.write_table(pa.table(arrays), tmp_path / "a.parquet")
    principal = {"本金": {"field": "amount_requested", "unit": "万元"}}
    mapping = mapping_of({"contract": "batch_input", "columns": principal})
    found = join(list(with_mapping(tmp_path / "a.parquet", mapping).blocks()))
    assert found.columns["amount_requested"].tolist() == [123_400.0, 50_000.0, 11_000.0]


def test_a_mapped_amount_without_any_unit_is_refused(tmp_path: Path) -> None:
    head, lines = with_cell("amount_requested", "30", header="本金")
    mapping = mapping_of({"contract": "batch_input", "columns": {"本金": "amount_requested"}})
    with pytest.raises(Exception, match="unit"):
        with_mapping(write_csv(tmp_path / "a.csv", head, lines), mapping)


@pytest.mark.parametrize("name", list(shipped()))
def test_a_shipped_mapping_names_fields_of_the_contract_in_units_that_convert(name: str) -> None:
    from eco_credit.contracts.paper_units import factor

    mapping = mapping_named([name])
    assert mapping is not None
    by_name = {one.column: one for one in fields()}
    for source in mapping.columns.values():
        one = by_name[source.field]
        assert source.unit is None or factor(source.unit, one.unit) is not None
        words = source.codes or {}
        assert one.codes is None or set(words.values()) <= set(one.codes)


def test_a_guarantee_export_with_the_missing_columns_added_is_scored(tmp_path: Path) -> None:
    head = list(NAMES)
    theirs = {"application_id": "唯一业务编号", "borrower_name": "债务人名称", "id_no": "债务人证件号码",
              "amount_requested": "主债权金额（万元）", "guarantee_cover": "分险比例（直担）"}  # fmt: skip
    lines = cells(ROWS)
    for line in lines:
        line[NAMES.index("amount_requested")] = 30
        line[NAMES.index("guarantee_cover")] = 80
    head = [*(theirs.get(name, name) for name in head), "责任余额"]
    path = write_csv(tmp_path / "a.csv", head, [[*line, 1] for line in lines])
    options = Options(mapping=mapping_named(["guarantee_export"]))
    manifest = run_batch(path, tmp_path / "b.parquet", scorer=StandIn(), options=options)
    assert manifest["counts"]["scored"] == 3
    assert manifest["input"]["units"] == {"amount_requested": "万元", "guarantee_cover": "%"}
    assert pq.read_table(tmp_path / "b.parquet").column("amount_requested").to_pylist() == [300_000.0] * 3


# --- dbf


def write_dbf(path: Path, header: list[str], rows: list[list[str]], encoding: str) -> Path:
    """A dBase III table of character fields, 60 bytes each."""
    width = 60
    described = b"".join(
        name.encode("ascii").ljust(11, b"\0") + b"C" + bytes(4) + bytes([width]) + bytes(15) for name in header
    )
    start, length = 32 + len(described) + 1, 1 + width * len(header)
    head = struct.pack("<B3BIHH20x", 3, 126, 11, 25, len(rows), start, length)
    records = b"".join(b" " + b"".join(cell.encode(encoding).ljust(width) for cell in row) for row in rows)
    path.write_bytes(head + described + b"\r" + records + b"\x1a")
    return path


@pytest.mark.parametrize(("encoding", "cpg"), [("gb18030", None), ("utf-8", None), ("gbk", "GBK")])
def test_an_attribute_table_of_forestry_is_read_by_the_mapping_of_the_forest_map(
    tmp_path: Path, encoding: str, cpg: str | None
) -> None:
    theirs = {"area": "MIAN_JI", "forest_class": "SEN_LIN_LB", "origin": "QI_YUAN", "canopy": "YU_BI_DU"}
    short = {name: theirs.get(name, name) for name in NAMES if name != "kind"}
    long = {name: f"F{at}" for at, name in enumerate(short) if len(short[name]) > 10}
    head = [long.get(name, short[name]) for name in short]
    (line,) = cells({name: ROWS[name][:1] for name in short})
    row = dict(zip(short, line, strict=True))
    row |= {"area": 20, "origin": "21", "borrower_name": "某林业合作社"}
    text = ["" if row[name] is None else str(row[name]) for name in short]
    path = write_dbf(tmp_path / "a.dbf", head, [text], encoding)
    if cpg:
        (tmp_path / "a.cpg").write_text(cpg)
    own = mapping_of({"contract": "batch_input", "columns": {short_name: name for name, short_name in long.items()}})
    forest = shipped()["forest_map"].mapping
    joined = forest.model_copy(update={"columns": dict(forest.columns) | _with_units(own)})
    found = join(list(with_mapping(path, joined).blocks()))
    assert not found.broken
    assert (found.columns["area"][0], found.columns["origin"][0]) == (20.0, "planted")
    assert found.columns["borrower_name"][0] == "某林业合作社" and found.columns["kind"][0] == "forest_right"


def _with_units(mapping: Any) -> dict[str, Any]:
    """Their short names, in the stored unit of each field."""
    from eco_credit.contracts.paper_units import NEEDS_UNIT, factor

    by_name = {one.column: one for one in fields()}
    words = ("元", "公顷", "m3", "m3/公顷", "元/m3", "元/公顷", "元/年", "株/公顷", "m3/年", "kWh")
    found = {}
    for header, source in mapping.columns.items():
        stored = by_name[source.field].unit
        unit = next((w for w in words if factor(w, stored) == 1), None) if stored in NEEDS_UNIT else None
        found[header] = source.model_copy(update={"unit": unit})
    return found
