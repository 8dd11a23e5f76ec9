"""One file of many kinds of application: the local run, the cluster and single requests say the same, to the bit."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from batch_rows import KINDS, cells, write_csv
from fastapi.testclient import TestClient
from small_store import add_model

from eco_credit.contracts import example_application, read_application, to_flat
from eco_credit.core.errors import ContractError
from serving.app import create_app
from serving.batch import Limits, Options, run_batch
from serving.batch.engines import dask_engine
from serving.batch.run import ECHO
from serving.batch.scorer import ServedScorer
from serving.settings import Settings

HERE = ("127.0.0.1", 50000)
SEED = 20261123
APPLICATIONS = 66
REASONS = 8
NAMES = ("某林业合作社", "䶮记（集团）有限公司", "=SUM(1)", 'a,"b"', " 两 端 ")
OWN = {"row", "sheet", *ECHO} - {"application_id", "pledge_id", "kind", "as_of"}
"""Columns that repeat the input, or say where a row stood."""
UNANSWERED = {"haircut_total"}
"""A sum up of the single haircuts, which the answer lists one by one."""


def odd(draw: random.Random, value: Any) -> Any:
    """A number near another, with digits that only exact reading keeps."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return round(value * draw.uniform(0.3, 3.0), draw.choice((2, 7, 13))) if isinstance(value, float) else value


def varied(draw: random.Random, number: int) -> dict[str, Any]:
    """One application: kinds in turn, every third with up to four pledges of any kind, some fields left blank."""
    examples = {kind: read_application(example_application(kind)) for kind in KINDS}
    record = copy.deepcopy(examples[KINDS[number % 3]])
    record["application_id"], record["as_of"] = f"P{number:04d}", draw.choice(("2026-11-23", "2025-06-30"))
    record["borrower"]["borrower_name"] = draw.choice(NAMES)
    record["loan"]["amount_requested"] = draw.choice((0.1 + 0.2, 1e5 / 3, 123_456.78, 5e6, 2.5e8))
    record["loan"]["term_months"] = draw.choice((6, 12, 37, 120))
    if number % 3 == 2:
        kinds = [draw.choice(KINDS) for _ in range(draw.randint(2, 4))]
        record["pledges"] = [copy.deepcopy(examples[kind]["pledges"][0]) for kind in kinds]
    for place, pledge in enumerate(record["pledges"]):
        pledge["pledge_id"] = f"{record['application_id']}-{place}"
        for name, value in list(pledge.items()):
            if isinstance(value, float):
                pledge[name] = odd(draw, value)
            elif isinstance(value, bool) and draw.random() < 0.1:
                pledge[name] = not value
            if name not in ("kind", "pledge_id") and draw.random() < 0.08:
                del pledge[name]
    return record


def sound() -> list[dict[str, Any]]:
    """Applications the contract accepts, by a printed seed."""
    draw, found, number = random.Random(SEED), [], 0
    while len(found) < APPLICATIONS:
        record = varied(draw, number)
        number += 1
        try:
            read_application(record)
        except ContractError:
            continue
        found.append(record)
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_model(tmp_path_factory.mktemp("home")).home


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    return sound()


