"""Accounts as files: the rows as csv or parquet, the whole account as json or a workbook."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from eco_credit.contracts.lists import code_list
from eco_credit.gep import ServiceFlow
from eco_credit.gep.reading import text_columns
from serving.gep_header import PERCENTILES
from serving.gep_table import SHEET, guarded

if TYPE_CHECKING:
    import pandas as pd

    from eco_credit.gep import GepAccount

_SHEET_CELL = str | float | int | bool | None


def written(made: GepAccount, ending: str, uncertainty: Mapping[str, Any] | None = None) -> bytes:
    """The account as the bytes of a file.

    Args:
        made: the account.
        ending: ``.csv`` and ``.parquet`` carry the rows; ``.xlsx`` and ``.json`` also totals, what was
            left out and warnings.
        uncertainty: plain data of `eco_credit.gep.uncertainty.Uncertainty`; tables get P10, P50, P90 of each row.

    Returns:
        The same bytes for the same account.
    """
    if ending == ".json":
        whole = made.as_dict() | ({"uncertainty": dict(uncertainty)} if uncertainty else {})
        return (json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode()
    frame, sink = _frame(made, uncertainty), io.BytesIO()
    if ending == ".parquet":
        frame.to_parquet(sink, index=False)
        return sink.getvalue()
    for name in frame.columns.intersection(list(text_columns())):
        frame[name] = [guarded(cell) for cell in frame[name]]
    if ending == ".csv":
        return frame.to_csv(index=False, lineterminator="\n").encode("utf-8-sig")
    rows = frame.astype(object).where(frame.notna(), None)
    _workbook([(SHEET, [list(frame.columns), *rows.values.tolist()]), *_others(made, uncertainty)], sink)
    return sink.getvalue()


def _frame(made: GepAccount, uncertainty: Mapping[str, Any] | None) -> pd.DataFrame:
    import pandas as pd  # not before a table is written

    head = made.head()
    frame = pd.DataFrame(
        {name: [cell] * len(made.rows) for name, cell in head.items()}
        | {field.name: [getattr(row, field.name) for row in made.rows] for field in fields(ServiceFlow)}
    )
    if uncertainty is not None:
        for name in PERCENTILES:
            frame[name] = [row["range"][name] for row in uncertainty["rows"]]
    return frame


def _others(
    made: GepAccount, uncertainty: Mapping[str, Any] | None
) -> Iterator[tuple[str, list[list[_SHEET_CELL]]]]:
    """Sheets beside the rows: totals, what was left out and why, warnings."""
    names = code_list("gep_service").texts
    totals: list[list[_SHEET_CELL]] = [["level", "code", "zh", "CNY/year"]]
    totals += [["total", "gep", "生态产品总值", made.total]]
    totals += [["group", code, None, total] for code, total in made.by_group().items()]
    totals += [["service", code, names.get(code, {}).get("zh"), total] for code, total in made.by_service().items()]
    if uncertainty is not None:
        totals += [["total", name, None, uncertainty["total"][name]] for name in PERCENTILES]
    yield "totals", totals
    left_out: list[list[_SHEET_CELL]] = [["where", "code", "part", "not counted, CNY/year", "why", "原因"]]
    yield "left_out", left_out + [
        [row.place, row.service, row.item, row.value_cny, row.en, row.zh] for row in made.left_out]
    warnings: list[list[_SHEET_CELL]] = [["code", "rows", "warning", "提示"]]
    yield "warnings", warnings + [
        [notice.rule, ", ".join(map(str, notice.rows)), notice.en, notice.zh] for notice in made.warnings]
    about = made.head() | {"rules_day": made.rules_day, "rules_hash": made.rules_hash, "currency": "CNY"}
    yield "about", [["about", "is"], *([key, cell] for key, cell in about.items()),
                    ["note", "GEP is not collateral value / 生态产品总值不是押品价值"]]


def _workbook(sheets: Sequence[tuple[str, Sequence[Sequence[_SHEET_CELL]]]], sink: io.BytesIO) -> None:
    import xlsxwriter  # not before a workbook is written

    with xlsxwriter.Workbook(sink, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": dt.datetime(2026, 1, 1)})
        bold = book.add_format({"bold": True})
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, max(map(len, rows)) - 1, 16)
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, [guarded(cell) for cell in row], bold if place == 0 else None)
