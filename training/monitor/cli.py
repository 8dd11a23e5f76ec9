"""The command ``monitor``: JSON, a table, a page, a metrics file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from training.console import SHORT, Steps, emit, exits

if TYPE_CHECKING:
    from eco_credit.registry import Store

COLOURS = {"green": "green", "amber": "yellow", "red": "red", "grey": "dim"}


def monitor(
    model: Annotated[str, typer.Argument(help="name@alias, name/version or a package folder.")],
    current: Annotated[
        Path, typer.Argument(help="Loan tape or batch result, .parquet or .csv; or a store, for its log.", exists=True)
    ],
    reference: Annotated[
        Path | None, typer.Option(help="The same of the past; default what the package stores.", exists=True)
    ] = None,
    outcomes: Annotated[Path | None, typer.Option(help="Outcomes, contract loan_outcome.", exists=True)] = None,
    prices: Annotated[Path | None, typer.Option(help="Price index: day, index, kind.", exists=True)] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page to print, .html.", dir_okay=False)] = None,
    metrics: Annotated[Path | None, typer.Option(help="Write Prometheus text, .prom.", dir_okay=False)] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the result in the store, for the desk.")] = False,
    lang: Annotated[str, typer.Option(help="zh or en, of page and table.")] = "zh",
    home: Annotated[Path | None, typer.Option("--home", help="Store; default ECO_CREDIT_HOME.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Machine output on stdout.")] = False,
) -> None:
    """Drift, stability, calibration and performance without labels; exit 4 when a retraining is called for."""
    if lang not in ("zh", "en"):
        raise typer.BadParameter("zh or en", param_hint="--lang")
    with exits(json):
        store = _store(home)
        found = _look(store, model, (current, reference, outcomes, prices))
        _write(found, report, metrics, lang)
        if keep:
            _keep(store, found)
        if json:
            emit(found, True)
        else:
            show(found, lang)
    if found["fired"]:
        raise typer.Exit(SHORT)


def _store(home: Path | None) -> Store:
    from eco_credit.registry import Store

    return Store(home) if home is not None else Store.default()


def _keep(store: Store, found: Mapping[str, Any]) -> None:
    from eco_credit.reports.monitor_kept import keep_look

    keep_look(store, found)


def _look(store: Store, model: str, paths: tuple[Path, Path | None, Path | None, Path | None]) -> dict[str, Any]:
    from training.monitor.run import Files
    from training.monitor.run import monitor as run

    steps = Steps()
    steps("monitor")
    found = run(store, model, Files(*paths))
    steps.done()
    return found


def _write(found: Mapping[str, Any], report: Path | None, metrics: Path | None, lang: str) -> None:
    """Write page and metrics whole or not at all: a collector may read at any moment."""
    from eco_credit.registry.files import write_durably
    from eco_credit.reports.monitor_report import monitor_report
    from training.monitor.prometheus import prometheus_text

    if report is not None:
        write_durably(report, monitor_report(found, lang=lang).encode())
    if metrics is not None:
        write_durably(metrics, prometheus_text(found))


def show(found: Mapping[str, Any], lang: str) -> None:
    """Print triggers with their lights, and the estimate with its caveat, as a table."""
    from rich.console import Console
    from rich.table import Table

    from eco_credit.reports.formats import number, percent
    from eco_credit.reports.monitor_report import kind_name
    from eco_credit.reports.page import translator

    t = translator(lang)
    table = Table(t("monitor.trigger"), "", t("monitor.finding"), title=t("monitor.title"), title_justify="left")
    for row in found["triggers"]:
        light = f"[{COLOURS[row['light']]}]{t('monitor.light.' + row['light'])}[/]"
        table.add_row(t(f"monitor.name.{row['name']}"), light, row[lang])
    console = Console(highlight=False)
    console.print(table)
    estimated = found["estimated"]
    if estimated["auc"] is not None:
        auc, rate = number(estimated["auc"]["value"], 3), percent(estimated["default_rate"]["value"])
        console.print(f"{t('monitor.expected_auc')} {auc}, {t('monitor.expected_rate')} {rate}. {estimated[lang]}")
        for row in estimated["segments"]:
            console.print(f"  {kind_name(row['kind'], lang)} ({row['rows']}): {_told(row, lang)}")
    if found["data"]["left_out"]:
        console.print(t("monitor.left_out", **found["data"]["left_out"]))
    if found["synthetic"]:
        console.print(t("monitor.synthetic"))
    console.print(t(f"monitor.verdict.{found['light']}"))


def _told(row: Mapping[str, Any], lang: str) -> str:
    """Expected AUC and default rate of one kind, or that its rows are too few."""
    from eco_credit.reports.formats import number, percent
    from eco_credit.reports.page import translator

    t = translator(lang)
    if row["auc"] is None:
        return t("monitor.few_rows")
    auc, rate = number(row["auc"]["value"], 3), percent(row["default_rate"]["value"])
    return f"{t('monitor.expected_auc')} {auc}, {t('monitor.expected_rate')} {rate}"
