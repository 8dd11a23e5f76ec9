"""Excel templates generated from contracts: one sheet per contract, then 说明 (notes) and 代码表 (codes)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import xlsxwriter

from eco_credit.contracts.field import Contract, Field
from eco_credit.contracts.lists import code_list
from eco_credit.contracts.load import contract, pledge_kinds
from eco_credit.contracts.texts import HEADER_UNITS

FIRST, LAST = 3, 1002
"""Rows (from 0) that get drop-downs and bounds: title, header, field name, then data."""
NOTES = ("字段", "名称", "单位", "必填", "说明", "提示")
CODES = ("字段", "代码", "中文", "英文", "代码表")


def excel_template(names: Sequence[str], path: Path) -> None:
    """Write a workbook to be filled in; ``application`` gives one sheet per kind of pledge.

    Raises:
        ValueError: a contract is neither flat nor a kind of pledge.
    """
    wanted = [kind for name in names for kind in (pledge_kinds() if name == "application" else (name,))]
    sheets = {name: sheet_fields(contract(name)) for name in wanted}
    fields = {field.column: field for listed in sheets.values() for field in listed}
    codes = [row for field in fields.values() for row in _codes(field)]
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": dt.datetime(2026, 1, 1), "title": "eco_credit"})
        for name, listed in sheets.items():
            _sheet(book, contract(name), listed, codes)
        notes = [(f.column, f.label_zh, f.unit, "是" if f.required else "否", f.description, f.help_zh)
                 for f in fields.values()]
        for title, head, rows in (("说明", NOTES, notes), ("代码表", CODES, codes)):
            sheet = book.add_worksheet(title)
            for place, row in enumerate([head, *rows]):
                sheet.write_row(place, 0, row)


def sheet_fields(source: Contract) -> list[Field]:
    """The columns of a sheet: of a flat contract, or of ``batch_input`` as far as a kind uses them."""
    if source.name in pledge_kinds():
        flat = (field for field in contract("batch_input").fields if not field.kinds or source.name in field.kinds)
        return [replace(f, required=f.required or source.name in f.required_kinds,
                        codes=(source.name,) if f.name == "kind" else f.codes) for f in flat]
    if not source.plain:
        raise ValueError(f"{source.name} is neither a flat table nor a kind of pledge")
    return list(source.fields)


def header(field: Field) -> str:
    """The Chinese header of a column, its stored unit in brackets."""
    unit = HEADER_UNITS.get(field.unit, "")
    return f"{field.label_zh}({unit})" if unit and f"({unit})" not in field.label_zh else field.label_zh


def _codes(field: Field) -> list[tuple[str, ...]]:
    if field.codes is None or field.list_id is None:
        return []
    texts = code_list(field.list_id).texts
    return [(field.column, code, texts[code]["zh"], texts[code]["en"], field.list or "") for code in field.codes]


def _sheet(book: Any, source: Contract, fields: Sequence[Field], codes: Sequence[tuple[str, ...]]) -> None:
    sheet = book.add_worksheet(source.name[:31])
    bold, grey = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"font_color": "#808080"})
    forms = {"text": book.add_format({"num_format": "@"}), "date": book.add_format({"num_format": "yyyy-mm-dd"})}
    sheet.write(0, 0, source.label_zh, bold)
    sheet.freeze_panes(FIRST, 0)
    for place, field in enumerate(fields):
        sheet.write(1, place, header(field), bold)
        sheet.write(2, place, field.column, grey)
        sheet.set_column(place, place, 16, forms.get(field.type))
        rule = _validation(field, [row for row, code in enumerate(codes, 2) if code[0] == field.column])
        if rule:
            sheet.data_validation(FIRST, place, LAST, place, rule)


def _validation(field: Field, rows: Sequence[int]) -> dict[str, Any] | None:
    """Drop-down, bounds or day range of a column; ``rows`` are its lines on the sheet of codes."""
    if field.codes is not None:
        return {"validate": "list", "source": f"='代码表'!$C${rows[0]}:$C${rows[-1]}" if rows else list(field.codes)}
    if field.type == "boolean":
        return {"validate": "list", "source": ["是", "否"]}
    if field.type == "date":
        first, last = dt.date(1900, 1, 1), dt.date(2199, 12, 31)
        return {"validate": "date", "criteria": "between", "minimum": first, "maximum": last}
    if not field.is_number or field.maximum is None:
        return None
    low = field.minimum if field.minimum is not None else field.exclusive_minimum
    kind = "integer" if field.type == "integer" else "decimal"
    return {"validate": kind, "criteria": "between", "minimum": low, "maximum": field.maximum}