@pytest.fixture(scope="module")
def source(records: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    columns = to_flat([read_application(record) for record in records])
    return write_csv(tmp_path_factory.mktemp("in") / "in.csv", list(columns), cells(columns))


@pytest.fixture(scope="module")
def run_here(home: Path, source: Path) -> tuple[Path, dict[str, Any]]:
    out = source.with_name("here.parquet")
    options = Options(Limits(chunk_rows=17))
    manifest = run_batch(source, out, scorer=ServedScorer(home, reasons=REASONS), options=options)
    return out, manifest


@pytest.fixture(scope="module")
def answers(home: Path, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    with TestClient(create_app(Settings(home=home)), base_url="http://127.0.0.1", client=HERE) as client:
        found = [client.post("/v1/scores", json=record) for record in records]
    assert {answer.status_code for answer in found} == {200}, [a.text for a in found if a.status_code != 200][:1]
    return [answer.json() for answer in found]


def rows_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer as rows of the result: one for each pledge, in their order."""
    pd, lgd = answer["pd"], answer["lgd"]
    same = ("application_id", "regulatory_lgd", "expected_loss_rate", "score", "grade", "recommendation", "max_loan",
            "rate_floor", "out_of_scope")  # fmt: skip
    reasons = [one["code"] for one in answer["reasons"]] + [None] * REASONS
    whole = {name: answer[name] for name in same} | {
        "as_of": answer["as_of"],
        "pd": pd["value"], "pd_low": pd["low"], "pd_high": pd["high"], "pd_flag": pd["flag"],
        **{f"pd_margin_{name}": pd["margin"][name] for name in ("a", "b", "c")},
        "pd_with_margin": pd["with_margin"], "pd_benchmark": pd["benchmark"],
        "pd_benchmark_margin": pd["benchmark_margin"],
        "cell_loans": pd["cell_loans"], "cell_defaults": pd["cell_defaults"],
        "lgd": lgd["value"], "lgd_low": lgd["low"], "lgd_high": lgd["high"],
        "conditions": joined(one["code"] for one in answer["conditions"]),
        **{f"reason_{place}": reasons[place - 1] for place in range(1, REASONS + 1)},
        "synthetic_model": answer["provenance"]["models"][0].get("synthetic", True),
    }  # fmt: skip
    return [whole | of_pledge(pledge) for pledge in answer["pledges"]]


def of_pledge(pledge: dict[str, Any]) -> dict[str, Any]:
    appraisal = pledge["appraisal"]
    drivers = [*(one["name"] for one in appraisal["drivers"]), None, None]
    worst = min(pledge["stress"], key=lambda one: one["value"], default=None)
    return {
        "pledge_id": pledge["pledge_id"], "kind": pledge["kind"], "eligible": pledge["eligible"],
        "ineligible_reasons": joined(one["code"] for one in pledge["ineligible_reasons"]),
        "approach": appraisal["approach"],
        **{f"appraisal_{name}": appraisal[name] for name in ("low", "central", "high")},
        "lending_value": pledge["lending_value"],
        **{f"recovery_{name}": pledge["recovery"][name] for name in ("low", "central", "high")},
        "gep_entitled_cny_per_year": pledge["gep"]["entitled_cny_per_year"],
        "gep_public_benefit_cny_per_year": pledge["gep"]["public_benefit_cny_per_year"],
        "gep_value": pledge["gep"]["value_from_flows"],
        "driver_1": drivers[0], "driver_2": drivers[1],
        "flags": joined(one["name"] for one in pledge["flags"]),
        "stress_worst": None if worst is None else worst["name"],
        "stress_value": None if worst is None else worst["value"],
        "revalue_on": pledge["revaluation"]["due_on"],
    }  # fmt: skip


def joined(codes: Any) -> str | None:
    return " ".join(codes) or None


def exact(row: dict[str, Any]) -> dict[str, Any]:
    """Numbers by their bits, days as text."""
    return {name: _exact(value) for name, value in row.items()}


def _exact(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return float(value).hex() if isinstance(value, (int, float)) else value if value is None else str(value)


def test_every_column_of_a_run_is_the_answer_to_each_application_alone_to_the_last_bit(
    run_here: tuple[Path, dict[str, Any]], answers: list[dict[str, Any]]
) -> None:
    out, manifest = run_here
    found = pq.read_table(out).to_pylist()
    asked = [row for answer in answers for row in rows_of(answer)]
    assert manifest["counts"]["rejected"] == 0 and len(found) == len(asked) > APPLICATIONS
    compared = set(asked[0])
    assert set(found[0]) - OWN - UNANSWERED == compared, "no column of the result escapes the comparison"
    for row, answer in zip(found, asked, strict=True):
        assert exact({name: row[name] for name in answer}) == exact(answer), (row["application_id"], SEED)
    assert {row["recommendation"] for row in found} == {"approve", "refer", "decline"}
    assert {row["eligible"] for row in found} == {True, False} and len({row["as_of"] for row in found}) == 2
    assert any(row["conditions"] for row in found) and any(row["reason_5"] for row in found)


def test_a_cluster_gives_the_same_bytes_of_the_same_file(
    run_here: tuple[Path, dict[str, Any]], home: Path, source: Path
) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    of = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**of) as cluster:
        options = Options(Limits(chunk_rows=17), engine=dask_engine(cluster.scheduler_address))
        there = run_batch(
            source, source.with_name("there.parquet"), scorer=ServedScorer(home, reasons=REASONS), options=options
        )
    assert there["output"]["sha256"] == run_here[1]["output"]["sha256"]
    assert there["figures"] == run_here[1]["figures"]


def test_a_workbook_for_people_says_the_texts_of_the_answers(
    home: Path, source: Path, answers: list[dict[str, Any]]
) -> None:
    import openpyxl

    out = source.with_name("out.xlsx")
    run_batch(source, out, scorer=ServedScorer(home, reasons=REASONS), options=Options(Limits(chunk_rows=17)))
    head, *rows = openpyxl.load_workbook(out)["结果"].iter_rows(values_only=True)
    at = {name: place for place, name in enumerate(head)}
    by_id = {answer["application_id"]: answer for answer in answers}
    for row in rows:
        answer = by_id[row[at["application_id"]]]
        told = [f"{one['code']} {one['zh']}" for one in answer["reasons"][:3]]
        assert [row[at[f"原因{place}"]] for place in (1, 2, 3)] == [*told, None, None, None][:3]
        assert row[at["额度(万元)"]] == pytest.approx(answer["max_loan"] / 10_000, abs=1e-6)
        assert row[at["max_loan"]] == answer["max_loan"]


def test_what_a_run_rejects_the_service_refuses_for_the_same_field_and_rule(
    home: Path, records: list[dict[str, Any]], tmp_path: Path
) -> None:
    broken = [copy.deepcopy(record) for record in records[:3]]
    wrong = (("loan", "term_months", 0), ("loan", "annual_rate", 7.5), ("borrower", "borrower_kind", "castle"))
    columns = to_flat([read_application(record) for record in broken])
    lines = cells(columns)
    first = {row[list(columns).index("application_id")]: at for at, row in reversed(list(enumerate(lines)))}
    for record, (group, name, value) in zip(broken, wrong, strict=True):
        record[group][name] = value
        for at, row in enumerate(lines):
            if row[list(columns).index("application_id")] == record["application_id"]:
                lines[at][list(columns).index(name)] = value
    path = write_csv(tmp_path / "in.csv", list(columns), lines)
    run_batch(path, tmp_path / "out.parquet", scorer=ServedScorer(home), options=Options(Limits(reject_share=1.0)))
    rejects = {(line["row"], line["field"], line["rule"]): line for line in
               pq.read_table(tmp_path / "out.rejects.parquet").to_pylist()}  # fmt: skip
    with TestClient(create_app(Settings(home=home)), base_url="http://127.0.0.1", client=HERE) as client:
        for record, (_, name, _) in zip(broken, wrong, strict=True):
            for lang in ("zh", "en"):
                answer = client.post("/v1/scores", json=record, headers={"Accept-Language": lang})
                assert answer.status_code == 422
                (error,) = answer.json()["errors"]
                line = rejects[first[record["application_id"]] + 1, name, error["rule"]]
                assert line[lang] == error["message"]
