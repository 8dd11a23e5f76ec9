"""The result as people read it: every row of the input in its order, what became of it, and why; errors on a sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from serving.batch.output import SHEET_ROWS, put_cell, workbook_of
from serving.batch.rules import refusal

WORDS = ("结果", "原因1", "原因2", "原因3", "额度(万元)", "抵押价值(万元)", "错误")
"""Columns for people; they stand behind the row number and before the columns of the contract."""
REJECTED = "拒收"
ERRORS = ("行号", "工作表", "列", "规则", "如何修改", "What to do")
_YUAN_PER_WAN = 10_000.0
_MOST = 3


@cache
def _reason_texts() -> Mapping[str, str]:
    from eco_credit.scoring.reasons import reason_codes

    return {code: one.zh for code, one in reason_codes().items()}


@cache
def _answer(code: str) -> str:
    from eco_credit.reports.page import translator

    return translator("zh")(f"recommendation.{code}")


def write_workbook(
    parts: Iterable[tuple[pa.Table | None, pa.Table | None]], path: Path, *, empty: pa.Schema, labels: Mapping[str, str]
) -> None:
    """Write results and errors into one workbook.

    Args:
        parts: for each chunk its results and its rejects, either may be None.
        path: target.
        empty: schema of the results.
        labels: field to its Chinese label.

    Raises:
        ContractError: a sheet is full (``too_many_rows``).
    """
    names = [name for name in empty.names if name != "row"]
    with workbook_of(path) as book:
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        money = book.add_format({"num_format": "#,##0.00"})
        sheet, errors = _sheets(book, names)
        row, line = 1, 1
        for result, rejects in parts:
            told = rejects.to_pylist() if rejects is not None else []
            scored = result.to_pylist() if result is not None else []
            for cells in _in_order(scored, told, names, labels):
                if row > SHEET_ROWS:
                    raise refusal(path.name, "too_many_rows")
                for place, cell in enumerate(cells):
                    if place in (5, 6) and cell is not None:
                        sheet.write_number(row, place, cell, money)
                    else:
                        put_cell(sheet, (row, place), cell, days)
                row += 1
            for one in told[: max(SHEET_ROWS - line, 0)]:
                column = labels.get(one["field"], one["field"])
                shown = (one["row"], one["sheet"], column, one["rule"], one["zh"], one["en"])
                for place, cell in enumerate(shown):
                    put_cell(errors, (line, place), cell, days)
                line += 1


def _sheets(book: Any, names: list[str]) -> tuple[Any, Any]:
    head = book.add_format({"bold": True, "bg_color": "#E7EFE7"})
    made = []
    for title, header in (("结果", ("row", *WORDS, *names)), ("差错", ERRORS)):
        sheet = book.add_worksheet(title)
        sheet.freeze_panes(1, 1)
        for place, name in enumerate(header):
            sheet.write_string(0, place, name, head)
        sheet.autofilter(0, 0, 0, len(header) - 1)
        made.append(sheet)
    made[0].set_column(1, len(WORDS), 14)
    made[1].set_column(4, 5, 60)
    return made[0], made[1]


def _in_order(
    scored: list[dict[str, Any]], told: list[dict[str, Any]], names: list[str], labels: Mapping[str, str]
) -> Iterator[list[Any]]:
    """Rows of one chunk by row number, scored ones and rejected ones."""
    errors: dict[int, list[str]] = {}
    for one in told:
        errors.setdefault(one["row"], []).append(f"{labels.get(one['field'], one['field'])}：{one['zh']}")
    rows = {one["row"]: _scored(one, names) for one in scored}
    rows |= {row: [row, REJECTED, *[None] * 5, "；".join(said)[:2000]] for row, said in errors.items()}
    for row in sorted(rows):
        yield rows[row]


def _scored(one: Mapping[str, Any], names: list[str]) -> list[Any]:
    codes = [one.get(f"reason_{place}") for place in range(1, _MOST + 1)]
    reasons = [None if code is None else f"{code} {_reason_texts().get(code, '')}".strip() for code in codes]
    answer = one.get("recommendation")
    money = [_wan(one.get("max_loan")), _wan(one.get("lending_value"))]
    return [one["row"], _answer(answer) if answer else None, *reasons, *money, None, *(one[name] for name in names)]


def _wan(yuan: float | None) -> float | None:
    return None if yuan is None else round(yuan / _YUAN_PER_WAN, 6)  # a cent is 0.000001
