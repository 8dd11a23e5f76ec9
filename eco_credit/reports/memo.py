"""The investigation memo (授信调查报告) of one answer, as a printable HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eco_credit.reports.papers import Record, investigation_memo, to_html


def memo(
    answer: Mapping[str, Any], application: Mapping[str, Any], *, lang: str = "zh", css_address: str | None = None
) -> str:
    """Print the investigation memo of one answer as a self-contained HTML page.

    Args:
        answer: a score answer; money in yuan, ratios as parts of one.
        application: the application it answers.
        lang: ``zh`` or ``en``.
        css_address: address of the style sheet; without it the page carries its own.

    Returns:
        HTML text. Every value is escaped.

    Raises:
        KeyError: the answer lacks a part that every answer has, or the language is unknown.
    """
    return to_html(investigation_memo(Record(answer, application), lang=lang), css_address=css_address)
