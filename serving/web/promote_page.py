"""Four eyes on the desk: a risk modeller proposes, an approver decides, and either may be asked later who did what."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from eco_credit.core.errors import EcoCreditError, ModelNotServable
from eco_credit.registry.keys import APPROVER
from eco_credit.registry.promote import Approval, take_back
from eco_credit.registry.proposals import approve, propose, refuse
from eco_credit.registry.registered import bring
from serving.access import DEMO, Permission, Principal, needs, who
from serving.web.body import FormRefused, read_body
from serving.web.models_view import store_of
from serving.web.pages import Page

if TYPE_CHECKING:
    from serving.state import State

Form = Mapping[str, str]
_NUMBER = re.compile(r"[1-9]\d{0,8}")


def add_promotion(router: APIRouter, state: State) -> None:
    """Add the forms that act; MLflow is not asked, its alias follows by ``reconcile``."""

    @router.post("/models/propose")
    @needs(Permission.PROPOSE)
    async def proposing(request: Request) -> Response:
        return await _acted(state, request, _propose)

    @router.post("/models/promote")
    @needs(Permission.PROMOTE)
    async def promoting(request: Request) -> Response:
        return await _acted(state, request, _decide)

    @router.post("/models/rollback")
    @needs(Permission.PROMOTE)
    async def rolling_back(request: Request) -> Response:
        return await _acted(state, request, _roll_back)


async def _acted(state: State, request: Request, act: Callable[[State, Principal, Form], str]) -> Response:
    """Do what a form asks for off the event loop, then show the page again; or say why nothing was done."""
    page, by = Page.of(request, demo=state.demo), who(request)
    try:
        raw = await read_body(request)
        if by is DEMO:  # one person with all roles is not four eyes
            return page.notice(page.t("models.refused"), page.t("models.two_logins"), status=403)
        # no deadline: an act that has begun is not left half said
        done = await asyncio.to_thread(act, state, by, raw)
    except FormRefused as refusal:
        return page.notice(page.t("notice.refused"), page.t(refusal.key), status=refusal.status)
    except EcoCreditError as error:
        return page.notice(page.t("models.refused"), getattr(error, page.lang), status=409)
    return RedirectResponse(f"/models?lang={page.lang}&done={done}", status_code=303)


def _propose(state: State, by: Principal, raw: Form) -> str:
    store, name, reason = store_of(state), state.settings.model_name, _text(raw, "reason")
    if "version" not in raw:
        propose(store, name, raw.get("digest", ""), by=by.signer, reason=reason)
        return "proposed"
    number = _number(raw, "version")
    if not reason:
        raise ModelNotServable("say why", "须写明理由")
    propose(store, name, bring(store, name, number), by=by.signer, reason=reason, version=number)
    return "proposed"


def _decide(state: State, by: Principal, raw: Form) -> str:
    store, name, number = store_of(state), state.settings.model_name, _number(raw, "proposal")
    reason = _text(raw, "reason")
    _check_enrolled(state, by)
    if raw.get("act") == "refuse":
        refuse(store, name, number, by=by.signer, reason=reason)
        return "refused"
    if raw.get("act") != "approve":
        raise ModelNotServable("say whether the proposal is approved or refused", "请选择批准或不批准")
    approve(store, name, number, Approval(by.signer, reason, _text(raw, "waiver")))
    return "approved"


def _roll_back(state: State, by: Principal, raw: Form) -> str:
    _check_enrolled(state, by)
    approval = Approval(by.signer, _text(raw, "reason"), seen=_number(raw, "seen"))
    take_back(store_of(state), state.settings.model_name, approval)
    return "rolled_back"


def _text(raw: Form, name: str) -> str:
    """Words of a form on one line of the record: browsers send line ends as they like."""
    return " ".join(raw.get(name, "").split())


def _number(raw: Form, name: str) -> int:
    if not _NUMBER.fullmatch(raw.get(name, "")):
        raise ModelNotServable("this form is not complete; open the page again", "表单不完整，请重新打开页面")
    return int(raw[name])


def _check_enrolled(state: State, by: Principal) -> None:
    """Say which command gives the approver a signing key, where there is none."""
    try:
        store_of(state).signer(by.signer, APPROVER)
    except ModelNotServable as error:
        command = f"eco-credit users enrol {by.user} --tenant {by.tenant}"
        en = f"{by.signer} has no signing key as approver in this store; ask the administrator to run: {command}"
        zh = f"{by.signer} 尚未登记审批签名密钥，请管理员运行：{command}"
        raise ModelNotServable(en, zh) from error
