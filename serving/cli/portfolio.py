"""``eco-credit portfolio``: guarantee figures over a result file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.core.dates import day_of
from eco_credit.core.errors import ContractError, Violation
from serving.cli.output import JsonOption, Language, emit, note, write_whole
from serving.cli.rules import OverlayOption


def register(app: typer.Typer) -> None:
    """Add the command ``portfolio``."""
    app.command()(portfolio)


def portfolio(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Result file of `batch run`.")],
    terms: Annotated[Path | None, typer.Option(help="Guarantee terms (YAML); without it the house terms.")] = None,
    ledger: Annotated[
        Path | None, typer.Option(help="The agency's ledger (contract guarantee_ledger): parquet, csv or xlsx.")
    ] = None,
    stress: Annotated[Path | None, typer.Option(help="Stress scenarios (YAML); without it the shipped ones.")] = None,
    on: Annotated[
        str | None, typer.Option(help="Day of the rules, YYYY-MM-DD (default: the latest as_of day).")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="OUT.html", help="Write a report to print.")] = None,
    xlsx: Annotated[Path | None, typer.Option(metavar="OUT.xlsx", help="Write the same figures as a workbook.")] = None,
    lang: Annotated[Language, typer.Option(help="Language of table, report and workbook.")] = Language.zh,
    outlook: Annotated[bool, typer.Option(help="Draw the loss distribution, stress and limits.")] = True,
    overlay: OverlayOption = None,
    json: JsonOption = False,
) -> None:
    """Balances, expected payout, break-even fee, who bears what, loss distribution, stress, limits, concentration."""
    _ending("--report", report, ".html")
    _ending("--xlsx", xlsx, ".xlsx")
    figures = _figures((results, terms, ledger, stress), on, overlay, outlook=outlook)
    _written(figures, report, xlsx, lang=lang.value)
    if figures["synthetic"]:
        note("the rows or the model are SYNTHETIC / 数据或模型为模拟")
    if figures["terms"]["authority"] == "estimate":
        note("the terms are estimates of the house, not an agreement / 担保条款为内部估计，非协议约定")
    if figures["counts"]["in_portfolio"] == 0:
        note("no loan is in the portfolio: see `recommendations` in the terms / 组合为空，请看条款中的 recommendations")
    emit(figures if json else table(figures, lang.value), json)


def _figures(
    paths: tuple[Path, Path | None, Path | None, Path | None], on: str | None, overlay: Path | None, *, outlook: bool
) -> dict[str, Any]:
    """Read everything, say each step, and work out all figures as plain data."""
    from eco_credit.portfolio import (
        experience,
        exposures_of,
        portfolio_figures,
        portfolio_outlook,
        prudential_view,
        read_scenarios,
        read_terms,
    )
    from eco_credit.rulebook import load
    from serving.batch.results import read_results
    from serving.ledger import read_ledger

    results, terms, ledger, stress = paths
    scenarios = None if stress is None else read_scenarios(stress)  # small files first: refuse before long reading
    note(f"reading {results.name} / 读取")
    columns = read_results(results)
    day = _day(on) if on else _latest(columns)
    rules = load(overlay).at(day)
    agreed = read_terms(terms, rules)
    kept = None if ledger is None else read_ledger(ledger)
    book = exposures_of(columns, agreed, rules=rules, ledger=kept)
    note(f"{len(book.exposure)} loans in the portfolio / 纳入组合笔数")
    figures = portfolio_figures(book, agreed, rules=rules).as_dict()
    figures["prudential"] = prudential_view(book, rules=rules, day=day, terms=agreed)
    figures["experience"] = experience(kept or {})
    if outlook:
        figures["outlook"] = portfolio_outlook(book, agreed, rules=rules, scenarios=scenarios, say=note)
    return {"rules_day": str(day), "rules_hash": rules.digest, **figures}


def _written(figures: dict[str, Any], report: Path | None, xlsx: Path | None, *, lang: str) -> None:
    """Write report and workbook where they are asked for."""
    if report is not None:
        from eco_credit.reports.portfolio_report import portfolio_report

        write_whole(report, portfolio_report(figures, lang=lang).encode("utf-8"))
        note(f"wrote {report.name}")
    if xlsx is not None:
        from eco_credit.reports.portfolio_workbook import portfolio_workbook

        write_whole(xlsx, portfolio_workbook(figures, lang=lang))
        note(f"wrote {xlsx.name}")


def _ending(option: str, path: Path | None, ending: str) -> None:
    if path is not None and path.suffix.lower() != ending:
        raise ContractError([Violation(option, "file_ending", f"write a {ending} file", f"文件应为 {ending}")])


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


def table(figures: dict[str, Any], lang: str = "zh") -> str:
    """The figures in the words and units of the desk, section by section."""
    from eco_credit.reports.portfolio_report import sections

    lines: list[str] = []
    for section in sections(figures, lang=lang):
        lines += ["", section.title]
        for part in section.tables:
            lines += ["  " + " | ".join(part.heads)] if part.heads else []
            for line in part.lines:
                shown = [cell.shown(lang) for cell in line]
                lines.append("  " + (f"{shown[0]:<40} {shown[1]:>18}" if len(shown) == 2 else " | ".join(shown)))
    return "\n".join(lines).lstrip("\n")
