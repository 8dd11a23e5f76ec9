"""The workbook in which an account is drawn up by hand: columns of the contract, drop-downs, lists of units."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Sequence
from typing import Any

from eco_credit.contracts import contract
from eco_credit.contracts.field import Field
from eco_credit.contracts.lists import code_list
from eco_credit.gep import norms, services

FIRST, LAST = 3, 1002
"""Data rows, from 0: below title, labels and names."""
WORKED_OUT = ("norm", "edition", "counted")
"""Columns of a finished account that nobody fills in."""
MONEY = {"value_cny": "元/年", "low": "元/年", "high": "元/年"}
PHYSICAL_UNITS = (
    "吨", "万吨", "亿吨", "kg", "立方米", "万立方米", "亿立方米", "千瓦时", "万千瓦时", "亿千瓦时",
    "tCO2", "1e4 tCO2", "tC", "1e4 tC",
    "亩", "公顷", "km2", "m2", "km", "m", "人次", "万人次", "dB", "头", "株", "户",
)
PRICE_UNITS = (
    "元/吨", "元/kg", "元/立方米", "元/千瓦时", "元/tCO2", "元/tC", "元/亩", "元/公顷", "元/km2", "元/m2",
    "元/km", "元/m", "元/人次", "元/dB", "元/头", "元/株", "元/户", "万元/吨", "万元/公顷",
)
"""Units in the drop-downs: the common ones of ``eco_credit/gep/measures.yaml``."""
_SERVICES, _UNITS = "指标", "单位"


def template() -> bytes:
    """The workbook: sheet ``gep_account`` to fill in, then notes, services, units, inputs and norms.

    Returns:
        Bytes of an xlsx file: title, Chinese labels with the unit of money columns, column names, empty rows.
    """
    import xlsxwriter  # not before a workbook is written

    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": dt.datetime(2026, 1, 1), "title": "eco_credit"})
        _account(book)
        bold = book.add_format({"bold": True})
        for name, rows in _lists():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, max(map(len, rows)) - 1, 22)
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row, bold if place == 0 else None)
    return sink.getvalue()


def fields() -> list[Field]:
    """The columns to fill in, in the order of the contract."""
    return [field for field in contract("gep_account").fields if field.name not in WORKED_OUT]


def label(field: Field) -> str:
    """The Chinese header of a column, money columns with their unit."""
    return f"{field.label_zh}（{MONEY[field.name]}）" if field.name in MONEY else field.label_zh


def _account(book: Any) -> None:
    sheet = book.add_worksheet("gep_account")
    bold, grey = book.add_format({"bold": True, "text_wrap": True}), book.add_format({"font_color": "#808080"})
    needed, text = book.add_format({"bold": True, "bg_color": "#e8f1ec"}), book.add_format({"num_format": "@"})
    sheet.write(0, 0, contract("gep_account").label_zh, bold)
    sheet.freeze_panes(FIRST, 0)
    for place, field in enumerate(fields()):
        sheet.write(1, place, label(field), needed if field.required else bold)
        sheet.write(2, place, field.name, grey)
        sheet.set_column(place, place, 15, None if field.is_number else text)
        rule = _validation(field)
        if rule:
            sheet.data_validation(FIRST, place, LAST, place, rule)


def _validation(field: Field) -> dict[str, Any] | None:
    """Drop-down or bounds of a column; a drop-down of units warns and lets another unit of the list pass."""
    ends = {"service": (_SERVICES, "B", len(_services())), "physical_unit": (_UNITS, "A", len(PHYSICAL_UNITS) + 1),
            "price_unit": (_UNITS, "B", len(PRICE_UNITS) + 1)}
    if field.name in ends:
        sheet, column, last = ends[field.name]
        lenient = {"error_type": "warning"} if field.name != "service" else {}
        return {"validate": "list", "source": f"='{sheet}'!${column}$2:${column}${last}"} | lenient
    if field.name == "price_kind":
        return {"validate": "list", "source": [texts["zh"] for texts in code_list("price_kind").texts.values()]}
    if not field.is_number or field.maximum is None or field.minimum is None:
        return None
    kind = "integer" if field.type == "integer" else "decimal"
    return {"validate": kind, "criteria": "between", "minimum": field.minimum, "maximum": field.maximum}


def _lists() -> Iterator[tuple[str, list[Sequence[Any]]]]:
    """The sheets behind: how to fill in, and what the drop-downs hold."""
    yield "说明", [("列 column", "名称 name", "必填 required", "说明 description", "提示 help"), *(
        (field.name, label(field), "是" if field.required else "否", field.description, field.help_zh or "")
        for field in fields())]
    yield _SERVICES, _services()
    units = max(len(PHYSICAL_UNITS), len(PRICE_UNITS))
    padded = [[*listed, *[""] * (units - len(listed))] for listed in (PHYSICAL_UNITS, PRICE_UNITS)]
    yield _UNITS, [("功能量单位 physical_unit", "单价单位 price_unit"), *zip(*padded, strict=True)]
    yield "计算列", [("指标 service", "列 column", "名称 zh", "name", "单位 unit"), *(
        (service.code, field.column, field.zh, field.en, field.unit)
        for service in services().values() for field in service.inputs)]
    yield "核算规范", [("规范 norm", "版本 edition", "名称 zh", "name", "生效 in force"), *(
        (norm.id, norm.edition, norm.zh, norm.en, str(norm.in_force or ""))
        for norm in norms().values() if norm.accountable)]


def _services() -> list[Sequence[Any]]:
    texts = code_list("gep_service").texts
    return [("代码 code", "指标 zh", "service", "组 group", "产品项 items"), *(
        (code, texts[code]["zh"], texts[code]["en"], services()[code].group,
         ", ".join(item.code for item in services()[code].items))
        for code in texts)]
