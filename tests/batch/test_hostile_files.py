"""Files broken on purpose, and targets that cannot be written: a sentence, never a stack, never half a file."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from batch_rows import NAMES, ROWS, StandIn, cells, flat, opened, rules, write_csv, write_parquet, write_xlsx
from test_habits_of_files import folder_of, write_dbf
from test_old_workbooks import FILES
from test_percent_formats import rewritten

from eco_credit.contracts.mapping import mapping_of
from eco_credit.core.errors import ContractError, EcoCreditError
from serving.batch import Limits, Options, run_batch
from serving.batch.sheets import read_book

KEY = NAMES.index("application_id")


def refused(path: Path, out: Path, **options: Any) -> list[tuple[str, str]]:
    """Field and rule of the refusal of a run."""
    with pytest.raises(ContractError) as error:
        run_batch(path, out, scorer=StandIn(), options=Options(**options))
    assert all(one.en and one.zh for one in error.value.violations)
    return [(one.field, one.rule) for one in error.value.violations]


def left(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


# --- targets


def test_a_target_in_a_folder_that_is_not_there_is_refused_and_no_folder_made(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", NAMES, cells(ROWS))
    assert refused(path, tmp_path / "typo" / "out.csv") == [("typo", "no_such_folder")]
    assert left(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("name", ["out.csv", "out.rejects.csv", "out.manifest.json", "out.report.html"])
def test_a_folder_where_a_file_is_to_be_written_is_refused_before_the_work(tmp_path: Path, name: str) -> None:
    path = write_csv(tmp_path / "a.csv", NAMES, cells(ROWS))
    (tmp_path / name).mkdir()
    assert refused(path, tmp_path / "out.csv") == [(name, "name_taken")]
    assert left(tmp_path) == sorted(["a.csv", name])


def test_a_file_where_the_parts_are_to_be_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", NAMES, cells(ROWS))
    (tmp_path / "out.parts").write_text("x")
    assert refused(path, tmp_path / "out.csv") == [("out.parts", "name_taken")]


@pytest.mark.parametrize("way", ["itself", "through a folder", "through a link"])
def test_the_input_is_never_the_target(tmp_path: Path, way: str) -> None:
    path = write_csv(tmp_path / "a.csv", NAMES, cells(ROWS))
    before = path.read_bytes()
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").symlink_to(path)
    around = tmp_path / "sub" / ".." / "a.csv"
    out = {"itself": path, "through a folder": around, "through a link": tmp_path / "link.csv"}
    assert refused(path, out[way]) == [(out[way].name, "same_file")]
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["out.parquet", "part.0.parquet"])
def test_a_result_never_stands_among_the_parts_of_its_input(tmp_path: Path, name: str) -> None:
    folder = folder_of(tmp_path / "in", (2, 2))
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    assert refused(folder, folder / name) == [(name, "among_parts")]
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before


if getattr(os, "geteuid", lambda: 0)() != 0:  # rights bind nobody who may do everything

    def test_rights_are_told_by_name(tmp_path: Path) -> None:
        path = write_csv(tmp_path / "a.csv", NAMES, cells(ROWS))
        (tmp_path / "closed").mkdir(mode=0o500)
        assert refused(path, tmp_path / "closed" / "out.csv") == [("closed", "not_writable")]
        path.chmod(0)
        assert refused(path, tmp_path / "out.csv") == [("a.csv", "not_readable")]


def test_an_error_of_rights_in_the_middle_of_a_run_is_a_sentence(tmp_path: Path) -> None:
    from serving.batch import DiskFault
    from serving.batch.finish import disk_told

    with pytest.raises(DiskFault, match="Permission denied") as error, disk_told():
        raise PermissionError(13, "Permission denied", str(tmp_path / "out.csv"))
    assert str(tmp_path) not in error.value.en + error.value.zh


# --- parquet


def test_a_run_that_finished_nothing_leaves_nothing(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", (2, 2))
    part = folder / "part.1.parquet"
    content = part.read_bytes()
    part.write_bytes(content[:300] + bytes(400) + content[700:])
    assert refused(folder, tmp_path / "out.parquet") == [("part.1.parquet", "unreadable")]
    assert left(tmp_path) == ["in"]


def test_what_was_finished_before_a_bad_part_is_kept_for_the_next_run(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", (2,) * 6)
    part = folder / "part.5.parquet"
    content = part.read_bytes()
    part.write_bytes(content[:300] + bytes(400) + content[700:])
    limits = Limits(chunk_rows=1, rows_per_application=2)
    assert refused(folder, tmp_path / "out.parquet", limits=limits) == [("part.5.parquet", "unreadable")]
    assert left(tmp_path) == ["in", "out.parts"]


def test_a_parquet_without_rows_or_without_columns_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", ROWS)
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    assert rules(path) == {("a.parquet", "no_rows")}
    pq.write_table(pa.table({}), path)
    assert {rule for _, rule in rules(path)} == {"missing_column"}


def test_text_that_is_no_text_in_a_parquet_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", ROWS)
    table = pq.read_table(path)
    place = table.column_names.index("borrower_name")
    bad = pa.array([b"\xff\xfe", b"a", b"b"]).cast(pa.binary()).view(pa.string())
    pq.write_table(table.set_column(place, "borrower_name", bad), path)
    assert rules(path) == {("a.parquet", "unreadable")}


def test_a_parquet_over_which_the_library_ends_its_process_is_refused_by_name(tmp_path: Path) -> None:
    good = write_parquet(tmp_path / "a.parquet", ROWS)
    look = (
        "import sys, pyarrow.parquet as pq; group = pq.read_metadata(sys.argv[1]).row_group(0);"
        "[group.column(at) for at in range(9)]"
    )
    content = good.read_bytes()
    end = len(content) - 8 - struct.unpack("<I", content[-8:-4])[0]
    for at in range(end, end + 200):
        changed = bytearray(content)
        changed[at] ^= 1 << 6  # a list of sizes loses its length
        good.write_bytes(changed)
        words = [sys.executable, "-c", look, str(good)]
        if _dies(changed) and subprocess.run(words, capture_output=True, check=False).returncode < 0:
            break
    else:
        pytest.skip("this release of the library survives every change that was tried")
    assert rules(good) == {("a.parquet", "unreadable")}


def _dies(changed: bytearray) -> bool:
    """A guess that saves processes: the end can be read, the columns can not."""
    try:
        pq.ParquetFile(pa.BufferReader(bytes(changed))).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        return "histogram" in str(error)
    return False


# --- text files


@pytest.mark.parametrize("ends", [b"\n", b"\r", b"\r\n", None])
def test_line_ends_of_any_kind_and_mixed_give_the_same_rows(tmp_path: Path, ends: bytes | None) -> None:
    path = write_csv(tmp_path / "a.csv", NAMES, cells(ROWS))
    lines = path.read_bytes().split(b"\r\n")
    mixed = lines[0] + b"\n" + lines[1] + b"\r" + lines[2] + b"\r\n" + lines[3]
    path.write_bytes(mixed if ends is None else ends.join(lines))
    assert opened(path).survey().rows == 3 and rules(path) == set()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda raw: raw.replace(b"A000001", b"A0\x00001"), "encoding"),
        (lambda raw: raw.decode().encode("utf-16"), "encoding"),
        (lambda raw: raw.replace(b"A000001", b'"A000001'), "unreadable"),
        (lambda raw: raw.replace(b"A000001", b"A" * 200_000), "unreadable"),
        (lambda raw: raw.split(b"\r\n")[0], "no_rows"),
        (lambda raw: b"t\r\n" * 10 + raw, "header_not_found"),
    ],
)
def test_a_text_file_that_is_broken_is_refused(tmp_path: Path, change: Callable[[bytes], bytes], rule: str) -> None:
    path = write_csv(tmp_path / "a.csv", NAMES, cells(ROWS))
    path.write_bytes(change(path.read_bytes()))
    assert {found for _, found in rules(path)} == {rule}


# --- headers and keys


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_header_that_stands_twice_is_refused_in_every_format(tmp_path: Path, ending: str) -> None:
    head, lines = [*NAMES, "area"], [[*line, 1.0] for line in cells(ROWS)]
    assert rules(written(tmp_path / f"a.{ending}", head, lines)) == {("area", "two_columns")}


def written(path: Path, head: list[str], lines: list[list[Any]]) -> Path:
    if path.suffix == ".csv":
        return write_csv(path, head, lines)
    if path.suffix == ".xlsx":
        return write_xlsx(path, {"s": [head, *lines]})
    columns = [pa.array(column) for column in zip(*lines, strict=True)]
    pq.write_table(pa.Table.from_arrays(columns, names=head), path)
    return path


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_an_application_number_of_blanks_only_is_missing(tmp_path: Path, ending: str) -> None:
    lines = cells(ROWS)
    lines[1][KEY] = "   "
    run_batch(written(tmp_path / f"a.{ending}", NAMES, lines), tmp_path / "b.parquet", scorer=StandIn())
    found = pq.read_table(tmp_path / "b.rejects.parquet").to_pylist()
    assert [(line["row"], line["field"], line["rule"]) for line in found] == [(2, "application_id", "missing")]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_header_in_row_seven_below_two_titles_is_found(tmp_path: Path, ending: str) -> None:
    blank: list[Any] = [None]
    above: list[list[Any]] = [["某银行"], ["2026年台账", None, "单位：元"], blank, blank, blank, ["x", None, "y"]]
    path = written(tmp_path / f"a.{ending}", above[0], [*above[1:], NAMES, *cells(ROWS)])
    source = opened(path)
    assert source.survey().rows == 3 and source.layout.header_row == 7


# --- workbooks


def two_sheets(path: Path, second: str) -> Path:
    lines = cells(ROWS)
    write_xlsx(path, {"台账A": [NAMES, lines[0]], "placeholder": [NAMES, *lines[1:]]})
    return rewritten(
        path, lambda name, held: held.replace(b"placeholder", second.encode()) if name == "xl/workbook.xml" else held
    )


def test_two_sheets_whose_names_differ_in_case_are_both_read(tmp_path: Path) -> None:
    found = opened(two_sheets(tmp_path / "a.xlsx", "台账a"))
    assert found.survey().rows == 3 and [one["name"] for one in found.notes["sheets"]] == ["台账A", "台账a"]


def test_two_sheets_of_one_name_are_refused_because_one_would_be_lost(tmp_path: Path) -> None:
    assert rules(two_sheets(tmp_path / "a.xlsx", "台账A")) == {("a.xlsx", "same_sheets")}


def test_a_workbook_that_unpacks_to_much_more_is_refused_whatever_it_claims(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(50_000_000))
    assert rules(path) == {("a.xlsx", "unsafe_archive")}
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):  # the list, and the head, of the last member
        struct.pack_into("<I", content, content.rfind(mark) + place, 1_000)
    path.write_bytes(content)
    assert rules(path) == {("a.xlsx", "unreadable")}


# --- anything at all


def mutants(content: bytes, seed: int, count: int) -> list[bytes]:
    """Copies with some bytes changed, some of them cut short."""
    draw, found = random.Random(seed), []
    for _ in range(count):
        changed = bytearray(content)
        for _ in range(draw.choice((1, 2, 5, 30))):
            at = draw.randrange(len(changed))
            changed[at] = draw.choice((0, 255, draw.randrange(256), changed[at] ^ (1 << draw.randrange(8))))
        found.append(bytes(changed[: draw.randrange(1, len(changed))] if draw.random() < 0.15 else changed))
    return found


@pytest.mark.parametrize("kind", ["xlsx", "xls", "csv", "dbf"])
def test_a_file_with_any_bytes_changed_is_read_or_refused_and_never_a_fault(tmp_path: Path, kind: str) -> None:
    path = {
        "xlsx": lambda: write_xlsx(tmp_path / "a.xlsx", {"s": [NAMES, *cells(ROWS)]}),
        "xls": lambda: (tmp_path / "a.xls", (tmp_path / "a.xls").write_bytes((FILES / "ledger.xls").read_bytes()))[0],
        "csv": lambda: write_csv(tmp_path / "a.csv", NAMES, cells(ROWS)),
        "dbf": lambda: write_dbf(tmp_path / "a.dbf", ["A", "B"], [["1", "二"], ["3", "4"]], "gb18030"),
    }[kind]()
    outcomes = set()
    for changed in mutants(path.read_bytes(), seed=20261126, count=120):
        path.write_bytes(changed)
        try:
            if kind.startswith("xls"):
                from serving.batch.sniff import sniff

                sniff(path, Limits())
                read_book(path, Limits())
            else:
                list(opened(path).blocks())
            outcomes.add("read")
        except EcoCreditError:
            outcomes.add("refused")
    assert "refused" in outcomes


# --- constants of a mapping


@pytest.mark.parametrize(
    ("constant", "rule"),
    [
        ({"stock": "much"}, "number_form"), ({"insured_to": "2026-13-45"}, "date_impossible"),
        ({"sealed": "maybe"}, "yes_no"), ({"insured_to": "长期"}, "open_end"),
    ],
)
def test_a_constant_that_cannot_be_read_is_refused(constant: dict[str, Any], rule: str) -> None:
    from serving.batch.layout import Vocabulary

    with pytest.raises(ContractError) as error:
        Vocabulary.of(_fields(), mapping_of({"contract": "batch_input", "constant": constant}))
    assert [(one.field, one.rule) for one in error.value.violations] == [(f"constant.{next(iter(constant))}", rule)]


def test_a_constant_no_is_no(tmp_path: Path) -> None:
    from test_habits_of_files import with_mapping

    place = NAMES.index("sealed")
    rows = [[cell for at, cell in enumerate(line) if at != place] for line in [NAMES, *cells(ROWS)]]
    path = write_csv(tmp_path / "a.csv", rows[0], rows[1:])
    mapping = mapping_of({"contract": "batch_input", "constant": {"sealed": "否"}})
    (block,) = with_mapping(path, mapping).blocks()
    assert block.columns["sealed"].tolist() == [0.0] * 3
    assert np.isfinite(block.columns["sealed"]).all() and len(flat(3)["sealed"]) == 3


def _fields() -> Any:
    from batch_rows import fields

    return fields()


# --- the lender's own rule values


@pytest.mark.parametrize(
    "content",
    [
        b"a: [", b"\xff", b"- 1\n", b"credit.policy.pd_approve_max: 3\n",
        b"credit.policy.pd_approve_max: {in_force: 2020-01-01, published: 2020-01-01, value: much, ref: own}\n",
        b"credit.policy.pd_approve_max: {in_force: soon, published: 2020-01-01, value: 0.1, ref: own}\n", None,
    ],
)  # fmt: skip
def test_an_overlay_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    from eco_credit.core.errors import RuleNotInForce
    from eco_credit.rulebook import load

    if content is not None:
        (tmp_path / "own.yaml").write_bytes(content)
    with pytest.raises(RuleNotInForce, match=r"own\.yaml cannot be read") as error:
        load(tmp_path / "own.yaml")
    assert "覆盖文件" in error.value.zh
