"""A share under a header with (%): what the sheet shows decides, and what cannot be told is rejected by name."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from batch_rows import NAMES, ROWS, cells, opened, read, rules, write_xlsx
from hypothesis import given
from hypothesis import strategies as st
from test_old_workbooks import FILES

from serving.batch.chunk import join
from serving.batch.number_formats import as_shown, shown

PLACE = NAMES.index("annual_rate") + 1


def formatted(path: Path, cells_of: dict[int, tuple[Any, str]], header: str = "年利率(%)") -> Path:
    """The rows with one column of rates: row of the data, from 1, to its value and number format."""
    lines = cells(ROWS)
    head = [header if name == "annual_rate" else name for name in NAMES]
    write_xlsx(path, {"s": [head, *lines]})
    book = openpyxl.load_workbook(path)
    for row in range(1, len(lines) + 1):
        value, form = cells_of.get(row, (4.35, "General"))
        cell = book["s"].cell(row=row + 1, column=PLACE)
        cell.value, cell.number_format = value, form
    book.save(path)
    return path


def rates(path: Path) -> list[float]:
    return [float(rate) for rate in read(path).columns["annual_rate"]]


@pytest.mark.parametrize("header", ["年利率(%)", "年利率（%）", "年利率", "annual_rate"])
def test_a_number_shown_as_percent_is_what_is_shown_whatever_the_header_says(tmp_path: Path, header: str) -> None:
    shown_so = {row: (0.35, form) for row, form in ((1, "0%"), (2, "0.00%"), (3, "0.0%;[Red]-0.0%"))}
    assert rates(formatted(tmp_path / "a.xlsx", shown_so, header)) == [0.35] * 3


def test_numbers_shown_as_percent_and_plain_ones_stand_in_one_column(tmp_path: Path) -> None:
    # 0.35 shown as 35%; 35 under (%); 35 with a percent sign that is print only; 35% as text is 35% too
    path = formatted(tmp_path / "a.xlsx", {1: (0.35, "0%"), 2: (35, "General"), 3: (35, '0.0"%"')})
    assert rates(path) == [0.35, 0.35, 0.35]
    assert rates(formatted(tmp_path / "b.xlsx", {1: ("35%", "0%"), 2: (35, r"0\%"), 3: (35, "0")})) == [0.35] * 3


def test_a_plain_fraction_under_a_header_in_percent_is_a_fraction_of_a_percent_and_told(tmp_path: Path) -> None:
    assert rates(formatted(tmp_path / "a.xlsx", dict.fromkeys((1, 2, 3), (0.5, "General")))) == [0.005] * 3


def test_a_format_that_depends_on_the_value_is_rejected_because_it_cannot_be_told(tmp_path: Path) -> None:
    path = formatted(tmp_path / "a.xlsx", {1: (0.35, "[<1]0%;0")})
    assert rules(path) == {("annual_rate", "percent_unclear")}


def test_a_percentage_in_a_column_that_is_no_share_is_rejected(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *cells(ROWS)]})
    book = openpyxl.load_workbook(path)
    book["s"].cell(row=2, column=NAMES.index("area") + 1).number_format = "0%"
    book.save(path)
    assert rules(path) == {("area", "percent_form")}


def test_a_share_shown_as_percent_in_an_old_workbook_is_what_is_shown() -> None:
    found = join(list(opened(FILES / "ledger.xls").blocks())).columns["annual_rate"]
    assert found.tolist() == [0.0435, 0.0435, 0.0435]  # 0.0435 shown as 4.35%, twice, and a plain 4.35


def rewritten(path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """A workbook with its parts changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, change(name, content))
    return path


def test_the_format_is_found_however_the_program_writes_its_xml(tmp_path: Path) -> None:
    def prefixed(name: str, content: bytes) -> bytes:
        if not name.startswith("xl/worksheets/"):
            return content
        content = content.replace(b"<c r=", b"<x:c  r = ").replace(b"</c>", b"</x:c>").replace(b"<v>", b"<x:v>")
        content = content.replace(b"</v>", b"</x:v>").replace(b"<v />", b"<x:v />").replace(b"<v/>", b"<x:v/>")
        space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        return content.replace(b"<worksheet ", b'<worksheet xmlns:x="' + space + b'" ')

    path = formatted(tmp_path / "a.xlsx", {1: (0.35, "0%"), 2: (35, "General")})
    assert rates(rewritten(path, prefixed))[:2] == [0.35, 0.35]


def test_a_damaged_list_of_formats_is_refused_and_never_taken_as_plain(tmp_path: Path) -> None:
    path = formatted(tmp_path / "a.xlsx", {1: (0.35, "0%")})
    rewritten(path, lambda name, content: content[:200] if name == "xl/styles.xml" else content)
    assert rules(path) == {("a.xlsx", "unreadable")}


@given(st.text(alphabet='0#.,%;"\\_*[]<>=- aG', max_size=24), st.floats(allow_nan=False, allow_infinity=False))
def test_any_format_can_be_read_and_a_number_stays_its_number(code: str, value: float) -> None:
    found = as_shown(value, shown(code))
    assert not isinstance(found, float) or float(found) == value
    assert "%" in code or type(found) is float


def test_texts_days_and_truths_are_left_alone_by_any_format() -> None:
    assert [as_shown(cell, (True, True, True)) for cell in ("35", True, None)] == ["35", True, None]
    assert np.float64(as_shown(0.35, (True, True, True))) == 0.35
