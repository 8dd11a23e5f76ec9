"""``eco-credit batch``: score a file; write the template that people fill in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eco_credit.core.errors import ContractError, Violation
from serving.cli.book import BookOption, book_at
from serving.cli.output import HomeOption, JsonOption, Language, emit, note
from serving.cli.rules import OverlayOption

if TYPE_CHECKING:
    from serving.batch.engines import Engine

MOST_REASONS = 8


class EngineName(StrEnum):
    """Who does the work."""

    local = "local"
    dask = "dask"


def register(app: typer.Typer) -> None:
    """Add the command group ``batch``."""
    group = typer.Typer(help="Files in, files out: parquet, csv or xlsx.", no_args_is_help=True)
    group.command("run")(run)
    group.command("template")(template)
    group.command("book")(book)
    group.command("mappings")(mappings)
    app.add_typer(group, name="batch")


def run(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Rows of the contract batch_input, one per pledge.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Result file: .parquet, .csv or .xlsx.")],
    engine: Annotated[EngineName, typer.Option(help="Who does the work.")] = EngineName.local,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDR", help="Dask scheduler, such as tcp://host:8786.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run that broke off.")] = False,
    reasons: Annotated[int, typer.Option(min=0, max=MOST_REASONS, help="Reason columns to write.")] = 3,
    chunk_rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows scored together.")] = 20_000,
    reject_limit: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of rejects that fails the run.")] = 0.5,
    mapping: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="What your headers mean: a YAML file or a name of `batch mappings`."),
    ] = None,
    lang: Annotated[Language, typer.Option(help="Language of the report.")] = Language.zh,
    home: HomeOption = None,
    overlay: OverlayOption = None,
    book: BookOption = None,
    json: JsonOption = False,
) -> None:
    """Score a file; rejects and a manifest are written beside the result. Exit 4 when too many rows are rejected."""
    import pyarrow as pa

    from serving.batch import Limits, Options, run_batch
    from serving.batch.mapping import mapping_named
    from serving.batch.scorer import ServedScorer

    if scheduler is not None and engine is not EngineName.dask:
        raise ContractError([Violation("--scheduler", "engine", "needs --engine dask", "须同时给出 --engine dask")])
    pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own keeps what was freed; a run frees every chunk
    limits = Limits(chunk_rows=chunk_rows, reject_share=reject_limit)
    scorer = ServedScorer(home=home, overlay=overlay, reasons=reasons, book=book_at(book))
    with progress_bar() as progress:
        options = Options(limits, _engine(engine, scheduler), resume, mapping_named(mapping or ()), lang, progress)
        manifest = run_batch(source, out, scorer=scorer, options=options)
    if manifest["run"]["scorer"].get("synthetic_model"):
        note("the model was trained on SYNTHETIC data / 模型以合成数据训练")
    emit(manifest if json else summary(manifest), json)


def template(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="Kind of pledge, or application for all kinds.")],
    out: Annotated[Path, typer.Argument(metavar="OUT.xlsx", help="Workbook to write.")],
    json: JsonOption = False,
) -> None:
    """Write the workbook to be filled in for one kind of pledge."""
    from eco_credit.contracts import excel_template, pledge_kinds

    known = ("application", *pledge_kinds())
    if kind not in known:
        raise ContractError([Violation("KIND", "code", f"there are {', '.join(known)}", f"可用：{'、'.join(known)}")])
    if out.suffix.lower() != ".xlsx":
        raise ContractError([Violation("OUT.xlsx", "result_format", "a template is an .xlsx file", "模板为.xlsx文件")])
    excel_template([kind], out)
    emit({"file": out.name, "kind": kind} if json else f"wrote {out.name}", json)


def book(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Rows of the contract batch_input, one per pledge.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Book to write: .parquet, .csv or .xlsx.")],
    json: JsonOption = False,
) -> None:
    """Draw a lender's book from a file of applications, to find what is pledged twice within the file."""
    from serving.book import write_book

    rows = write_book(source, out)
    emit({"file": out.name, "rows": rows} if json else f"wrote {out.name}: {rows} rows / {rows} 行", json)


def mappings(json: JsonOption = False) -> None:
    """List the mappings that are shipped for known export layouts, and what each layout lacks."""
    from serving.batch.mapping import shipped

    found = [
        {
            "name": one.name, "zh": one.zh, "en": one.en, "source": one.source,
            "columns": {header: source.field for header, source in one.mapping.columns.items()},
            "dropped": list(one.mapping.drop), "constant": dict(one.mapping.constant), "lacking": list(one.lacking),
        }
        for one in shipped().values()
    ]  # fmt: skip
    lines = [f"{one['name']:18} {len(one['columns']):3} columns  {one['en']} / {one['zh']}" for one in found]
    emit(found if json else "\n".join(lines), json)


def summary(manifest: dict[str, Any]) -> str:
    """A manifest in a few lines for a person."""
    counts, output, rejects = manifest["counts"], manifest["output"], manifest["rejects"]
    lines = [
        f"{counts['rows']} rows = {counts['scored']} scored + {counts['rejected']} rejected"
        f" / {counts['rows']} 行 = 评分 {counts['scored']} + 拒收 {counts['rejected']}",
        f"result  {output['file']}  sha256 {output['sha256'][:16]}",
        f"rejects {rejects['file']}",
        f"report  {Path(output['file']).stem}.report.html",
    ]
    dropped = manifest["input"]["dropped"]
    lines += [f"dropped rows without data: {dropped}"] if dropped else []
    units = manifest["input"].get("units") or {}
    lines += ["units from the header: " + ", ".join(f"{name} {unit}" for name, unit in units.items())] if units else []
    ignored = manifest["input"].get("columns_ignored")
    lines += [f"columns not read: {', '.join(ignored)}"] if ignored else []
    unused = manifest["input"].get("mapping_unused")
    lines += [f"columns of the mapping that are not there: {', '.join(unused)}"] if unused else []
    warnings = manifest["input"]["warnings"]
    lines += [f"! row {w['row'] or '-'} {w['field']} [{w['rule']}] {w['en']} / {w['zh']}" for w in warnings]
    return "\n".join(lines)


def _engine(name: EngineName, scheduler: str | None) -> Engine:
    from serving.batch.engines import dask_engine, local

    return dask_engine(scheduler) if name is EngineName.dask else local


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """Rows done, rate and time left on stderr; silent where stderr is not a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Task as BarTask
    from rich.text import Text

    class Rate(ProgressColumn):
        """Rows per second."""

        def render(self, task: BarTask) -> Text:
            """Speed of the bar, or a dash before there is one."""
            return Text(f"{task.speed:,.0f} rows/s" if task.speed else "- rows/s")

    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as bar:
        row = bar.add_task("scoring", total=None)
        yield lambda done, total: bar.update(row, completed=done, total=total)
