"""The report of a run, one printable page in Chinese or English, drawn from its manifest alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from eco_credit.contracts import contract
from eco_credit.contracts.texts import SENTENCES, sentences
from eco_credit.reports.page import LANGUAGE_TAGS, environment, translator
from serving.batch.rules import TEXTS

RANGED = ("amount_requested", "lending_value", "max_loan", "pd", "lgd", "score")
"""Columns whose smallest, middle and largest value are told, in this order."""
_MONEY = ("amount_requested", "lending_value", "max_loan")
_SHARES = ("pd", "lgd")


@cache
def stylesheet() -> str:
    """The style of the report."""
    return files("serving.batch").joinpath("templates", "run_report.css").read_text(encoding="utf-8")


def run_report(manifest: Mapping[str, Any], *, lang: str = "zh", css_address: str | None = None) -> str:
    """Draw the report of a run.

    Args:
        manifest: as `run_batch` returns it.
        lang: ``zh`` or ``en``.
        css_address: address of the style, for a page of the service; None writes it into the page.

    Returns:
        A whole HTML page without script or outside address; it holds no value of a row and no personal data.
    """
    t = translator(lang, "eco_credit.reports", "serving.batch")
    figures, counts = manifest["figures"], manifest["counts"]
    return environment("serving.batch").get_template("run_report.html.j2").render(
        t=t,
        lang=lang,
        lang_tag=LANGUAGE_TAGS[lang],
        m=manifest,
        css_address=css_address,
        css=Markup(stylesheet()),  # noqa: S704  (our own file)
        counts=counts,
        scored_share=counts["scored"] / max(counts["rows"], 1),
        rejects=[_reject(one, lang) for one in figures["rejects"]],
        mix=_mix(figures),
        ranges=[_range(name, found[name], lang) for found in [figures["ranges"]] for name in RANGED if name in found],
        notes=_notes(manifest["input"], lang),
        units=_units(manifest["input"], lang),
        ignored=_ignored(manifest["input"]),
        synthetic=bool(manifest["run"]["scorer"].get("synthetic_model")),
    )


def _label(name: str, lang: str) -> str:
    for each in (*contract("batch_input").fields, *contract("batch_output").fields):
        if each.column == name:
            return each.label_zh if lang == "zh" else each.label_en
    return name


def _reject(one: Mapping[str, Any], lang: str) -> dict[str, Any]:
    rule, name = one["rule"], one["field"]
    field = next((each for each in contract("batch_input").fields if each.column == name), None)
    en, zh = TEXTS[rule] if rule in TEXTS else sentences(rule, field) if rule in SENTENCES else (rule, rule)
    return {"rule": rule, "label": _label(name, lang), "lines": one["lines"], "text": zh if lang == "zh" else en}


def _mix(figures: Mapping[str, Any]) -> list[tuple[str, int, float]]:
    """Recommendation, applications, share."""
    whole = max(figures["applications"], 1)
    return [(name, count, count / whole) for name, count in figures["recommendations"].items()]


def _range(name: str, cells: list[float], lang: str) -> tuple[str, list[str]]:
    if name in _MONEY:
        shown = [f"{cell / 10_000:,.2f}" if lang == "zh" else f"{cell:,.0f}" for cell in cells]
        return f"{_label(name, lang)} ({'万元' if lang == 'zh' else 'CNY'})", shown
    if name in _SHARES:
        return f"{_label(name, lang)} (%)", [f"{100 * cell:.2f}" for cell in cells]
    return _label(name, lang), [f"{cell:,.0f}" for cell in cells]


def _notes(given: Mapping[str, Any], lang: str) -> list[str]:
    """Warnings, as sentences with their row."""
    found = []
    for one in given["warnings"]:
        place = "" if one["row"] is None else (f"第 {one['row']} 行 " if lang == "zh" else f"row {one['row']} ")
        found.append(f"{place}{_label(one['field'], lang)}: {one[lang]}")
    return found


def _units(given: Mapping[str, Any], lang: str) -> list[tuple[str, str]]:
    tables = [given, *given.get("sheets", ())]
    return [(_label(name, lang), unit) for table in tables for name, unit in (table.get("units") or {}).items()]


def _ignored(given: Mapping[str, Any]) -> list[str]:
    tables = [given, *given.get("sheets", ())]
    return list(dict.fromkeys(name for table in tables for name in table.get("columns_ignored") or ()))
