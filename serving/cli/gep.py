"""``eco-credit gep``: accounts of gross ecosystem product from a table, their template, and the norms behind them."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.core.errors import ContractError, EcoCreditError, Violation
from eco_credit.gep import GepAccount
from eco_credit.gep import norms as all_norms
from serving.cli.output import JsonOption, Language, emit, note, refuse, write_whole
from serving.gep import DEFAULT_NORM, DEFAULT_SEED, accounted, drawn
from serving.gep_table import Table, ending_of, read_rows
from serving.gep_write import written

RASTER = "serving.cli.gep_raster"


def register(app: typer.Typer) -> None:
    """Add the command group ``gep``; raster commands join it where their module is installed."""
    group = typer.Typer(help="Gross ecosystem product: accounts, template and norms.", no_args_is_help=True)
    group.command("account")(account)
    group.command("template")(template)
    group.command("norms")(norms)
    _add_raster(group)
    app.add_typer(group, name="gep")


def _add_raster(group: typer.Typer) -> None:
    """Add the raster command unless an extra it needs is not installed."""
    try:
        import_module(RASTER).register(group)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(("serving.", "eco_credit.")) and error.name != RASTER:
            raise


def account(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Table of services: csv, xlsx, parquet or json.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where the account is written, by its ending.")],
    norm: Annotated[str, typer.Option(help="Accounting norm; see `gep norms`.")] = DEFAULT_NORM,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Printable account report.")] = None,
    lang: Annotated[Language, typer.Option(help="Language of the report.")] = Language.zh,
    uncertainty: Annotated[
        int | None, typer.Option(metavar="N", help="P10, P50, P90 from N draws, a power of two from 64.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of the draws.")] = DEFAULT_SEED,
    json: JsonOption = False,
) -> None:
    """Account for the ecosystem products of one area and year. A refused table writes nothing."""
    try:
        ending = ending_of(target, "OUT")
        _check_targets(source, target, report)
        table = read_rows(source)
        made, run = _made(table, norm, samples=uncertainty, seed=seed)
        files = {target: written(made, ending, run)} | ({report: _report(made, lang, run)} if report else {})
    except EcoCreditError as error:
        refuse(error, json)
    for path, content in files.items():
        write_whole(path, content)
    _say(made, table)
    emit(_summary(made, target, run) | ({"report": str(report)} if report else {}), json)


def template(
    out: Annotated[Path, typer.Argument(metavar="OUT.xlsx", help="Workbook to write.")], json: JsonOption = False
) -> None:
    """Write the workbook in which an account table is filled in: columns, drop-downs, lists of units."""
    from serving.gep_template import template as made

    if out.suffix.lower() != ".xlsx":
        refuse(_refusal("OUT.xlsx", "file_ending", "a template is an .xlsx file", "模板为 .xlsx 文件"), json)
    write_whole(out, made())
    emit({"file": out.name} if json else f"wrote {out.name}", json)


def norms(json: JsonOption = False) -> None:
    """List the norms: which services each counts, and what could not be read in the original."""
    listed = [norm.as_dict() for norm in all_norms().values()]
    emit(listed if json else [_short(norm) for norm in listed], json)


def _made(table: Table, norm: str, *, samples: int | None, seed: int) -> tuple[GepAccount, dict[str, Any] | None]:
    """The account of a table and, when asked for, its draws; refusals count the rows as the file does."""
    try:
        made = accounted(table.rows, norm)
        if samples is None:
            return made, None
        return made, drawn(table.rows, norm, samples=samples, seed=seed).as_dict()
    except ContractError as error:
        raise table.placed(error) from None


def _report(made: GepAccount, lang: Language, run: dict[str, Any] | None) -> bytes:
    from eco_credit.reports.gep_report import gep_report  # templates are read only when a report is asked for

    return gep_report(made.as_dict() | {"uncertainty": run}, lang=lang.value).encode()


def _check_targets(source: Path, target: Path, report: Path | None) -> None:
    """The report is a web page, and no file is written over another one of the same call."""
    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        raise _refusal("--report", "file_ending", "a report is an .html file", "报告为 .html 文件")
    if source.resolve() == target.resolve():
        raise _refusal("OUT", "same_file", "input and result are the same file", "输入与结果为同一文件")


def _say(made: GepAccount, table: Table) -> None:
    """What the person at the terminal must know, on stderr."""
    if table.dropped:
        note(f"total and footer rows not read: {table.dropped} / 未读入的合计行与表尾：{table.dropped}")
    for notice in made.warnings:
        note(f"{notice.rule}: {notice.en} / {notice.zh}")


def _short(norm: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "edition", "zh", "status", "in_force", "family", "accountable", "compulsory", "optional", "left_out")
    brief = {key: ", ".join(norm[key]) if isinstance(norm[key], list) else norm[key] for key in kept}
    return brief | {"not read": "; ".join(entry["en"] for entry in norm["unread"])}


def _summary(made: GepAccount, target: Path, run: dict[str, Any] | None) -> dict[str, Any]:
    whole = made.as_dict()
    kept = ("norm", "edition", "account_year", "price_year", "price_kind", "area_code", "area_name", "currency",
            "total_cny", "by_group", "by_service", "left_out", "warnings", "rules_day", "rules_hash")
    percentiles = {key: run[key] for key in ("samples", "seed", "total", "by_kind")} if run else None
    return {"out": str(target), "rows": len(made.rows)} | {key: whole[key] for key in kept} | (
        {"uncertainty": percentiles} if percentiles else {})


def _refusal(field: str, rule: str, en: str, zh: str) -> ContractError:
    return ContractError([Violation(field, rule, en, zh)])
