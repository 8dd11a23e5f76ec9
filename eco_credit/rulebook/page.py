"""The page that lists what a person with the text of the norm still has to check."""

from __future__ import annotations

from typing import Any

from eco_credit.rulebook.book import Book, Entry
from eco_credit.rulebook.lint import references


def to_verify(book: Book) -> str:
    """Write the Markdown page of every estimate and every rule flagged ``verify``.

    Args:
        book: the shipped rulebook.

    Returns:
        Markdown; one table row per rule, by name.
    """
    lines = [
        "# Estimates, and figures to check against the text",
        "",
        "Made from the rulebook by `python -m eco_credit.rulebook --page`; do not edit. An *estimate* has no norm",
        "behind it: it carries a range that enters the appraisal's low and high, and a lender overlays its own value.",
        "*verify* means that the named text was not read again when the figure was entered.",
        "",
        "| rule | value | range | why it is here | source |",
        "|---|---|---|---|---|",
    ]
    lines += [_row(entry) for _, entry in sorted(book.entries.items()) if entry.authority == "estimate" or entry.verify]
    return "\n".join(lines) + "\n"


def _row(entry: Entry) -> str:
    version = entry.history[-1]
    span = f"{entry.range[0]:g} to {entry.range[1]:g}" if entry.range else ""
    why = ("verify" if entry.verify else "") + (" estimate: " + entry.study if entry.study else "")
    title = references().get(version.ref, {}).get("title", version.ref)
    return f"| `{entry.name}` | {_shown(version.value)} {entry.unit} | {span} | {_cell(why)} | {_cell(title)} |"


def _shown(value: Any) -> str:
    return "table" if isinstance(value, dict | list) else str(value)


def _cell(text: Any) -> str:
    return " ".join(str(text).split()).replace("|", "/")
