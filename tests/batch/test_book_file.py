"""The lender's book as a file: read in every format, checked, drawn from applications, and used by a run."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import typer
from batch_rows import applications, cells, flat, write_csv, write_parquet, write_xlsx
from small_store import add_model
from typer.testing import CliRunner

from eco_credit.contracts import contract, frame_of_columns, to_flat
from eco_credit.core.errors import ContractError
from eco_credit.scoring.doors import score, score_table
from eco_credit.valuation.book_table import book_of
from serving.batch import Limits, Options, run_batch
from serving.batch.engines import dask_engine
from serving.batch.scorer import ServedScorer
from serving.book import read_book, write_book
from serving.cli import batch

HEAD = ("application_id", "kind", "lending_value", "certificate_no", "compartment", "subcompartment", "area", "species",
        "permit_no", "water_purpose", "order_no", "buyer_id")
ROWS: list[list[Any]] = [
    ["H1", "forest_right", 1000.0, "闽(2026)某县不动产权第0000001号", "07", "12", 20.0, "chinese_fir", *[None] * 4],
    ["H2", "water_right", 2500.5, *[None] * 5, "D999999S2026-0001", "industry", None, None],
    ["H3", "order", None, *[None] * 7, "D-1", "91999999100000016F"],
]
ON_PAPER = ("申请编号", "押品种类", "抵质押价值（万元）", "林权证号", "林班", "小班", "面积（亩）", "树种组",
            "取水许可证编号", "取水用途", "订单号", "买方证件号码")


def as_on_paper() -> list[list[Any]]:
    """The rows in the units and words of paper forms, written carelessly: full width, blanks, lower case."""
    rows = [list(row) for row in ROWS]
    rows[0][2:8] = [0.1, " 闽（２０２６）某县 不动产权第0000001号", "０７", "12 ", 300.0, "杉木"]
    rows[1][2], rows[1][8] = 0.25005, "ｄ999999ｓ2026-0001"
    rows[2][10:] = ["ｄ-１", " 91999999100000016f"]
    return rows


def refused(path: Path) -> set[tuple[int | None, str, str]]:
    with pytest.raises(ContractError) as error:
        read_book(path)
    assert all(v.en and any("\u4e00" <= char <= "\u9fff" for char in v.zh) for v in error.value.violations)
    return {(v.row, v.field, v.rule) for v in error.value.violations}


def test_the_columns_here_are_those_of_the_contract() -> None:
    assert tuple(field.column for field in contract("lender_book").fields) == HEAD


def books(folder: Path, head: Sequence[str], rows: list[list[Any]]) -> list[Path]:
    return [
        write_csv(folder / "a.csv", head, rows),
        write_csv(folder / "b.csv", head, rows, encoding="utf-8-sig"),
        write_csv(folder / "c.csv", head, rows, encoding="gb18030"),
        write_xlsx(folder / "d.xlsx", {"台账": [list(head), *rows]}),
    ]


def test_every_format_and_both_ways_to_write_give_one_book(tmp_path: Path) -> None:
    typed = [read_book(path) for path in books(tmp_path, HEAD, ROWS)]
    (tmp_path / "paper").mkdir()
    careless = [read_book(path) for path in books(tmp_path / "paper", ON_PAPER, as_on_paper())]
    columns = {name: [row[at] for row in ROWS] for at, name in enumerate(HEAD)}
    import pandas as pd

    pd.DataFrame(columns).to_parquet(tmp_path / "e.parquet", index=False)
    found = [*typed, *careless, read_book(tmp_path / "e.parquet"), book_of(pd.DataFrame(columns))]
    assert len({book.digest for book in found}) == 1
    # 0.1 and 0.25005 times ten thousand yuan, 300 mu of 15 to the hectare
    assert dict(found[0].lent) == {
        ("forest_right", "CHINESE_FIR"): 1000.0, ("water_right", "INDUSTRY"): 2500.5,
        ("order", "91999999100000016F"): 0.0,
    }  # fmt: skip
    assert ("forest_right", ("闽(2026)某县不动产权第0000001号", "07", "12", "20")) in found[0].holders


def test_what_is_wrong_is_named_by_row_field_and_rule_in_both_languages(tmp_path: Path) -> None:
    rows = [list(row) for row in ROWS]
    rows[0][6], rows[1][8], rows[1][10], rows[2][1] = -1.0, "7", "D-2", "castle"
    assert refused(write_csv(tmp_path / "a.csv", HEAD, rows)) == {
        (1, "area", "exclusive_minimum"), (2, "permit_no", "identifier"), (2, "order_no", "other_kind"),
        (3, "kind", "code"), (3, "order_no", "other_kind"), (3, "buyer_id", "other_kind"),
    }  # fmt: skip
    rows = [list(row) for row in ROWS]
    rows[0][3], rows[1][2], rows[2][0] = None, "many", None
    assert refused(write_csv(tmp_path / "b.csv", HEAD, rows)) == {
        (1, "certificate_no", "missing"), (2, "lending_value", "number_form"), (3, "application_id", "missing"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "head", "rows", "rule"),
    [
        ("a.csv", HEAD, [], "no_rows"),
        ("a.csv", HEAD[1:], [row[1:] for row in ROWS], "missing_column"),
        ("a.csv", ("申请编号", "押品种类", "抵质押价值", "取水许可证编号"), [["H", "water_right", 1.0, "x"]], "D01"),
        ("a.dbf", HEAD, ROWS, "wrong_format"),
    ],
)
def test_a_file_that_is_no_book_is_refused_whole(
    tmp_path: Path, name: str, head: Any, rows: Any, rule: str
) -> None:
    assert {found[2] for found in refused(write_csv(tmp_path / name, head, rows))} == {rule}
    assert {found[2] for found in refused(tmp_path / "absent.csv")} == {"no_such_file"}


def test_a_thing_held_twice_is_no_error_of_the_book(tmp_path: Path) -> None:
    book = read_book(write_csv(tmp_path / "a.csv", HEAD, [ROWS[1], ["H9", *ROWS[1][1:]]]))
    assert book.holders["water_right", ("D999999S2026-0001",)] == {"H2", "H9"}


def distinct(count: int) -> list[dict[str, Any]]:
    """Applications with one pledge each, the same papers every third application."""
    found = applications(count)
    for record in found:
        del record["pledges"][1:]
    return found


@pytest.mark.parametrize("ending", ["parquet", "csv", "xlsx"])
def test_a_book_drawn_from_applications_finds_what_the_file_pledges_twice(tmp_path: Path, ending: str) -> None:
    columns = to_flat(distinct(5))
    source = write_csv(tmp_path / "in.csv", list(columns), cells(columns))
    assert write_book(source, tmp_path / f"book.{ending}") == 5
    book = read_book(tmp_path / f"book.{ending}")
    # kinds come in turn: applications 0 and 3 pledge one forest, 1 and 4 one permit, 2 alone its order
    assert sorted(sorted(who) for who in book.holders.values()) == [["A000000", "A000003"], ["A000001", "A000004"],
                                                                    ["A000002"]]
    assert set(book.lent.values()) == {0.0}
    assert read_book(source).digest == book.digest, "the file of applications is itself readable as a book"
    with pytest.raises(ContractError):
        write_book(source, source)


@pytest.mark.parametrize("ending", ["parquet", "csv", "xlsx"])
def test_results_joined_with_the_papers_are_a_book(home: Path, tmp_path: Path, ending: str) -> None:
    source = write_parquet(tmp_path / "in.parquet", to_flat(distinct(3)))
    run_batch(source, tmp_path / "out.parquet", scorer=ServedScorer(home))
    result, rows = pq.read_table(tmp_path / "out.parquet").to_pandas(), pq.read_table(source).to_pandas()
    papers = rows[["application_id", "pledge_id", *HEAD[3:]]]
    joined = result.merge(papers, on=["application_id", "pledge_id"])
    path = tmp_path / f"joined.{ending}"
    {"parquet": joined.to_parquet, "csv": joined.to_csv, "xlsx": joined.to_excel}[ending](path, index=False)
    book = read_book(path)
    assert sorted(book.lent.values()) == sorted(result["lending_value"].tolist())
    assert set(book.holders) == set(read_book(source).holders)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_model(tmp_path_factory.mktemp("home")).home


def results(path: Path) -> dict[str, tuple[Any, ...]]:
    names = ("eligible", "ineligible_reasons", "lending_value", "max_loan", "recommendation")
    return {row["application_id"]: tuple(row[name] for name in names) for row in pq.read_table(path).to_pylist()}


def program(*words: str) -> Any:
    app = typer.Typer()
    batch.register(app)
    return CliRunner().invoke(app, list(words))


def test_a_file_does_not_compare_its_applications_unless_a_book_is_given(home: Path, tmp_path: Path) -> None:
    source, out = write_parquet(tmp_path / "in.parquet", to_flat(distinct(5))), tmp_path / "out.parquet"
    plain = program("batch", "run", str(source), str(out), "--home", str(home), "--json")
    assert plain.exit_code == 0, plain.output
    assert [found[1] for found in results(out).values()] == [None] * 5
    drawn = program("batch", "book", str(source), str(tmp_path / "book.parquet"), "--json")
    assert drawn.exit_code == 0, drawn.output
    assert program(
        "batch", "run", str(source), str(out), "--home", str(home), "--book", str(tmp_path / "book.parquet")
    ).exit_code == 0
    found = results(out)
    assert [name for name, row in found.items() if row[1] == "K01"] == ["A000000", "A000001", "A000003", "A000004"]
    assert found["A000002"][0] is True
    assert all(row[2:] == (0.0, 0.0, "decline") for row in found.values() if row[1])


def test_every_chunk_engine_and_door_gives_the_same_bytes_with_a_book(home: Path, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", to_flat(distinct(7)))
    write_book(source, tmp_path / "book.csv")
    book = read_book(tmp_path / "book.csv")
    scorer = ServedScorer(home, book=book)
    made = [
        run_batch(source, tmp_path / f"{rows}.parquet", scorer=scorer, options=Options(Limits(chunk_rows=rows)))
        for rows in (2, 100)
    ]
    assert results(tmp_path / "2.parquet") == results(tmp_path / "100.parquet")
    assert {m["run"]["scorer"]["book"] for m in made} == {book.digest}
    travelled = pickle.loads(pickle.dumps(scorer))
    again = run_batch(source, tmp_path / "t.parquet", scorer=travelled, options=Options(Limits(chunk_rows=100)))
    assert again["output"]["sha256"] == made[1]["output"]["sha256"]
    answers = [score(record, home=home, book=book) for record in distinct(7)]
    assert [a["max_loan"] for a in answers] == [row[3] for row in results(tmp_path / "t.parquet").values()]
    assert {a["provenance"]["book_hash"] for a in answers} == {book.digest}
    table = score_table(frame_of_columns(to_flat(distinct(7))), home=home, book=frame_of_columns(to_flat(distinct(7))))
    assert table["max_loan"].tolist() == [a["max_loan"] for a in answers]


def test_a_cluster_gives_the_same_bytes_with_a_book(home: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    source = write_parquet(tmp_path / "in.parquet", to_flat(distinct(6)))
    scorer = ServedScorer(home, book=read_book(source))
    options = Options(Limits(chunk_rows=2))
    here = run_batch(source, tmp_path / "a.parquet", scorer=scorer, options=options)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        engine = dask_engine(cluster.scheduler_address)
        there = run_batch(source, tmp_path / "b.parquet", scorer=scorer, options=replace(options, engine=engine))
    assert there["output"]["sha256"] == here["output"]["sha256"]


def test_a_run_is_not_resumed_with_another_book(home: Path, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "in.parquet", flat(9))

    class Stop(Exception):
        """Breaks the run."""

    def stop(chunks: int) -> None:
        raise Stop

    options = Options(Limits(chunk_rows=2), after_chunk=stop)
    with pytest.raises(Stop):
        run_batch(source, tmp_path / "out.parquet", scorer=ServedScorer(home), options=options)
    other = ServedScorer(home, book=read_book(source))
    with pytest.raises(ContractError) as refusal:
        run_batch(source, tmp_path / "out.parquet", scorer=other, options=Options(Limits(chunk_rows=2), resume=True))
    assert {v.rule for v in refusal.value.violations} == {"input_changed"}
