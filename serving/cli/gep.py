"""``eco-credit gep``: accounts of gross ecosystem product from a table, and the norms behind them."""

from __future__ import annotations

import io
import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eco_credit.core.errors import ContractError, EcoCreditError, Violation
from eco_credit.gep import account as make_account
from eco_credit.gep import norms as all_norms
from eco_credit.gep.account import GepAccount
from eco_credit.gep.reading import text_columns
from serving.cli.output import JsonOption, emit, note, refuse, write_whole

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".csv", ".xlsx", ".parquet", ".json")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def register(app: typer.Typer) -> None:
    """Add the command group ``gep``."""
    group = typer.Typer(help="Gross ecosystem product: accounts and norms.", no_args_is_help=True)
    group.command("account")(account)
    group.command("norms")(norms)
    app.add_typer(group, name="gep")


def account(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Table of services: csv, xlsx, parquet or json.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where the account is written, by its ending.")],
    norm: Annotated[str, typer.Option(help="Accounting norm; see `gep norms`.")] = "norm-2022",
    json: JsonOption = False,
) -> None:
    """Account for the ecosystem products of one area and year. A refused table writes nothing."""
    try:
        _ending(target, "OUT")
        made = make_account(read_rows(source), norm=norm)
        write_whole(target, written(made, target.suffix.lower()))
    except EcoCreditError as error:
        refuse(error, json)
    for notice in made.warnings:
        note(f"{notice.rule}: {notice.en} / {notice.zh}")
    emit(_summary(made, target), json)


def norms(json: JsonOption = False) -> None:
    """List the norms: which services each counts, and what could not be read in the original."""
    listed = [norm.as_dict() for norm in all_norms().values()]
    emit(listed if json else [_short(norm) for norm in listed], json)


def _short(norm: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "edition", "zh", "status", "in_force", "compulsory", "optional", "left_out")
    brief = {key: ", ".join(norm[key]) if isinstance(norm[key], list) else norm[key] for key in kept}
    return brief | {"not read": "; ".join(entry["en"] for entry in norm["unread"])}


def _summary(made: GepAccount, target: Path) -> dict[str, Any]:
    whole = made.as_dict()
    kept = ("norm", "edition", "account_year", "price_year", "price_kind", "area_code", "area_name", "currency",
            "total_cny", "by_group", "by_service", "left_out",
            "warnings", "rules_day", "rules_hash")
    return {"out": str(target), "rows": len(made.rows)} | {key: whole[key] for key in kept}


def _refusal(field: str, rule: str, en: str, zh: str) -> ContractError:
    return ContractError([Violation(field, rule, en, zh)])


def _ending(path: Path, field: str) -> str:
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise _refusal(field, "file_ending", f"use a file that ends in {', '.join(ENDINGS)}",
                       "文件类型应为 csv、xlsx、parquet 或 json")
    return ending


def read_rows(path: Path) -> Any:
    """Read a table by the ending of its name.

    Args:
        path: csv, xlsx, parquet, or json (a list of rows, or an object with ``rows``).

    Returns:
        A DataFrame, or a list of dicts for json.

    Raises:
        ContractError: the file is not there, of another kind, or cannot be read.
    """
    ending = _ending(path, "IN")
    try:
        return _json_rows(path) if ending == ".json" else _frame(path, ending)
    except EcoCreditError:
        raise
    except FileNotFoundError:
        raise _refusal("IN", "file_missing", "there is no such file", "文件不存在") from None
    except Exception as error:  # readers of foreign files raise whatever they like
        raise _refusal("IN", "file_unreadable", f"the file cannot be read as {ending[1:]} ({type(error).__name__})",
                       "文件无法按该类型读取") from error


def _frame(path: Path, ending: str) -> pd.DataFrame:
    import pandas as pd  # not before a table is read

    if ending == ".parquet":
        return pd.read_parquet(path)
    as_text: Any = dict.fromkeys(text_columns(), str)
    if ending == ".csv":
        frame = pd.read_csv(path, dtype=as_text, encoding="utf-8-sig", keep_default_na=False, na_values=[""])
    else:
        frame = pd.read_excel(path, dtype=as_text, engine="calamine", keep_default_na=False, na_values=[""])
    for name in frame.columns.intersection(list(text_columns())):
        frame[name] = frame[name].map(_unguarded, na_action="ignore")
    return frame


def _json_rows(path: Path) -> list[dict[str, Any]]:
    data = json_text.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    rows = data.get("rows") if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _refusal("IN", "rows", "give a list of rows, or an object with rows", "json 应为行的列表")
    shared = ("norm", "account_year", "price_year", "price_kind", "area_code", "area_name")
    head = {key: data[key] for key in shared if isinstance(data, dict) and key in data}
    return [head | row for row in rows]


def _no_constant(name: str) -> float:
    raise _refusal("IN", "not_finite", "NaN and Infinity are not numbers", "不接受 NaN 或无穷大")


def written(made: GepAccount, ending: str) -> bytes:
    """The account as the bytes of a file; json carries totals and warnings, tables carry the rows."""
    if ending == ".json":
        return (json_text.dumps(made.as_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
    frame, sink = made.to_frame(), io.BytesIO()
    if ending == ".parquet":
        frame.to_parquet(sink, index=False)
        return sink.getvalue()
    for name in frame.columns.intersection(list(text_columns())):
        frame[name] = [_guarded(cell) for cell in frame[name]]
    if ending == ".csv":
        return frame.to_csv(index=False, lineterminator="\n").encode("utf-8-sig")
    frame.to_excel(sink, index=False, sheet_name="gep_account", engine="xlsxwriter")
    return sink.getvalue()


def _guarded(cell: Any) -> Any:
    """A leading apostrophe keeps a spreadsheet from running a cell as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA_STARTS) else cell
