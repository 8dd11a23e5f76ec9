"""The same application through every door gives the same numbers, to the byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from appraisal_details import without_details

import eco_credit as ec
from eco_credit.contracts import frame_of_columns, to_flat
from serving.cli.demo import EXAMPLES, call, example_path

HERE = ("127.0.0.1", 50000)
"""A caller at this machine: an open service knows no other."""

FIGURES = (
    "pd",
    "pd_low",
    "pd_high",
    "pd_margin_a",
    "pd_margin_b",
    "pd_margin_c",
    "pd_with_margin",
    "lgd",
    "lgd_low",
    "lgd_high",
    "regulatory_lgd",
    "expected_loss_rate",
    "score",
    "max_loan",
    "rate_floor",
    "appraisal_low",
    "appraisal_central",
    "appraisal_high",
    "lending_value",
    "recovery_low",
    "recovery_central",
    "recovery_high",
    "gep_entitled_cny_per_year",
    "gep_public_benefit_cny_per_year",
    "pd_benchmark",
    "pd_benchmark_margin",
    "cell_loans",
    "cell_defaults",
)


def of_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """Flatten an answer with one pledge to the names of the result table."""
    pledge = answer["pledges"][0]
    return {
        "application_id": answer["application_id"],
        "grade": answer["grade"],
        "recommendation": answer["recommendation"],
        "reason_1": answer["reasons"][0]["code"] if answer["reasons"] else None,
        "pd": answer["pd"]["value"],
        "pd_low": answer["pd"]["low"],
        "pd_high": answer["pd"]["high"],
        **{f"pd_margin_{name}": answer["pd"]["margin"][name] for name in ("a", "b", "c")},
        "pd_with_margin": answer["pd"]["with_margin"],
        "pd_flag": answer["pd"]["flag"],
        "lgd": answer["lgd"]["value"],
        "lgd_low": answer["lgd"]["low"],
        "lgd_high": answer["lgd"]["high"],
        **{name: answer[name] for name in ("regulatory_lgd", "expected_loss_rate", "score", "max_loan", "rate_floor")},
        **{f"appraisal_{name}": pledge["appraisal"][name] for name in ("low", "central", "high")},
        **{f"recovery_{name}": pledge["recovery"][name] for name in ("low", "central", "high")},
        "lending_value": pledge["lending_value"],
        "gep_entitled_cny_per_year": pledge["gep"]["entitled_cny_per_year"],
        "gep_public_benefit_cny_per_year": pledge["gep"]["public_benefit_cny_per_year"],
        "pd_benchmark": answer["pd"]["benchmark"],
        "pd_benchmark_margin": answer["pd"]["benchmark_margin"],
        **{name: answer["pd"][name] for name in ("cell_loans", "cell_defaults")},
    }


def of_row(row: Any) -> dict[str, Any]:
    """One row of a result table as plain values."""
    words = ("application_id", "grade", "recommendation", "reason_1", "pd_flag")
    return {name: (None if pd.isna(row[name]) else str(row[name])) for name in words} | {
        name: None if pd.isna(row[name]) else float(row[name]) for name in FIGURES
    }


def exact(figures: dict[str, Any]) -> dict[str, Any]:
    """Floats by their bits, so that equality is to the byte."""
    return {name: float(value).hex() if isinstance(value, int | float) else value for name, value in figures.items()}


@pytest.fixture(scope="module")
def applications() -> list[dict[str, Any]]:
    return [json.loads(example_path(name).read_text("utf-8")) for name in EXAMPLES]


@pytest.fixture(scope="module")
def by_python(applications: list[dict[str, Any]], demo_home: Path) -> list[dict[str, Any]]:
    return [exact(of_answer(ec.score(application))) for application in applications]


def test_the_command_line_gives_the_same_numbers_as_python(by_python: list[Any], demo_home: Path) -> None:
    answers = [call("score", str(example_path(name)), "--home", str(demo_home)) for name in EXAMPLES]
    assert [exact(of_answer(a)) for a in answers] == by_python


def test_the_api_gives_the_same_numbers_as_python(
    applications: list[Any], by_python: list[Any], demo_home: Path
) -> None:
    from fastapi.testclient import TestClient

    from serving.app import create_app
    from serving.settings import Settings

    app = create_app(Settings(home=demo_home))
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:
        answers = [client.post("/v1/scores", json=a) for a in applications]
        assert [a.status_code for a in answers] == [200] * len(answers)
        assert [exact(of_answer(a.json())) for a in answers] == by_python


def test_a_table_of_all_gives_the_same_numbers_as_each_alone(applications: list[Any], by_python: list[Any]) -> None:
    table = ec.score_table(frame_of_columns(to_flat(applications)))
    assert [exact(of_row(row)) for _, row in table.iterrows()] == by_python


@pytest.mark.parametrize("ending", ["parquet", "csv", "xlsx"])
def test_a_batch_file_gives_the_same_numbers_as_python(
    ending: str, applications: list[Any], by_python: list[Any], demo_home: Path, tmp_path: Path
) -> None:
    source, target = tmp_path / f"in.{ending}", tmp_path / f"out.{ending}"
    write(frame_of_columns(to_flat(applications)), source)
    call("batch", "run", str(source), str(target), "--home", str(demo_home))
    assert [exact(of_row(row)) for _, row in read(target).iterrows()] == by_python


@pytest.fixture(scope="module")
def book(applications: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book in which others hold the first example's pledge, and lend most of it to the groups of all three."""
    frame = frame_of_columns(to_flat(applications))
    frame["application_id"], frame["lending_value"] = "HELD", 1e6
    frame.loc[1:, "permit_no"], frame.loc[1:, "order_no"] = "D999999S2026-9999", "another"
    frame.loc[frame["kind"] != "water_right", "permit_no"] = None
    frame.loc[frame["kind"] != "order", "order_no"] = None
    path = tmp_path_factory.mktemp("book") / "book.parquet"
    frame.to_parquet(path, index=False)
    return path


