"""The commands `batch` and `portfolio` over the real pipeline, with a small hand-made model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from batch_rows import applications, cells, flat, write_csv, write_parquet, write_xlsx
from small_store import add_model
from typer.testing import CliRunner

from eco_credit.contracts import contract
from eco_credit.scoring.doors import score
from serving.batch import Limits, Options, run_batch
from serving.batch.results import read_results
from serving.batch.scorer import ServedScorer
from serving.cli import batch, portfolio


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_model(tmp_path_factory.mktemp("home")).home


def program(*words: str) -> Any:
    """Result of the two commands, registered alone."""
    app = typer.Typer()
    batch.register(app)
    portfolio.register(app)
    return CliRunner().invoke(app, list(words))


def test_a_file_of_any_format_gives_the_numbers_of_one_call_at_a_time(home: Path, tmp_path: Path) -> None:
    columns = flat(8)
    head, lines = list(columns), cells(columns)
    sources = [
        write_parquet(tmp_path / "a.parquet", columns),
        write_csv(tmp_path / "b.csv", head, lines),
        write_xlsx(tmp_path / "c.xlsx", {"台账": [head, *lines]}),
    ]
    answers = {a["application_id"]: score(a, home=home) for a in applications(8)}
    for source in sources:
        out = tmp_path / f"{source.stem}-out{source.suffix}"
        run_batch(source, out, scorer=ServedScorer(home), options=Options(Limits(chunk_rows=3)))
        found = read_results(out)
        assert len(found["row"]) == len(lines)
        for at, name in enumerate(found["application_id"]):
            answer = answers[name]
            pledge = next(p for p in answer["pledges"] if p["pledge_id"] == found["pledge_id"][at])
            told = [answer["pd"]["value"], answer["lgd"]["value"], answer["max_loan"], pledge["lending_value"]]
            written = [found[column][at] for column in ("pd", "lgd", "max_loan", "lending_value")]
            assert [np.nan if value is None else value for value in told] == pytest.approx(written, abs=0, nan_ok=True)
            assert answer["recommendation"] == found["recommendation"][at]


def test_the_result_has_the_columns_of_its_contract_in_their_order(home: Path, tmp_path: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", flat(3))
    run_batch(source, tmp_path / "b.parquet", scorer=ServedScorer(home, reasons=8))
    named = [field.column for field in contract("batch_output").fields]
    found = list(read_results(tmp_path / "b.parquet"))
    assert found == [name for name in named if name in found]
    assert set(named) - set(found) <= {"size_class", "relation_group"}  # blank in these rows


def test_the_command_writes_result_rejects_and_manifest_and_portfolio_reads_them(home: Path, tmp_path: Path) -> None:
    source, out = write_parquet(tmp_path / "a.parquet", flat(9)), tmp_path / "b.csv"
    ran = program("batch", "run", str(source), str(out), "--home", str(home), "--reasons", "2", "--json")
    assert ran.exit_code == 0, ran.output
    manifest = json.loads(ran.stdout)
    assert manifest == json.loads((tmp_path / "b.manifest.json").read_text())
    assert manifest["counts"]["rows"] == 11 and manifest["run"]["scorer"]["synthetic_model"] is True
    terms = tmp_path / "terms.yaml"
    terms.write_text(
        "{name: all, authority: house, recommendations: [approve, refer, decline],"
        " exposure: amount_requested, net_assets: 5000000.0}",
        encoding="utf-8",
    )
    shown = program("portfolio", str(out), "--terms", str(terms), "--report", str(tmp_path / "p.html"), "--json")
    assert shown.exit_code == 0, shown.output
    figures = json.loads(shown.stdout)
    assert figures["counts"]["read"] == 9 and figures["synthetic"] is True
    assert sum(figures["borne"].values()) == pytest.approx(figures["loss"]["expected"], abs=0.05)  # a cent per loan
    assert "Synthetic" in (tmp_path / "p.html").read_text("utf-8")


def test_people_get_a_table_and_machines_get_json(home: Path, tmp_path: Path) -> None:
    source, out = write_parquet(tmp_path / "a.parquet", flat(3)), tmp_path / "b.parquet"
    assert "scored" in program("batch", "run", str(source), str(out), "--home", str(home)).stdout
    assert "保本担保费" in program("portfolio", str(out)).stdout


def test_a_template_is_written_for_a_known_kind_only(tmp_path: Path) -> None:
    assert program("batch", "template", "water_right", str(tmp_path / "t.xlsx")).exit_code == 0
    assert (tmp_path / "t.xlsx").stat().st_size > 0
    refused = program("batch", "template", "castle", str(tmp_path / "u.xlsx"))
    assert refused.exit_code != 0 and not (tmp_path / "u.xlsx").exists()


def test_a_scheduler_without_the_dask_engine_is_refused(tmp_path: Path) -> None:
    refused = program("batch", "run", "a.csv", str(tmp_path / "b.csv"), "--scheduler", "tcp://127.0.0.1:1")
    assert refused.exit_code != 0 and "dask" in str(refused.exception)
