"""The commands of this room: simulate, train, evaluate, card, promote, rollback, monitor."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.core.errors import ContractError
from training.console import SHORT, Steps, emit, exits
from training.monitor.cli import monitor

Json = Annotated[bool, typer.Option("--json", help="Machine output on stdout.")]
Home = Annotated[Path | None, typer.Option("--home", help="Store; default ECO_CREDIT_HOME or ~/.eco-credit.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, in your own words.")]
Approver = Annotated[str, typer.Option("--approver", help="Who decides; not whoever trained the model.")]
Map = Annotated[Path | None, typer.Option("--mapping", help="YAML: your column names and units.", exists=True)]


class Language(StrEnum):
    """Languages of a printed page."""

    zh = "zh"
    en = "en"


class EngineName(StrEnum):
    """Who reads a tape and grows trees."""

    local = "local"
    dask = "dask"


Lang = Annotated[Language, typer.Option(help="Language of the page.")]
Data = Annotated[Path, typer.Argument(help="Loan tape, .parquet or .csv.", exists=True, dir_okay=False)]


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    for command in (simulate, train, evaluate, card, promote, rollback, monitor):
        app.command()(command)


def _tape(data: Path | None, mapping: Path | None) -> Any:
    """The tape: a file by the contract, or the columns that a mapping makes of a lender's own file."""
    from eco_credit.contracts.mapping import read_mapped, read_mapping

    return data if mapping is None or data is None else read_mapped(data, read_mapping(mapping))


def _store(home: Path | None) -> Any:
    from eco_credit.registry import Store

    return Store(home) if home is not None else Store.default()


def simulate(
    out: Annotated[Path, typer.Argument(help="File to write, .parquet or .csv.", dir_okay=False)],
    loans: Annotated[int, typer.Option(min=1, max=2_000_000, help="Number of loans.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same tape.")] = 20_261_123,
    json: Json = False,
) -> None:
    """Write a synthetic loan tape with known truth, marked synthetic in every row."""
    if out.suffix not in (".parquet", ".csv"):
        raise typer.BadParameter("the file name must end in .parquet or .csv", param_hint="OUT")
    with exits(json):
        from training.simulate import simulate_tape
        from training.simulate.tape import write_tape

        steps = Steps()
        steps("simulate")
        tape = simulate_tape(loans, seed=seed)
        steps("write")
        write_tape(tape, out)
        steps.done()
        rate = float(tape["default_12m"].astype(float).mean())
        emit({"file": str(out), "loans": loans, "seed": seed, "default_rate": rate, "synthetic": True}, json)


