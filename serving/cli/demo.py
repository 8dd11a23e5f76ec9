"""``eco-credit demo``: the whole street on synthetic data, by the same commands a user would type."""

from __future__ import annotations

import contextlib
import io
import json as jsonlib
import time
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store
from eco_credit.scoring.doors import DEFAULT_MODEL as MODEL
from serving.cli.output import JsonOption, emit, note
from serving.cli.score import percent

LOANS, SEED, PLAN = 12_000, 20261123, "demo"
EXAMPLES = ("forest_right", "water_right", "order")
APPROVER, REASON = "demo-approver", "demo: second person accepts the synthetic model"
WAIVER = "demo: red gates accepted, synthetic loans only, nothing is lent"
BATCH_COPIES = 200


def register(app: typer.Typer) -> None:
    """Add the command ``demo``."""
    app.command()(demo)


def example_path(name: str) -> Path:
    """One of the shipped example applications: inside the wheel, or in the checkout."""
    inside = Path(str(resources.files("serving"))) / "examples" / f"{name}.json"
    return inside if inside.exists() else Path(__file__).resolve().parents[2] / "examples" / f"{name}.json"


def call(*words: str) -> Any:
    """Run one command of this program in this process and read its JSON answer.

    Raises:
        EcoCreditError: as the command raises it.
        ModelNotServable: the command left with an exit code other than 0.
    """
    from serving.cli import build

    sink = io.StringIO()
    command = typer.main.get_command(build())
    with contextlib.redirect_stdout(sink):
        code = command.main([*words, "--json"], standalone_mode=False, prog_name="eco-credit")
    if isinstance(code, int) and code != 0:
        raise ModelNotServable(f"`eco-credit {' '.join(words)}` ended with exit code {code}")
    text = sink.getvalue().strip()
    return jsonlib.loads(text.splitlines()[-1]) if text else None


@dataclass
class Steps:
    """The steps of the demo as they are done: what, command, CPU seconds."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def run(self, what: str, *words: str) -> Any:
        """Run one command and note it."""
        note(f"... {what}: eco-credit {' '.join(words)}")
        started = time.process_time()
        result = call(*words)
        self.rows.append(
            {"step": what, "command": " ".join(words), "cpu_seconds": round(time.process_time() - started, 1)}
        )
        return result


def ensure_demo_store(home: Path, steps: Steps | None = None) -> Steps:
    """Simulate, check, train, register and promote, unless the store already has a champion.

    Args:
        home: store folder.
        steps: where to note what was done.

    Returns:
        The steps.

    Raises:
        EcoCreditError: a step failed; the store then has no champion, and the next call begins again.
    """
    done = steps or Steps()
    store = Store(home)
    if store.has_champion(MODEL):
        return done
    tape = home / "demo" / "tape.parquet"
    tape.parent.mkdir(parents=True, exist_ok=True)
    done.run("simulate a loan tape", "simulate", str(tape), "--loans", str(LOANS), "--seed", str(SEED))
    done.run("check it against its contract", "contracts", "check", "loan_tape", str(tape))
    done.run("train, calibrate, evaluate, package, register", "train", PLAN, "--data", str(tape), "--home", str(home))
    store.enrol(APPROVER, "approver")
    done.run(
        "promote by a second person",
        "promote",
        f"{MODEL}@challenger",
        "--as",
        "champion",
        "--approver",
        APPROVER,
        "--reason",
        REASON,
        "--waive",
        WAIVER,
        "--home",
        str(home),
    )
    store.mark_demo()
    return done


def write_batch(path: Path) -> int:
    """Write a Parquet file of flat rows: the examples many times over, with amounts that differ; all synthetic."""
    from eco_credit.contracts import frame_of_columns, to_flat

    applications = [jsonlib.loads(example_path(name).read_text("utf-8")) for name in EXAMPLES]
    rows = []
    for copy in range(BATCH_COPIES):
        for application in applications:
            amount = round(application["loan"]["amount_requested"] * (0.5 + copy / BATCH_COPIES), 2)
            rows.append(
                application
                | {
                    "application_id": f"{application['application_id']}-{copy:04d}",
                    "loan": application["loan"] | {"amount_requested": amount},
                    "pledges": [p | {"pledge_id": f"{p['pledge_id']}-{copy:04d}"} for p in application["pledges"]],
                }
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    frame_of_columns(to_flat(rows)).to_parquet(path, index=False)
    return len(rows)


def demo(
    out: Annotated[Path | None, typer.Option(help="Folder for everything (default: the store folder).")] = None,
    json: JsonOption = False,
) -> None:
    """Show the whole street on synthetic data: simulate, train, promote, score, batch, portfolio, memo. Offline."""
    from eco_credit.reports.papers import Record, decision_sheet, investigation_memo, to_html

    home = (out or Store.default().home).resolve()
    steps = ensure_demo_store(home)
    place = home / "demo"
    answers = {}
    for name in EXAMPLES:
        answers[name] = steps.run(f"score {name}", "score", str(example_path(name)), "--home", str(home))
    rows = write_batch(place / "applications.parquet")
    steps.run(
        f"score a batch of {rows} rows",
        "batch",
        "run",
        str(place / "applications.parquet"),
        str(place / "results.parquet"),
        "--home",
        str(home),
    )
    book = steps.run(
        "guarantee figures", "portfolio", str(place / "results.parquet"), "--report", str(place / "portfolio.html")
    )
    for name, answer in answers.items():
        application = jsonlib.loads(example_path(name).read_text("utf-8"))
        for lang in ("zh", "en"):
            for paper, made in (("memo", investigation_memo), ("sheet", decision_sheet)):
                text = to_html(made(Record(answer, application), lang=lang))
                (place / f"{paper}_{name}_{lang}.html").write_text(text, encoding="utf-8")
    result = {
        "synthetic": True,
        "home": str(home),
        "steps": steps.rows,
        "scores": [_row(name, answer) for name, answer in answers.items()],
        "portfolio": book,
        "files": sorted(str(p.relative_to(home)) for p in place.iterdir() if p.is_file()),
    }
    emit(result if json else _table(result), json)


def _row(name: str, answer: dict[str, Any]) -> dict[str, Any]:
    pledge = answer["pledges"][0]
    return {
        "kind": name,
        "appraisal": pledge["appraisal"]["central"],
        "lending_value": pledge["lending_value"],
        "pd": answer["pd"]["value"],
        "lgd": answer["lgd"]["value"],
        "grade": answer["grade"],
        "recommendation": answer["recommendation"],
        "max_loan": answer["max_loan"],
    }


def _table(result: dict[str, Any]) -> str:
    """The compact table the demo ends on."""
    lines = [
        "",
        "SYNTHETIC DATA: simulated loans, invented borrowers / 以下均为合成数据",
        "",
        f"{'kind':<14}{'appraisal CNY':>16}{'lending value':>16}{'PD':>10}{'LGD':>10}{'grade':>7}  recommendation",
    ]
    lines += [
        f"{r['kind']:<14}{r['appraisal']:>16,.0f}{r['lending_value']:>16,.0f}{percent(r['pd']):>10}{percent(r['lgd']):>10}"
        f"{r['grade'] or '-':>7}  {r['recommendation']}, limit {r['max_loan']:,.0f}"
        for r in result["scores"]
    ]
    lines += [
        "",
        f"everything is in {result['home']}:",
        *(f"  {name}" for name in result["files"]),
        "",
        "next:  eco-credit serve          API and web page on http://127.0.0.1:8000",
        "       eco-credit score examples/forest_right.json",
        "       eco-credit rules list valuation.forest",
    ]
    return "\n".join(lines)
