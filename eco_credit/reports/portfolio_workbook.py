"""The portfolio report as a workbook: the same figures, one sheet a section, numbers as numbers."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eco_credit.reports.page import translator
from eco_credit.reports.portfolio_cells import Cell, Section
from eco_credit.reports.portfolio_report import footer, head, sections, synthetic_line

if TYPE_CHECKING:
    import xlsxwriter

_FORMATS = {"money": "#,##0.00", "percent": "0.00%", "count": "#,##0"}
_NOTE_COLUMNS = 5
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def portfolio_workbook(figures: Mapping[str, Any], *, lang: str = "zh") -> bytes:
    """The figures of the report as an xlsx file.

    Args:
        figures: as for `eco_credit.reports.portfolio_report.portfolio_report`.
        lang: ``zh`` (money in ten thousand yuan) or ``en`` (yuan).

    Returns:
        Bytes of the workbook; the same for the same figures. Text that a spreadsheet would run as a formula is kept
        as text.
    """
    import xlsxwriter  # not before a workbook is written

    t, sink = translator(lang), io.BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": dt.datetime(2026, 1, 1)})
        looks = {name: book.add_format({"num_format": look}) for name, look in _FORMATS.items()}
        looks |= {f"number{places}": book.add_format({"num_format": "#,##0." + "0" * places}) for places in range(1, 5)}
        looks |= {"bold": book.add_format({"bold": True}), "note": book.add_format({"text_wrap": True})}
        looks |= {"good": book.add_format({"font_color": "#1f6b4a"}), "bad": book.add_format({"font_color": "#a32018"})}
        for section in sections(figures, lang=lang):
            sheet = book.add_worksheet(t(f"portfolio.sheet.{section.key}"))
            _write(sheet, section, lang=lang, looks=looks)
        about = book.add_worksheet(t("portfolio.sheet.about"))
        about.set_column(0, 0, 110, looks["note"])
        lines = [
            t("portfolio.unit"),
            *([said] if (said := synthetic_line(figures, t)) else []),
            *head(figures, t, lang)[1:],
            *footer(figures, t, lang),
        ]
        for row, line in enumerate(lines):
            about.write_string(row, 0, _safe(line))
    return sink.getvalue()


def _write(
    sheet: xlsxwriter.worksheet.Worksheet, section: Section, *, lang: str, looks: Mapping[str, Any]
) -> None:
    """Title, tables one below the other, and the note."""
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 12, 16)
    sheet.write_string(0, 0, section.title, looks["bold"])
    row = 2
    for table in section.tables:
        for at, name in enumerate(table.heads):
            sheet.write_string(row, at, name, looks["bold"])
        row += 1 if table.heads else 0
        for line in table.lines:
            for at, cell in enumerate(line):
                _cell(sheet, (row, at), cell, lang=lang, looks=looks)
            row += 1
        row += 1
    if section.note:
        sheet.merge_range(row, 0, row, _NOTE_COLUMNS, _safe(section.note), looks["note"])
        sheet.set_row(row, 15.0 * (1 + len(section.note) // (45 if lang == "zh" else 100)))


def _cell(
    sheet: xlsxwriter.worksheet.Worksheet, at: tuple[int, int], cell: Cell, *, lang: str, looks: Mapping[str, Any]
) -> None:
    value = cell.stored(lang)
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(*at, _safe(value), looks.get(cell.tone))
        return
    look = f"number{min(max(cell.places, 1), 4)}" if cell.kind == "number" else cell.kind
    sheet.write_number(*at, value, looks[look])


def _safe(text: str) -> str:
    """Text that begins like a formula is led by an apostrophe."""
    return "'" + text if text.startswith(_RISKY) else text
