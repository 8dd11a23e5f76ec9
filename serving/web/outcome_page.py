"""The person's decision: a short form under the recommendation, recorded beside it and never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from eco_credit.contracts import contract
from eco_credit.contracts.field import Field
from eco_credit.contracts.lists import code_list
from eco_credit.core.canonical import digest
from eco_credit.core.errors import ContractError, EcoCreditError, Violation
from eco_credit.reports import formats
from eco_credit.reports.page import money_text
from serving import decide
from serving.access import DEMO, Permission, Principal, needs, who
from serving.audit import KeyConflict, Recorded
from serving.problems import Problem, from_error
from serving.web.body import FormRefused, read_body
from serving.web.desk import at_the_desk
from serving.web.hints import said_in
from serving.web.pages import Page
from serving.web.paper import PaperUnit, read_number, units_of

if TYPE_CHECKING:
    from serving.state import State

SHOWN = ("decided", "amount", "annual_rate", "override_reason", "reason", "decided_by")
"""Fields of the contract in the order they are asked for; what the service knows itself is not asked."""


def add_outcome(router: APIRouter, state: State) -> None:
    """Add ``POST /decisions/{id}/outcome``: record what the reader decided, then show the decision again."""

    @router.post("/decisions/{decision_id}/outcome")
    @needs(Permission.OUTCOME)
    async def outcome(request: Request, decision_id: str) -> Response:
        page, by, raw = Page.of(request, demo=state.demo), who(request), dict[str, str]()
        try:
            raw = await read_body(request)
            given, broken = read(raw, by)
            if broken:
                raise ContractError(broken)
            key = f"web-{decision_id}-{digest({'by': by.user, **given})[:24]}"
            await decide.decide_by_person(state, by, decision_id, given, key=key)
        except FormRefused as refusal:
            return page.notice(page.t("notice.refused"), page.t(refusal.key), status=refusal.status)
        except KeyConflict as conflict:
            problem = decide.conflict(conflict)
            return page.notice(page.t("outcome.refused"), getattr(problem.kind, page.lang), status=problem.kind.status)
        except (EcoCreditError, Problem) as error:
            return _refused(page, decision_id, raw, error)
        return RedirectResponse(f"/decisions/{decision_id}?lang={page.lang}#outcome", status_code=303)


def _refused(page: Page, number: str, raw: Mapping[str, str], error: EcoCreditError | Problem) -> Response:
    """Why nothing was recorded, field by field, above the form with everything that was typed."""
    problem = error if isinstance(error, Problem) else from_error(error)
    if problem.kind.status == 404:
        return page.missing()
    fields = {one.name: one for one in contract("decision_outcome").fields}
    lines = [
        f"{_label(fields[one.field], page.lang) if one.field in fields else one.field}{page.t('form.colon')}"
        f"{said_in(one, page.lang)}"
        for one in problem.violations
    ]
    wrong = {one.field: said_in(one, page.lang) for one in problem.violations}
    again = [one | {"value": raw.get(one["name"], ""), "error": wrong.get(one["name"], "")}
             for one in form(page, who(page.request))]  # fmt: skip
    return page.draw(
        "outcome_refused.html.j2", status=problem.kind.status, number=number, outcome_form=again,
        lines=lines or [getattr(problem.kind, page.lang)],
    )  # fmt: skip


def read(raw: Mapping[str, str], by: Principal) -> tuple[dict[str, Any], list[Violation]]:
    """The outcome a form holds, in stored units, and the texts that are not numbers.

    Args:
        raw: posted names and texts; blank ones are left out.
        by: who decides; a known caller stands as ``decided_by``, whatever the form says.
    """
    given: dict[str, Any] = {}
    broken: list[Violation] = []
    for one in contract("decision_outcome").fields:
        text = raw.get(one.name, "").strip()
        if one.name not in SHOWN or not text:
            continue
        if not one.is_number:
            given[one.name] = text
            continue
        value = read_number(text, _unit(one))
        if value is None:
            broken.append(Violation(one.name, "type", "give a number", "请填写数字"))
        else:
            given[one.name] = value
    return given | ({} if by is DEMO else {"decided_by": by.user}), broken


def _unit(one: Field) -> PaperUnit:
    return units_of(one)[0]


def _label(one: Field, lang: str) -> str:
    return one.label_zh if lang == "zh" else one.label_en


def form(page: Page, by: Principal) -> list[dict[str, Any]]:
    """The fields of the form in the reader's words."""
    fields = {one.name: one for one in contract("decision_outcome").fields}
    return [_widget(fields[name], page) for name in SHOWN if name != "decided_by" or by is DEMO]


def _widget(one: Field, page: Page) -> dict[str, Any]:
    """One field; codes with their words in the order of their list."""
    lang = page.lang
    return {
        "name": one.name,
        "label": _label(one, lang),
        "required": one.required,
        "unit": getattr(_unit(one), lang) if one.is_number else "",
        "choices": _choices(one, page),
        "long": one.max_length >= 200,
        "max_length": one.max_length,
        "value": "",
        "error": "",
    }


def _choices(one: Field, page: Page) -> list[tuple[str, str]]:
    """Codes with their words; a decision is worded as the recommendation beside it is."""
    if not one.list_id:
        return []
    codes = code_list(one.list_id)
    if one.name == "decided":
        return [(code, page.t(f"recommendation.{code}")) for code in codes.codes]
    return [(code, codes.text(code, page.lang)) for code in codes.codes]


def recorded(page: Page, outcomes: Sequence[Recorded]) -> list[dict[str, str]]:
    """What people decided, oldest first, in words."""
    lines = []
    for one in outcomes:
        said = json.loads(one.entry.answer)
        code = said.get("override_reason")
        lines.append({
            "decided": page.t(f"recommendation.{said['decided']}"),
            "by": said["decided_by"],
            "at": page.t("site.at", time=at_the_desk(one.created_at)),
            "reason": said["reason"],
            "override": code_list("override_reason").text(code, page.lang) if code else "",
            "amount": money_text(said["amount"], page.t) if said.get("amount") is not None else "",
            "rate": formats.percent(said.get("annual_rate")) if said.get("annual_rate") is not None else "",
        })
    return lines
