"""The three pictures of an appraisal report: range, drivers, payments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from eco_credit.reports import figures, formats
from eco_credit.reports.figures_appraisal import Payment, Swing, cash_columns, tornado
from eco_credit.reports.page import Translate, money_text
from eco_credit.reports.written import kind_label

Plain = Mapping[str, Any]
MOST_DRIVERS = 5
"""Drivers drawn; weaker ones stand among the assumptions."""
MOST_PAYMENTS = 6
"""Payments named below the picture."""


def pictures(pledge: Plain, *, lang: str, t: Translate) -> dict[str, Any]:
    """Range, drivers and payments of one pledge, each empty where the answer has none.

    Args:
        pledge: one pledge of an answer.
        lang: ``zh`` or ``en``.
        t: words of that language.
    """
    return {
        "range": range_figure(pledge, lang=lang, t=t),
        "drivers": drivers(pledge["appraisal"], lang=lang, t=t),
        "cash": _cash(pledge["appraisal"], lang=lang, t=t),
        "payments": [_payment(flow, lang=lang, t=t) for flow in _flows(pledge)[:MOST_PAYMENTS]],
        "more": max(0, len(_flows(pledge)) - MOST_PAYMENTS),
    }


def _flows(pledge: Plain) -> list[Plain]:
    return list(pledge["appraisal"].get("cash_flows", []))


def range_figure(pledge: Mapping[str, Any], *, lang: str, t: Translate) -> Any:
    """The range bar of one pledge; nothing is drawn where nothing could be appraised."""
    value = pledge["appraisal"]
    if value["central"] is None:
        return ""
    low, central, high = (_mark(value[key], key, t) for key in ("low", "central", "high"))
    lending = _mark(pledge["lending_value"], "lending", t)
    title = t("value.figure", kind=kind_label(pledge["kind"], lang), low=low.shown, high=high.shown)
    return figures.value_range(low, central, high, lending=lending, title=title)


def _mark(yuan: Any, name: str, t: Translate) -> figures.Mark:
    """An amount on the axis of the figure."""
    return figures.Mark(float(yuan or 0.0), t(f"value.{name}"), money_text(yuan, t))


def drivers(value: Plain, *, lang: str, t: Translate, most: int = MOST_DRIVERS) -> Markup | str:
    """The tornado of an appraisal; empty without drivers."""
    found = value.get("drivers", [])[:most]
    if not found or value["central"] is None:
        return ""
    swings = [
        Swing(one[lang], one["value_at_low"], one["value_at_high"], _bare(one["value_at_low"], t),
              _bare(one["value_at_high"], t))
        for one in found
    ]  # fmt: skip
    return tornado(swings, central=value["central"], title=t("appraisal_report.picture.drivers_title"))


def _bare(yuan: float, t: Translate) -> str:
    """Money for a label: ten thousand yuan in zh, thousand yuan in en, unit in the caption."""
    return formats.wan(yuan) if t("unit.money_scale") == "wan" else formats.number(yuan / 1000.0, 1)


def _cash(value: Plain, *, lang: str, t: Translate) -> Markup | str:
    flows = value.get("cash_flows", [])
    if not flows:
        return ""
    largest = max((float(flow["amount"]) for flow in flows), key=abs)
    return cash_columns(
        [Payment(flow["year"], flow["years"], flow["amount"], flow[lang]) for flow in flows],
        shown_top=t("appraisal_report.picture.largest", amount=money_text(largest, t)),
        year_word=t("appraisal_report.picture.years"), title=t("appraisal_report.picture.cash_title"),
    )


def _payment(flow: Plain, *, lang: str, t: Translate) -> dict[str, str]:
    """One payment in words: when, how often, what, how much."""
    when = t("appraisal_report.picture.at", year=formats.brief(flow["year"], 2))
    if flow["years"] != 1.0:
        when = t("appraisal_report.picture.yearly", year=formats.brief(flow["year"], 2),
                 years=formats.brief(flow["years"], 2))  # fmt: skip
    return {"when": when, "what": flow[lang], "amount": money_text(flow["amount"], t)}
