"""What an importer must survive in workbooks, text files and hostile files; what an export must not carry."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_rows import (
    NAMES,
    ROWS,
    cells,
    opened,
    read,
    rules,
    with_cell,
    write_csv,
    write_xlsx,
)
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from serving.batch.chunk import Chunk, join, rechunk, starts
from serving.batch.output import guard, unguard
from serving.batch.settings import Limits

# --- workbooks


def test_cells_merged_over_the_parcels_of_one_loan_are_filled_down(tmp_path: Path) -> None:
    import openpyxl

    lines = cells(ROWS)
    lines[1] = list(lines[0])
    lines[1][NAMES.index("pledge_id")] = "P-2"
    for name in ("borrower_name", "charge_rank"):
        lines[1][NAMES.index(name)] = None
    path = write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *lines]})
    book = openpyxl.load_workbook(path)
    for name in ("borrower_name", "charge_rank"):
        column = NAMES.index(name) + 1
        book["s"].merge_cells(start_row=2, end_row=3, start_column=column, end_column=column)
    book.save(path)
    found = read(path).columns
    assert found["borrower_name"][1] == ROWS["borrower_name"][0]
    assert np.isnan(found["charge_rank"][1])  # a pledge's own column is never filled


def test_blank_cells_that_are_not_merged_stay_blank(tmp_path: Path) -> None:
    head, lines = with_cell("borrower_name", None)
    assert read(write_xlsx(tmp_path / "a.xlsx", {"s": [head, *lines]})).columns["borrower_name"][0] is None


def test_a_formula_without_a_stored_value_is_refused_with_its_address(tmp_path: Path) -> None:
    head, lines = with_cell("amount_requested", "=1+1")
    path = write_xlsx(tmp_path / "a.xlsx", {"s": [head, *lines]})
    column = _letters(NAMES.index("amount_requested"))
    assert rules(path) == {(f"a.xlsx!{column}2", "formula_without_value")}


def test_a_formula_with_its_value_is_read(tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row, line in enumerate([NAMES, *cells(ROWS)]):
            for place, cell in enumerate(line):
                if isinstance(cell, dt.date):
                    cell = cell.isoformat()
                sheet.write(row, place, cell)
        sheet.write_formula(1, NAMES.index("amount_requested"), "=1000*2", value=2000)
    assert read(path).columns["amount_requested"][0] == 2000.0


def _letters(place: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(place + 1))


def test_hidden_sheets_are_skipped_and_named_and_filtered_rows_are_read(tmp_path: Path) -> None:
    import openpyxl

    path = write_xlsx(tmp_path / "a.xlsx", {"台账": [NAMES, *cells(ROWS)], "旧": [NAMES, *cells(ROWS)]})
    book = openpyxl.load_workbook(path)
    book["旧"].sheet_state = "hidden"
    book["台账"].row_dimensions[3].hidden = True
    book.save(path)
    source = opened(path)
    assert source.survey().rows == 3 and source.notes["sheets_hidden"] == ["旧"]


def test_several_sheets_are_read_one_after_the_other_each_with_its_own_header(tmp_path: Path) -> None:
    lines = cells(ROWS)
    second = [NAMES[::-1], *[line[::-1] for line in lines[1:]]]
    found = read(write_xlsx(tmp_path / "a.xlsx", {"一": [NAMES, lines[0]], "二": second, "说明": [["只是说明"]]}))
    assert list(found.columns["application_id"]) == list(ROWS["application_id"])
    assert list(found.sheets) == ["一", "二", "二"]


def test_dates_of_the_1904_system_are_the_same_days(tmp_path: Path) -> None:
    import openpyxl
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    for line in [NAMES, *cells(ROWS)]:
        book.active.append(line)
    book.save(path)
    np.testing.assert_array_equal(read(path).columns["as_of"], ROWS["as_of"])


# --- text files


@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030")])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_csv_in_three_encodings_and_three_delimiters(tmp_path: Path, encoding: str, name: str, delimiter: str) -> None:
    head, lines = with_cell("borrower_name", "某䶮合作社")  # 䶮 is not in GBK
    source = opened(write_csv(tmp_path / "a.csv", head, lines, encoding=encoding, delimiter=delimiter))
    assert join(list(source.blocks())).columns["borrower_name"][0] == "某䶮合作社"
    assert (source.notes["encoding"], source.notes["delimiter"]) == (name, delimiter)


def test_bytes_that_are_no_text_are_refused_and_never_replaced(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", *with_cell("borrower_name", "X"))
    path.write_bytes(path.read_bytes().replace(b",X,", b",\xff\xff,"))
    assert rules(path) == {("a.csv", "encoding")}


# --- hostile files


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("a.csv", b"", "empty_file"),
        ("a.xlsx", b"", "empty_file"),
        ("a.et", b"x", "not_a_workbook"),
        ("a.xlsx", b"PK\x03\x04 broken", "unreadable"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0 old", "unreadable"),
        ("a.parquet", b"PAR1 nonsense PAR1", "unreadable"),
        ("a.parquet", b"a,b\n", "wrong_format"),
        ("a.csv", b"PK\x03\x04 zip", "wrong_format"),
        ("a.csv", b"PAR1....PAR1", "wrong_format"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(tmp_path: Path, name: str, content: bytes, rule: str) -> None:
    (tmp_path / name).write_bytes(content)
    assert rules(tmp_path / name) == {(name, rule)}


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert rules(tmp_path / "none.csv") == {("none.csv", "no_such_file")}


def test_a_workbook_that_unpacks_to_far_more_than_it_is_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 8_000_000)
    assert rules(path) == {("a.xlsx", "unsafe_archive")}


def test_a_sheet_that_declares_too_many_rows_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *cells(ROWS)]})
    with pytest.raises(ContractError, match="unpacks"):
        opened(path, Limits(sheet_rows=2))


def test_a_file_above_the_size_limit_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", NAMES, cells(ROWS))
    with pytest.raises(ContractError, match="larger"):
        opened(path, Limits(file_bytes=10))


def test_a_parquet_of_long_repeated_texts_does_not_fill_the_memory(tmp_path: Path) -> None:
    columns: Columns = {name: np.repeat(column[:1], 20_000) for name, column in ROWS.items()}
    columns["application_id"] = np.array([f"A{i}" for i in range(20_000)], dtype=object)
    arrays = {
        name: pa.array(column.tolist() if column.dtype.kind != "M" else column) for name, column in columns.items()
    }
    arrays["address"] = pa.array(["x" * 1_000_000]).dictionary_encode().take(pa.array([0] * 20_000))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(arrays), path)
    assert path.stat().st_size < 2_000_000  # 20 GB of text when written out
    found = read(path)
    assert len(found.broken) == 20_000 and found.broken[1] == [("address", "too_long")]


# --- export


@given(st.text(max_size=20))
def test_guarded_text_comes_back_as_it_was(text: str) -> None:
    assert unguard(guard(text)) == text


@given(st.sampled_from("=+-@\t\r\x00＝＋－＠"), st.text(max_size=5))
def test_text_that_a_spreadsheet_would_run_is_guarded(first: str, rest: str) -> None:
    assert guard(first + rest).startswith("'")


# --- chunks


@given(runs=st.lists(st.integers(1, 6), min_size=1, max_size=30), size=st.integers(1, 12), block=st.integers(1, 9))
def test_chunks_keep_applications_whole_and_do_not_depend_on_blocks(runs: list[int], size: int, block: int) -> None:
    keys = np.array([f"a{i}" for i, count in enumerate(runs) for _ in range(count)], dtype=object)
    rows = np.arange(1, len(keys) + 1)
    whole = Chunk(rows, {"application_id": keys})
    blocks = [whole.part(at, at + block) for at in range(0, len(keys), block)]
    chunks = list(rechunk(blocks, size, longest=6))
    assert np.concatenate([chunk.rows for chunk in chunks]).tolist() == rows.tolist()
    assert all(bool(starts(keys)[chunk.rows[0] - 1]) for chunk in chunks)
    assert all(len(chunk) >= size for chunk in chunks[:-1])
    other = [len(chunk) for chunk in rechunk([whole], size, longest=6)]
    assert [len(chunk) for chunk in chunks] == other
