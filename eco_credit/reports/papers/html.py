"""A paper as one web page with print CSS: self-contained, or with its style sheet by address."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from markupsafe import Markup

from eco_credit.reports.page import LANGUAGE_TAGS, environment, translator
from eco_credit.reports.papers.paper import Paper
from eco_credit.reports.papers.record import WORDS


def stylesheet() -> str:
    """The style sheet of the papers, for a page that links it instead of carrying it."""
    return files(WORDS).joinpath("templates", "paper.css").read_text(encoding="utf-8")


def to_html(paper: Paper, *, css_address: str | None = None, links: Sequence[tuple[str, str]] = ()) -> str:
    """Print a paper as a page: A4, page numbers by CSS, heads of tables and the marks repeated on every sheet.

    Args:
        paper: the paper.
        css_address: address of the style sheet; without it the page carries its own.
        links: words and addresses of a bar that is shown on the screen and not printed.

    Returns:
        HTML text without script; every value is escaped.
    """
    return environment(WORDS).get_template("paper.html.j2").render(
        paper=paper,
        t=translator(paper.lang, "eco_credit.reports", WORDS),
        lang_tag=LANGUAGE_TAGS[paper.lang],
        css=Markup(stylesheet()),  # noqa: S704  our own file
        css_address=css_address,
        links=list(links),
    )