def train(
    plan: Annotated[str, typer.Argument(help="Training plan: a YAML file, or the name of a shipped plan.")],
    data: Annotated[Path | None, typer.Option(help="Loan tape; default what the plan says.", exists=True)] = None,
    trainer: Annotated[str, typer.Option(help="Who trains and signs; enrolled when new.")] = "trainer",
    mapping: Map = None,
    engine: Annotated[EngineName, typer.Option(help="dask: --data is a folder of Parquet.")] = EngineName.local,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDR", help="Dask scheduler, such as tcp://host:8786; default workers here.")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Fit, calibrate, evaluate, package and register as challenger."""
    from training.plan import plan_file, read_plan

    try:
        file = plan_file(plan)
    except ContractError as error:
        raise typer.BadParameter(error.en, param_hint="PLAN") from error
    if mapping is not None and data is None:
        raise typer.BadParameter("a mapping needs the tape it is for: give --data", param_hint="--mapping")
    with exits(json):
        from training.train import Setting
        from training.train import train as run

        steps, read = Steps(), _reading(engine, scheduler, data, mapping)
        done = run(read_plan(file), _tape(data, mapping), Setting(_store(home), trainer, say=steps, read=read))
        steps.done()
        emit(_summary(done), json)


def _reading(engine: EngineName, scheduler: str | None, data: Path | None, mapping: Path | None) -> Any:
    """Who reads the tape and grows the trees; refuses options that do not go together."""
    from eco_credit.core.errors import Violation

    dask = engine is EngineName.dask
    if scheduler is not None and not dask:
        raise ContractError([Violation("--scheduler", "engine", "needs --engine dask", "须同时给出 --engine dask")])
    if mapping is not None and dask:
        en = "a mapping is for --engine local; write the tape by the contract first"
        raise ContractError([Violation("--mapping", "engine", en, "映射仅用于 --engine local；请先按契约写出台账")])
    if not dask:
        if data is not None and data.is_dir():
            en, zh = "a folder needs --engine dask", "文件夹须用 --engine dask"
            raise ContractError([Violation("--data", "engine", en, zh)])
        return None
    from training.spread import on_dask
    from training.spread_team import Cluster

    return on_dask(Cluster(scheduler))


SHOWN = ("auc", "brier", "ks", "default_rate", "mean_pd", "cox", "jeffreys")


def _summary(done: Any) -> dict[str, Any]:
    found = done.gate["statistics"]
    return {
        "folder": str(done.folder),
        "digest": done.digest,
        "version": done.version,
        "status": done.gate["status"],
        "windows": dict(done.counts),
        "in_time_auc": found["in_time_auc"],
        "pd": {name: found["pd"][name] for name in SHOWN},
        "in_period": found["in_period"],
        "benchmark": found["benchmark"],
        "challengers": found["challengers"]["verdicts"],
        "tuning": found["tuning"],
        "tier": found["tier"],
        "margins": found["margins"],
        "lgd": found["lgd"],
        "monotone_violations": found["proof"]["violations"],
        "gates": {gate["gate"]: gate["light"] for gate in done.gate["gates"]},
    } | ({"spread": found["spread"]} if "spread" in found else {})


def evaluate(
    model: Annotated[str, typer.Argument(help="name@alias, name/version or a package folder.")],
    data: Data,
    plan: Annotated[Path | None, typer.Option(help="Plan with bars; default the model's own, without bars.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="OUT.html", help="Printable validation report.")] = None,
    lang: Lang = Language.zh,
    mapping: Map = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Statistics of a model on a tape, with confidence intervals; a validation report of them when asked for."""
    if report is not None:
        _page(report, "--report")
    with exits(json):
        tape = _tape(data, mapping)
        if report is None:
            from training.assess import assess

            found = assess(_store(home), model, tape, plan)
        else:
            from training.paper import write_report

            found = write_report(report, _store(home), model, data=tape, plan=plan, lang=lang.value)
        emit(found, json)
    if found["missed"]:
        raise typer.Exit(SHORT)


def card(
    model: Annotated[str, typer.Argument(help="name@alias, name/version or a package folder.")],
    out: Annotated[Path, typer.Option(metavar="OUT.html", help="File to write.")],
    lang: Lang = Language.zh,
    home: Home = None,
    json: Json = False,
) -> None:
    """Print the model card of a package as a page."""
    _page(out, "--out")
    with exits(json):
        from training.paper import write_card

        emit(write_card(out, _store(home), model, lang=lang.value), json)


def _page(path: Path, option: str) -> None:
    """Refuse a file name that is no page."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter("the file name must end in .html", param_hint=option)


def promote(
    model: Annotated[str, typer.Argument(help="name@alias or name/version.")],
    approver: Approver,
    reason: Reason,
    alias: Annotated[str, typer.Option("--as", help="champion, challenger or shadow.")] = "champion",
    waive: Annotated[str, typer.Option(help="Why red gates are accepted, in your own words.")] = "",
    home: Home = None,
    json: Json = False,
) -> None:
    """Promote a model: a second person signs, and serving follows."""
    with exits(json):
        from eco_credit.registry import promote as move
        from eco_credit.registry.promote import Approval

        emit(asdict(move(_store(home), model, Approval(approver, reason, waive), alias=alias)), json)


def rollback(
    name: Annotated[str, typer.Argument(help="Registered model name.")],
    approver: Annotated[str | None, typer.Option(help="Who decides; default whoever approved what is served.")] = None,
    reason: Annotated[str, typer.Option(help="Why, in your own words.")] = "rolled back to what was served before",
    alias: Annotated[str, typer.Option("--as", help="champion, challenger or shadow.")] = "champion",
    home: Home = None,
    json: Json = False,
) -> None:
    """Serve again what was served before, in one command: `rollback NAME` is enough in an emergency."""
    with exits(json):
        from eco_credit.registry import rollback as move
        from eco_credit.registry.promote import Approval
        from eco_credit.registry.store import pointed

        store = _store(home)
        who = approver or pointed(store, name, alias).approver
        emit(asdict(move(store, name, Approval(who, reason), alias=alias)), json)
