"""``eco-credit portfolio``: guarantee figures over a result file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.core.dates import day_of
from eco_credit.core.errors import ContractError, Violation
from serving.cli.output import JsonOption, emit, note, write_whole
from serving.cli.rules import OverlayOption


def register(app: typer.Typer) -> None:
    """Add the command ``portfolio``."""
    app.command()(portfolio)


def portfolio(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Result file of `batch run`.")],
    terms: Annotated[Path | None, typer.Option(help="Guarantee terms (YAML); without it the house terms.")] = None,
    on: Annotated[
        str | None, typer.Option(help="Day of the rules, YYYY-MM-DD (default: the latest as_of day).")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="OUT.html", help="Write a report to print.")] = None,
    overlay: OverlayOption = None,
    json: JsonOption = False,
) -> None:
    """Balance, expected payout, recovery, net loss, break-even fee, who bears what, limits, concentration."""
    from eco_credit.portfolio import exposures_of, portfolio_figures, read_terms
    from eco_credit.rulebook import load
    from serving.batch.results import read_results

    columns = read_results(results)
    day = _day(on) if on else _latest(columns)
    rules = load(overlay).at(day)
    agreed = read_terms(terms, rules)
    figures = portfolio_figures(exposures_of(columns, agreed, rules=rules), agreed, rules=rules).as_dict()
    figures = {"rules_day": str(day), "rules_hash": rules.digest, **figures}
    if report is not None:
        from eco_credit.reports.portfolio_report import portfolio_report

        write_whole(report, portfolio_report(figures).encode("utf-8"))
        note(f"wrote {report.name}")
    if figures["synthetic"]:
        note("the rows or the model are SYNTHETIC / 数据或模型为模拟")
    if agreed.authority == "estimate":
        note("the terms are estimates of the house, not an agreement / 担保条款为内部估计，非协议约定")
    emit(figures if json else table(figures), json)


def _day(text: str) -> dt.date:
    try:
        return day_of(text)
    except ValueError:
        raise ContractError(
            [Violation("--on", "date", "write the day as YYYY-MM-DD", "日期请写作 YYYY-MM-DD")]
        ) from None


def _latest(columns: Any) -> dt.date:
    """Latest day of the rows; today when they have none."""
    import numpy as np

    days = columns.get("as_of")
    known = [] if days is None else days[~np.isnat(days)]
    return day_of(str(max(known))) if len(known) else dt.date.today()


def table(figures: dict[str, Any]) -> str:
    """The figures in the words and units of the desk: ten thousand yuan, percent."""
    from eco_credit.reports.portfolio_report import sections

    lines: list[str] = []
    for title, rows in sections(figures):
        lines += ["", title, *(f"  {name:<44} {value:>18}" for name, value in rows)]
    return "\n".join(lines).lstrip("\n")
