"""A workbook is decoded in a process of its own: a hostile one ends that process, and the run says so in a sentence."""

from __future__ import annotations

import datetime as dt
import gc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from batch_rows import NAMES, ROWS, StandIn, cells, opened, write_xlsx
from small_store import add_model
from test_old_workbooks import FILES
from test_one_application import minimal
from typer.testing import CliRunner

from eco_credit.core.errors import ContractError
from serving.batch import Limits, isolated, run_batch
from serving.batch.cells import Broken, Percent
from serving.batch.decode import line_of, row_of
from serving.batch.isolated import read_isolated
from serving.batch.sheets import read_book
from serving.cli import batch


def hostile(path: Path) -> Path:
    """A file of a few kilobytes: 40,000 cells of one text of 30,000 characters, 1.2 GB once each cell has its own."""
    rows = ("<row>" + '<c t="s"><v>0</v></c>' * 200 + "</row>") * 200
    path.write_bytes(minimal(f"<sheetData>{rows}</sheetData>"))
    text = "".join(chr(33 + (at * at) % 27) for at in range(30_000))
    name = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{name}"><si><t>{text.replace("<", "a")}</t></si></sst>')
    return path


def slow(path: Path) -> Path:
    """Two million cells."""
    path.write_bytes(minimal("<sheetData>" + ("<row>" + "<c><v>1</v></c>" * 200 + "</row>") * 10_000 + "</sheetData>"))
    return path


def refused(path: Path, limits: Limits) -> list[str]:
    with pytest.raises(ContractError) as error:
        read_isolated(path, limits)
    assert all(one.en and one.zh for one in error.value.violations)
    return [one.rule for one in error.value.violations]


def test_the_child_gives_what_the_reader_gives_cell_for_cell(tmp_path: Path) -> None:
    day = dt.date(2026, 11, 23)
    odd: list[Any] = [1, 2.5, 1e300, -0.1, True, None, day, dt.datetime(2026, 1, 2, 3, 4), dt.time(1, 2), "行\n{"]
    path = write_xlsx(tmp_path / "a.xlsx", {"一": [NAMES, *cells(ROWS), odd], "二": [[None, None], [None, "x"]]})
    for one in (path, FILES / "ledger.xls", FILES / "error.xls"):
        here, there = read_book(one, Limits()), read_isolated(one, Limits())
        assert there.head == here.head
        assert [(s.name, s.merged, len(s.rows)) for s in there.sheets] == [
            (s.name, s.merged, len(s.rows)) for s in here.sheets
        ]
        for mine, theirs in zip(here.sheets, there.sheets, strict=True):
            assert [[(type(c), c) for c in row] for row in theirs.rows] == [
                [(type(c), c) for c in row] for row in mine.rows
            ]
            assert list(theirs.rows) == list(theirs.rows), "rows can be gone through again"


def test_a_row_comes_back_from_its_line_with_every_kind_of_cell() -> None:
    row = [Percent(0.35), Broken("error_value"), dt.timedelta(seconds=1.5), float("inf"), 10**17, "a\u2028b"]
    back = row_of(line_of(row).encode())
    assert back == row and [type(cell) for cell in back] == [type(cell) for cell in row]


def test_two_passes_over_the_rows_may_go_on_at_once() -> None:
    rows = read_isolated(FILES / "ledger.xls", Limits()).sheets[0].rows
    assert [a == b for a, b in zip(rows, rows, strict=True)] == [True] * len(rows)


def test_a_workbook_that_asks_for_too_much_memory_ends_its_own_process_only(tmp_path: Path) -> None:
    assert refused(hostile(tmp_path / "a.xlsx"), Limits(reader_bytes=1 << 30)) == ["reader_memory"]


def test_a_workbook_that_takes_too_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = slow(tmp_path / "a.xlsx")
    assert refused(path, Limits(reader_seconds=1.0)) == ["reader_time"]
    monkeypatch.setattr(isolated, "_WALL", -0.9)  # on the wall, while processor time is left
    assert refused(path, Limits(reader_seconds=1.0)) == ["reader_time"]


def test_rows_that_fill_more_than_they_may_are_stopped(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *cells(ROWS) * 200]})
    size = path.stat().st_size
    assert refused(path, Limits(table_bytes=size)) == ["reader_memory"]


def test_a_child_that_dies_otherwise_is_told_without_a_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *cells(ROWS)]})
    monkeypatch.setattr(isolated.sys, "executable", "/bin/false")
    assert refused(path, Limits()) == ["reader_stopped"]
    monkeypatch.setattr(isolated.sys, "executable", "/bin/true")
    assert refused(path, Limits()) == ["reader_stopped"], "an answer without its end is no answer"


def test_the_child_gets_neither_secrets_nor_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECO_CREDIT_SECRET", "x")
    assert set(isolated.clean_environment()) <= {
        "PATH", "SYSTEMROOT", "LANG", "TMPDIR", "PYTHONPATH", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS",
    }  # fmt: skip


def test_the_file_of_the_rows_is_closed_when_nobody_needs_it() -> None:
    held = Path("/proc/self/fd")
    if not held.is_dir():
        pytest.skip("this system does not list open files")
    gc.collect()
    before = len(list(held.iterdir()))
    book = read_isolated(FILES / "ledger.xls", Limits())
    assert len(book.sheets) == 2
    del book
    gc.collect()
    assert len(list(held.iterdir())) == before


def test_the_command_refuses_a_hostile_workbook_with_a_sentence_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = add_model(tmp_path / "home").home
    app = typer.Typer()
    batch.register(app)
    path = hostile(tmp_path / "in.xlsx")
    small = replace(Limits(), reader_bytes=1 << 30)
    monkeypatch.setattr("serving.batch.Limits", lambda **given: replace(small, **given), raising=False)
    found = CliRunner().invoke(app, ["batch", "run", str(path), str(tmp_path / "out.xlsx"), "--home", str(home)])
    assert isinstance(found.exception, ContractError)
    assert [one.rule for one in found.exception.violations] == ["reader_memory"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["home", "in.xlsx"]


def test_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.batch import DiskFull

    path = write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *cells(ROWS)]})
    monkeypatch.setattr(isolated, "_run", lambda *_, **__: isolated.NO_ROOM)
    with pytest.raises(DiskFull):
        run_batch(path, tmp_path / "b.parquet", scorer=StandIn())


def test_rows_are_read_from_the_disk_and_memory_does_not_grow_with_them(tmp_path: Path) -> None:
    import tracemalloc

    path = write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *cells(ROWS) * 400]})
    tracemalloc.start()
    source = opened(path)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert source.survey().rows == 1200
    assert held < 1_000_000  # 1200 rows of 60 cells would be several times that