def test_every_door_gives_the_same_numbers_beside_a_book(
    applications: list[Any], by_python: list[Any], book: Path, demo_home: Path, tmp_path: Path
) -> None:
    from fastapi.testclient import TestClient

    from serving.app import create_app
    from serving.book import read_book
    from serving.settings import Settings

    held = read_book(book)
    answers = [ec.score(application, book=held) for application in applications]
    beside = [exact(of_answer(answer)) for answer in answers]
    assert [a == b for a, b in zip(beside, by_python, strict=True)] == [False] * len(applications)
    assert {answer["provenance"]["book_hash"] for answer in answers} == {held.digest}
    assert [ec.score(application, book=pd.read_parquet(book)) for application in applications] == answers
    called = [call("score", str(example_path(n)), "--home", str(demo_home), "--book", str(book)) for n in EXAMPLES]
    assert called == answers
    app = create_app(Settings(home=demo_home, book=book))
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:
        assert [exact(of_answer(client.post("/v1/scores", json=a).json())) for a in applications] == beside
    table = ec.score_table(frame_of_columns(to_flat(applications)), book=held)
    assert [exact(of_row(row)) for _, row in table.iterrows()] == beside
    write(frame_of_columns(to_flat(applications)), tmp_path / "in.csv")
    ran = call("batch", "run", str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--home", str(demo_home),
               "--book", str(book))
    assert ran["run"]["scorer"]["book"] == held.digest
    assert [exact(of_row(row)) for _, row in read(tmp_path / "out.csv").iterrows()] == beside
    shown = call("appraise", str(example_path(EXAMPLES[0])), "--book", str(book))
    assert [without_details(pledge) for pledge in shown["pledges"]] == answers[0]["pledges"]


def write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_excel(path, index=False, engine="xlsxwriter")


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_csv(path) if path.suffix == ".csv" else pd.read_excel(path, engine="openpyxl")


def test_a_county_the_training_never_saw_goes_to_a_person_with_the_scorecard_and_its_margin_at_every_door(
    applications: list[dict[str, Any]], by_python: list[Any], demo_home: Path
) -> None:
    from fastapi.testclient import TestClient

    from serving.app import create_app
    from serving.settings import Settings

    for application, home_ground in zip(applications, by_python, strict=True):
        elsewhere = application | {"borrower": application["borrower"] | {"area_code": "110101"}}
        answer = ec.score(elsewhere)
        assert "P10" in {reason["code"] for reason in answer["reasons"]}
        assert answer["recommendation"] in ("refer", "decline")
        assert (answer["pd"]["cell_loans"], answer["pd"]["cell_defaults"]) == (0.0, 0.0)
        assert answer["pd"]["benchmark"] > 0.0 and answer["pd"]["benchmark_margin"] > 0.0
        here = exact(of_answer(answer))
        assert {name: here[name] for name in ("pd", "pd_low", "pd_high", "lgd", "score", "grade")} == {
            name: home_ground[name] for name in ("pd", "pd_low", "pd_high", "lgd", "score", "grade")
        }
        app = create_app(Settings(home=demo_home))
        with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:
            assert exact(of_answer(client.post("/v1/scores", json=elsewhere).json())) == here
        table = ec.score_table(frame_of_columns(to_flat([elsewhere])))
        assert exact(of_row(table.iloc[0])) == here


def test_the_shipped_examples_lie_where_the_demo_model_was_trained(applications: list[dict[str, Any]]) -> None:
    for application in applications:
        answer = ec.score(application)
        assert "P10" not in {reason["code"] for reason in answer["reasons"]}
        assert answer["pd"]["cell_loans"] >= 30.0 and answer["pd"]["cell_defaults"] >= 5.0
