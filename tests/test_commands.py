"""The command line: every command speaks JSON, refuses in words, and leaves with the code it promises."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from serving.cli import build
from serving.cli.demo import example_path

PROMISED = {
    "demo", "serve", "score", "appraise", "batch run", "batch template", "batch book", "batch mappings",
    "gep account", "gep norms",
    "rules show", "rules list", "rules lint", "contracts list", "contracts check", "contracts export",
    "simulate", "train", "evaluate", "promote", "rollback", "portfolio", "audit verify", "audit replay", "memo",
    "audit checkpoint", "audit migrate", "audit copy", "users add", "users list", "users revoke", "users rotate",
    "users enrol",
}  # fmt: skip


def leaves(command: Any, path: str = "") -> dict[str, Any]:
    if hasattr(command, "commands"):
        found: dict[str, Any] = {}
        for name, child in command.commands.items():
            found |= leaves(child, f"{path} {name}".strip())
        return found
    return {path: command}


def run(*words: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from serving.cli import main; sys.argv[0] = 'eco-credit'; main()"
    return subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)


def test_the_promised_commands_exist_and_each_speaks_json_and_explains_itself() -> None:
    found = leaves(typer.main.get_command(build()))
    assert found.keys() >= PROMISED
    assert [name for name, c in found.items() if not any("--json" in p.opts for p in c.params)] == []
    assert [name for name, c in found.items() if not c.help] == []


def test_a_refused_file_leaves_with_3_and_names_field_and_rule_without_a_trace(tmp_path: Path) -> None:
    application = json.loads(example_path("forest_right").read_text("utf-8"))
    application["pledges"][0]["area"] = -1.0
    (tmp_path / "bad.json").write_text(json.dumps(application), encoding="utf-8")
    done = run("appraise", str(tmp_path / "bad.json"), "--json")
    assert done.returncode == 3
    problem = json.loads(done.stdout)
    assert (problem["errors"][0]["field"], problem["errors"][0]["rule"]) == ("pledges[0].area", "exclusive_minimum")
    assert "Traceback" not in done.stderr and "-1" not in done.stdout + done.stderr


def test_an_appraisal_shows_its_workings_and_writes_its_report(tmp_path: Path) -> None:
    done = run("appraise", str(example_path("forest_right")), "--report", str(tmp_path / "r.html"), "--lang", "en")
    assert done.returncode == 0, done.stderr
    # 100 ha of 180 m3/ha
    assert "standing stock of the parcel / 总蓄积: 18,000 m3  = 100 × 180" in done.stdout
    in_order = ["appraisal", "step", "driver", "haircut", "lending value", "stress", "value again by", "GEP"]
    places = [done.stdout.index(f"  {word}") for word in in_order]
    assert places == sorted(places)
    assert "Collateral appraisal report" in (tmp_path / "r.html").read_text("utf-8")
    answer = json.loads(run("appraise", str(example_path("forest_right")), "--json").stdout)
    assert {"as_of", "currency", "pledges", "provenance"} <= answer.keys()


def test_a_report_that_is_no_web_page_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    done = run("appraise", str(example_path("forest_right")), "--report", str(tmp_path / "r.pdf"), "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["errors"][0]["rule"] == "file_ending"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("rules", "show", "no.such.rule"), 3),
        (("score", "no-such-file.json"), 3),
        (("score",), 2),
        (("no-such-command",), 2),
        (("rules", "show", "credit.policy.pd_approve_max", "--on", "2026-02-30"), 3),
    ],
)
def test_exit_codes_are_the_promised_ones(words: tuple[str, ...], code: int) -> None:
    done = run(*words)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)


def test_a_store_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    done = run("score", str(example_path("order")), "--home", str(tmp_path))
    assert done.returncode == 1 and "demo" in done.stderr
