"""The risk team's pages: champion and challenger, one model on paper, its card, and drift."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from eco_credit.core.errors import EcoCreditError
from eco_credit.reports import monitor_report as looks
from eco_credit.reports.model_card import model_card
from eco_credit.reports.monitor_kept import kept_looks, read_look
from eco_credit.reports.validation_report_charts import reliability_chart
from eco_credit.reports.validation_report_gates import gate_lines
from eco_credit.reports.validation_report_model import ModelFacts
from eco_credit.reports.validation_report_tables import pair_papers, papers, proof_lines
from eco_credit.reports.validation_report_tier import margins, tier_lines, tier_warnings
from eco_credit.reports.validation_report_view import provenance
from serving.access import Permission, needs, who
from serving.web.models_view import Overview, figures, gates_in_words, store_of
from serving.web.pages import Page, address, barred, html, other_languages
from serving.web.registered_page import add_registered, proposed_facts

if TYPE_CHECKING:
    from serving.state import State

DONE = ("proposed", "approved", "refused", "rolled_back")
"""What a form of this page can have led to."""


def add_models(router: APIRouter, state: State) -> None:
    """Add the pages that only read; of two addresses that fit the first is taken, so drift comes before an alias."""

    @router.get("/models")
    @needs(Permission.MODELS)
    async def models(request: Request) -> Response:
        page, by = Page.of(request, demo=state.demo), who(request)
        values = await asyncio.to_thread(lambda: Overview(state, page, by).values())
        done = request.query_params.get("done", "")
        return page.draw("models.html.j2", **values, done=done if done in DONE else "")

    _add_drift(router, state)
    add_registered(router, state)
    _add_proposed(router, state)

    @router.get("/models/{alias}")
    @needs(Permission.MODELS)
    async def model(request: Request, alias: str) -> Response:
        page, facts = Page.of(request, demo=state.demo), _facts(state, alias)
        if facts is None:
            return page.missing()
        values = await asyncio.to_thread(on_paper, facts, page)
        return page.draw("model.html.j2", **values, alias=alias, heading=page.t(f"models.alias.{alias}"))

    @router.get("/models/{alias}/card")
    @needs(Permission.MODELS)
    async def card(request: Request, alias: str) -> Response:
        page, facts = Page.of(request, demo=state.demo), _facts(state, alias)
        if facts is None:
            return page.missing()
        text = await asyncio.to_thread(model_card, facts, lang=page.lang, css_address=address("model.css"))
        links = [(page.t("models.back"), f"/models?lang={page.lang}"), *other_languages(page)]
        return html(barred(text, links), page.lang)


def _add_proposed(router: APIRouter, state: State) -> None:
    @router.get("/models/proposals/{number}")
    @needs(Permission.MODELS)
    async def proposed(request: Request, number: str) -> Response:
        page = Page.of(request, demo=state.demo)
        facts = await asyncio.to_thread(proposed_facts, state, number)
        if facts is None:
            return page.missing()
        heading = page.t("models.proposal", number=number, version=facts.version)
        return page.draw("model.html.j2", **await asyncio.to_thread(on_paper, facts, page), alias="", heading=heading)


def _facts(state: State, alias: str) -> ModelFacts | None:
    """The model that is in memory under an alias, the one that answers; None without one."""
    holder = {"champion": state.champions, "challenger": state.challengers}.get(alias)
    found = holder.found if holder is not None else None
    return None if found is None else ModelFacts.of(found.package)


def _missing(page: Page) -> Response:
    return page.notice(page.t("notice.not_found"), page.t("models.none"), status=404)


def on_paper(facts: ModelFacts, page: Page) -> dict[str, Any]:
    """One model as it stands in its package: figures, calibration by grade, gates, margins, curves and maps."""
    lang, t = page.lang, page.t
    lines = gate_lines(facts.gate.get("gates"), lang)
    return {
        "facts": facts, "figures": figures(facts.gate, t), **gates_in_words(lines), "gates": lines,
        "tier": tier_lines(facts, t), "warnings": tier_warnings(facts, t), "margins": margins(facts, t),
        **calibration(facts, page), "papers": papers(facts, lang, t), "pairs": pair_papers(facts, lang, t),
        "pair_count": len(facts.table.pairs), "proof": proof_lines(facts, lang, t),
        "provenance": provenance(facts, lang, t),
    }  # fmt: skip


def calibration(facts: ModelFacts, page: Page) -> dict[str, Any]:
    """The calibration by grade on record: a chart and its table; neither where the package has none."""
    pd = (facts.gate.get("statistics") or {}).get("pd") or {}
    cox, parts = pd.get("cox") or {}, ("grade", "rows", "pd", "default_rate", "low", "high")
    grades = [{part: one.get(part) for part in parts} for one in pd.get("grades") or []]
    bins = [{"pd": one["pd"], "rate": one["default_rate"], "low": one["low"], "high": one["high"]} for one in grades
            if None not in one.values()]  # fmt: skip
    curves: dict[str, Any] = {"reliability": bins}
    if "slope" in cox and "intercept" in cox:
        curves["cox"] = {name: cox[name]["value"] for name in ("intercept", "slope")}
    return {"reliability": reliability_chart(curves, page.t), "grades": grades}


def _add_drift(router: APIRouter, state: State) -> None:
    @router.get("/models/drift")
    @needs(Permission.MODELS)
    async def drift(request: Request) -> Response:
        page = Page.of(request, demo=state.demo)
        values = await asyncio.to_thread(_newest, state, page)
        return page.draw("drift.html.j2", **values)

    @router.get("/models/drift/{kept}")
    @needs(Permission.MODELS)
    async def report(request: Request, kept: str) -> Response:
        page = Page.of(request, demo=state.demo)
        text = await asyncio.to_thread(_report, state, page, kept)
        if text is None:
            return page.notice(page.t("notice.not_found"), page.t("models.drift.unreadable"), status=404)
        links = [(page.t("models.drift.back"), f"/models/drift?lang={page.lang}"), *other_languages(page)]
        return html(barred(text, links), page.lang)


def _report(state: State, page: Page, kept: str) -> str | None:
    """A kept look as its report; None where there is none of that name, or the file is not one."""
    try:
        found = read_look(store_of(state), state.settings.model_name, kept)
        return looks.monitor_report(found, lang=page.lang, css_address=address("monitor.css"))
    except (EcoCreditError, KeyError, TypeError, ValueError):
        return None


def _newest(state: State, page: Page) -> dict[str, Any]:
    """The newest look that can be read, in words, and the names of all."""
    store, name = store_of(state), state.settings.model_name
    names = kept_looks(store, name)
    broken: list[str] = []
    for kept in names:
        try:
            return {"kept": names, "broken": broken, "look": _look(read_look(store, name, kept), page), "shown": kept,
                    "other": _other(state, store, kept)}  # fmt: skip
        except (EcoCreditError, KeyError, TypeError, ValueError):
            broken.append(kept)
    return {"kept": names, "broken": broken, "look": None, "shown": None, "other": False}


def _other(state: State, store: Any, kept: str) -> bool:
    """True when the look was at another package than the champion in service."""
    found = read_look(store, state.settings.model_name, kept)
    served = state.champions.found
    return served is not None and served.package.digest != found["model"]["digest"]


def _look(found: dict[str, Any], page: Page) -> dict[str, Any]:
    """The parts of the monitoring report the page shows."""
    t, lang = page.t, page.lang
    return {
        "found": found, "head": looks.head(found, t), "triggers": looks.triggers(found, t, lang),
        "estimated": looks.estimated(found, t), "score": looks.score(found, t), "grades": looks.grade_lines(found),
        "chart": looks.grade_chart(found["grades"]["table"], t), "features": looks.feature_lines(found, t, lang),
        "layers": looks.layer_lines(found, t), "ledger": looks.ledger(found, t), "footer": looks.footer(found, t),
    }  # fmt: skip
