"""``gep account`` and ``gep norms``: four file kinds in and out, refusals, and nothing half written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from serving.cli.gep import register
from tests.gep.rows import BALANCE, WATER

ROWS = [WATER | {"place": "0012", "account_year": 2024, "item": "=1+1"}, BALANCE | {"place": "b", "account_year": 2024}]
ENDINGS = (".csv", ".xlsx", ".parquet", ".json")


@pytest.fixture
def app() -> typer.Typer:
    """A root with only this group."""
    made = typer.Typer()
    register(made)
    return made


def run(app: typer.Typer, *words: str) -> Any:
    """Call the command line."""
    return CliRunner().invoke(app, ["gep", *words])


def put(rows: list[dict[str, Any]], path: Path) -> Path:
    """Write rows as a file of the ending's kind."""
    frame = pd.DataFrame(rows)
    if path.suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".xlsx":
        frame.to_excel(
            path, index=False, engine="xlsxwriter", engine_kwargs={"options": {"strings_to_formulas": False}}
        )
    else:
        frame.to_csv(path, index=False)
    return path


def total(path: Path, app: typer.Typer) -> float:
    """Total of a written account, by accounting for it again."""
    again = run(app, "account", str(path), str(path.with_name("again.json")), "--json")
    assert again.exit_code == 0, again.output
    return float(json.loads(again.stdout)["total_cny"])


@pytest.mark.parametrize("ending_in", ENDINGS)
@pytest.mark.parametrize("ending_out", ENDINGS)
def test_every_kind_of_file_goes_in_and_out_with_the_same_total(
    app: typer.Typer, tmp_path: Path, ending_in: str, ending_out: str
) -> None:
    source, target = put(ROWS, tmp_path / f"in{ending_in}"), tmp_path / f"out{ending_out}"
    done = run(app, "account", str(source), str(target), "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["total_cny"] == pytest.approx(120_000.0 + 100 * 100 * 10 * 6.1107)  # 2e4 m3 * 6; 100 ha * 100 mm
    assert (said["account_year"], said["rows"]) == (2024, 2)
    assert total(target, app) == pytest.approx(said["total_cny"], rel=1e-12)


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_codes_stay_text_and_a_cell_cannot_become_a_formula(app: typer.Typer, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"out{ending}"
    run(app, "account", str(put(ROWS, tmp_path / "in.json")), str(target))
    read = pd.read_csv(target, dtype=str) if ending == ".csv" else pd.read_excel(target, dtype=str, engine="calamine")
    assert read["place"][0] == "0012" and read["item"][0] == "'=1+1"


def test_a_refused_table_exits_3_names_row_and_rule_and_writes_nothing(app: typer.Typer, tmp_path: Path) -> None:
    source, target = put([WATER, {"service": "oxygen"}], tmp_path / "in.json"), tmp_path / "out.csv"
    done = run(app, "account", str(source), str(target), "--json")
    assert done.exit_code == 3
    errors = json.loads(done.stdout)["errors"]
    assert [(error["row"], error["rule"]) for error in errors] == [(2, "no_value")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.json"]


def test_a_refused_table_leaves_an_earlier_account_as_it_was(app: typer.Typer, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("earlier", encoding="utf-8")
    assert run(app, "account", str(put([{"service": "x"}], tmp_path / "in.json")), str(target)).exit_code == 3
    assert target.read_text(encoding="utf-8") == "earlier"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("in.txt", b"service\n"),
        ("in.json", b"{"),
        ("in.json", b'[{"service": "oxygen", "value_cny": NaN}]'),
        ("in.json", b'{"a": 1}'),
        ("in.parquet", b"no"),
        ("in.xlsx", b"no"),
        ("in.csv", b"\xff\xfe\x00"),
    ],
)
def test_a_file_that_cannot_be_read_exits_3(app: typer.Typer, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert run(app, "account", str(tmp_path / name), str(tmp_path / "out.csv")).exit_code == 3


def test_a_missing_file_and_an_unknown_ending_or_norm_exit_3(app: typer.Typer, tmp_path: Path) -> None:
    source = str(put([WATER], tmp_path / "in.json"))
    assert run(app, "account", str(tmp_path / "none.csv"), str(tmp_path / "out.csv")).exit_code == 3
    assert run(app, "account", source, str(tmp_path / "out.doc")).exit_code == 3
    assert run(app, "account", source, str(tmp_path / "out.csv"), "--norm", "none").exit_code == 3


def test_norms_lists_every_norm_and_what_was_not_read(app: typer.Typer) -> None:
    listed = json.loads(run(app, "norms", "--json").stdout)
    assert {norm["id"] for norm in listed} >= {
        "tech-guide-2020",
        "norm-2022",
        "shandong-2022",
        "gbt-46869-2025",
        "garze-paper",
    }
    assert all(norm["unread"] for norm in listed)
    assert "GB/T 46869-2025" in run(app, "norms").output
