"""Rows of cells as csv and xlsx give them, before their columns are read."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from eco_credit.contracts.paper_units import fold
from serving.batch.layout import HEADER_ROWS, Vocabulary, find_header
from serving.batch.rules import refusal

DELIMITERS = (",", "\t", ";")
TOTAL_WORDS = (
    "合计",
    "小计",
    "总计",
    "累计",
    "制表人",
    "审核人",
    "复核人",
    "填表人",
    "负责人",
    "填报单位",
    "填表说明",
    "备注:",
    "total",
)
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file: its number below the header (from 1, sheet after sheet), its sheet, its cells."""

    row: int
    sheet: str | None
    cells: Sequence[Any]


def encoding_of(path: Path) -> str:
    """Encoding of a text file: BOM is UTF-8, valid UTF-8 is UTF-8, else GB18030; bad bytes are refused.

    Raises:
        ContractError: neither fits (``encoding``).
    """
    with path.open("rb") as source:
        if source.read(3) == codecs.BOM_UTF8:
            return "utf-8-sig" if _decodes(path, "utf-8-sig") else _refuse_encoding(path)
    for name in ("utf-8", "gb18030"):
        if _decodes(path, name):
            return name
    return _refuse_encoding(path)


def _refuse_encoding(path: Path) -> str:
    raise refusal(path.name, "encoding")


def _decodes(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)("strict")
    try:
        with path.open("rb") as source:
            while block := source.read(_BLOCK):
                if b"\x00" in block:
                    return False
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def read_text(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """All rows of a delimited text file, header rows included.

    Raises:
        ContractError: a quoted cell does not end, or a cell is longer than the reader allows (``unreadable``).
    """
    with path.open("r", encoding=encoding, errors="strict", newline="") as source:
        try:
            yield from csv.reader(source, delimiter=delimiter, strict=True)
        except csv.Error:
            raise refusal(path.name, "unreadable") from None


def delimiter_of(path: Path, encoding: str, vocabulary: Vocabulary) -> str:
    """The delimiter under which the first rows hold a header; the comma when none does."""
    for mark in DELIMITERS:
        if find_header(list(islice(read_text(path, encoding, mark), HEADER_ROWS)), vocabulary):
            return mark
    return DELIMITERS[0]


def is_blank(cells: Iterable[Any]) -> bool:
    """True when no cell holds anything."""
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)


def is_total(cells: Sequence[Any], key: int | None) -> bool:
    """True for a total, a section or a footer: a keyword stands first and the key is blank or the keyword.

    Args:
        cells: cells of the row.
        key: place of the key column, or None.
    """
    filled = [(place, cell) for place, cell in enumerate(cells) if not is_blank([cell])]
    if not filled or not isinstance(filled[0][1], str):
        return False
    word = re.sub(r"^[(\[【]", "", fold(filled[0][1]))
    if not word.startswith(TOTAL_WORDS):
        return False
    held = cells[key] if key is not None and key < len(cells) else None
    return held is None or is_blank([held]) or (filled[0][0] == key and len(word) <= 12)
