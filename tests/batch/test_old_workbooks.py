"""Workbooks of the years before 2007 (.xls, and .et of WPS, the same): read like those of today, or refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from batch_rows import NAMES, ROWS, StandIn, cells, opened, read, rules, write_csv, write_xlsx

from eco_credit.core.errors import ContractError
from serving.batch import Limits, run_batch
from serving.batch.chunk import join
from serving.batch.ole import CompoundFile, NoCompoundFile

FILES = Path(__file__).parent.parent / "fixtures" / "old_workbooks"


@pytest.mark.parametrize("ending", [".xls", ".et", ".xlsx"])
def test_an_old_workbook_is_read_by_its_content_whatever_its_ending(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    shutil.copy(FILES / "ledger.xls", path)
    source = opened(path)
    assert source.kind == "xls"
    found, rate, name = join(list(source.blocks())).columns, ROWS["annual_rate"], ROWS["borrower_name"]
    # 12.34 * 10 000, and 1,001.50 as text; 300 mu / 15
    assert found["amount_requested"].tolist() == [123_400.0, 123_400.0, 10_015_000.0]
    assert found["area"][0] == 20.0
    assert list(found["borrower_name"]) == [name[0], name[0], name[2]], "a merged borrower is filled down"
    assert str(found["as_of"][2]) == "2026-11-23" and found["as_of"][0] == ROWS["as_of"][0]
    assert rate.dtype == found["annual_rate"].dtype
    notes = source.notes
    assert (notes["sheets"][0]["header_row"], notes["sheets_hidden"], notes["sheets_without_header"]) == (
        3, ["旧"], ["说明"],
    )  # fmt: skip
    assert (notes["rows_hidden"], notes["columns_hidden"]) == (1, 1)
    assert source.survey().dropped == {"total_or_footer": 1} and source.survey().warnings == ()


def test_a_workbook_of_today_under_an_old_ending_is_read(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *cells(ROWS)]}).rename(tmp_path / "a.xls")
    assert opened(path).kind == "xlsx" and len(read(path)) == 3


def test_days_of_the_1904_system_in_an_old_workbook_are_the_same_days() -> None:
    np.testing.assert_array_equal(read(FILES / "base_1904.xls").columns["as_of"], ROWS["as_of"])


def test_a_formula_without_a_stored_value_in_an_old_workbook_is_refused_with_its_address() -> None:
    from openpyxl.utils import get_column_letter

    place = f"formula.xls!{get_column_letter(NAMES.index('amount_requested') + 1)}2"
    assert rules(FILES / "formula.xls") == {(place, "formula_without_value")}


def test_an_error_of_the_spreadsheet_is_rejected_and_not_available_is_unknown() -> None:
    assert rules(FILES / "error.xls") == {("stock_per_area", "error_value")}
    assert np.isnan(read(FILES / "error.xls").columns["other_debt"][1])


def test_a_cell_in_the_last_corner_of_an_old_workbook_is_refused_by_the_bound_on_cells() -> None:
    with pytest.raises(ContractError) as error:
        opened(FILES / "far.xls", Limits(sheet_cells=1_000_000))
    assert [one.rule for one in error.value.violations] == ["unsafe_archive"]
    with pytest.raises(ContractError):
        opened(FILES / "far.xls", Limits(sheet_rows=1_000))


def changed(tmp_path: Path, old: bytes, new: bytes) -> Path:
    content = (FILES / "base_1904.xls").read_bytes()
    assert content.count(old) and len(old) == len(new)
    path = tmp_path / "a.xls"
    path.write_bytes(content.replace(old, new, 1))
    return path


def named(name: str) -> bytes:
    """A name of a stream in a directory: 64 bytes, then its length with the end."""
    wide = name.encode("utf-16-le")
    return wide.ljust(64, b"\0") + (len(wide) + 2).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"\x19\x00\x02\x00", b"\x2f\x00\x02\x00", "encrypted"),  # a record of protection becomes one of a key
        (named("Workbook"), named("EncryptedPackage"), "encrypted"),  # a workbook of today behind a password
        (named("Workbook"), named("WordDocument"), "not_a_workbook"),
    ],
)
def test_a_protected_file_and_another_document_are_refused_by_name(
    tmp_path: Path, old: bytes, new: bytes, rule: str
) -> None:
    path = changed(tmp_path, old, new)
    assert rules(path) == {("a.xls", rule)}


@pytest.mark.parametrize("content", [b"<html><table><tr><td>1</td></tr></table></html>", b"a\tb\n1\t2\n"])
def test_a_web_page_or_a_text_saved_as_a_workbook_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(content)
    with pytest.raises(ContractError, match=r"save it as \.xlsx"):
        opened(path)


def test_an_old_workbook_cut_short_anywhere_is_refused_and_never_a_fault(tmp_path: Path) -> None:
    whole = (FILES / "base_1904.xls").read_bytes()
    path = tmp_path / "a.xls"
    for size in range(8, len(whole), 1499):
        path.write_bytes(whole[:size])
        with pytest.raises(ContractError) as error:
            opened(path)
        assert {one.rule for one in error.value.violations} <= {"unreadable", "not_a_workbook", "header_not_found"}


def test_a_chain_of_sectors_in_a_circle_ends() -> None:
    content = bytearray((FILES / "base_1904.xls").read_bytes())
    table = (int.from_bytes(content[76:80], "little") + 1) * 512
    content[table : table + 508] = b"".join((0).to_bytes(4, "little") for _ in range(127))
    with pytest.raises(NoCompoundFile):
        CompoundFile(bytes(content)).stream("Workbook")


def test_a_run_over_an_old_workbook_gives_the_result_of_the_same_rows_as_text(tmp_path: Path) -> None:
    run_batch(FILES / "base_1904.xls", tmp_path / "a.parquet", scorer=StandIn())
    run_batch(write_csv(tmp_path / "b.csv", NAMES, cells(ROWS)), tmp_path / "b.parquet", scorer=StandIn())
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))
