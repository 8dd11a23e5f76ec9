"""The decision memo (审批意见): one printable HTML page with the sign-off block."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from eco_credit.reports.page import LANGUAGE_TAGS, environment, translator
from eco_credit.reports.sheet import sheet

SIGNERS = ("officer", "second", "head", "reviewer", "approver")
"""Who signs, in order (desk manual C.7)."""


def stylesheet() -> str:
    """The style sheet of the memo, for a page that links it instead of carrying it."""
    return files("eco_credit.reports").joinpath("templates", "memo.css").read_text(encoding="utf-8")


def memo(
    answer: Mapping[str, Any], application: Mapping[str, Any], *, lang: str = "zh", css_address: str | None = None
) -> str:
    """Print one decision as a self-contained HTML page.

    Args:
        answer: a score answer; money in yuan, ratios as parts of one.
        application: the application it answers.
        lang: ``zh`` or ``en``.
        css_address: address of the style sheet; without it the page carries its own.

    Returns:
        HTML text. Every value is escaped.

    Raises:
        KeyError: the answer lacks a part that every answer has, or the language is unknown.

    Source:
        Order, wording and sign-off block follow a bank's decision sheet (审批意见).
    """
    t = translator(lang)
    page = environment().get_template("memo.html.j2")
    return page.render(
        **sheet(answer, application, lang=lang, t=t),
        t=t,
        lang_tag=LANGUAGE_TAGS[lang],
        signers=[t(f"sign.{who}") for who in SIGNERS],
        css=Markup(stylesheet()),  # noqa: S704  our own file
        css_address=css_address,
    )
