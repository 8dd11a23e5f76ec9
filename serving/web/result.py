"""Everything the page of a decision shows: the record, what stands behind it, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eco_credit.core.errors import EcoCreditError
from eco_credit.reports.appraisal_sources import Sources
from eco_credit.reports.sheet import sheet
from eco_credit.reports.sheet_basis import applied, assumed, bounds, parcels
from serving.problems import Problem
from serving.web.again import with_details
from serving.web.pages import Page
from serving.web.what_if import changes, outcomes, trial
from serving.web.what_if_view import asked, table

if TYPE_CHECKING:
    from serving.state import State

Plain = Mapping[str, Any]


def shown(state: State, page: Page, found: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    """What the template of a decision needs.

    Args:
        state: the service.
        page: the page being answered; its address may hold a trial.
        found: recorded answer and application.
    """
    recorded, application = found
    answer = with_details(state, recorded, application)
    values = sheet(answer, application, lang=page.lang, t=page.t)
    values |= _basis(state, page, answer, application)
    values["parcels"] = {
        one["pledge_id"]: parcels(one, lang=page.lang, t=page.t) for one in application["pledges"]
    }
    values["first_kind"] = application["pledges"][0]["kind"]
    values["what_if"] = _what_if(state, page, recorded, application)
    return values


def _basis(state: State, page: Page, answer: Plain, application: Plain) -> dict[str, Any]:
    """Bounds, assumptions and rules; nothing where the rulebook has moved on since the record."""
    rules = state.champions.book().at(str(answer["provenance"]["rules_day"]))
    if rules.digest != answer["provenance"]["rules_hash"]:
        return {"bounds": [], "assumed": {}, "applied": [], "titles": []}
    sources = Sources(rules, page.lang, page.t)
    return {
        "bounds": bounds(answer, application, rules, t=page.t),
        "assumed": {one["pledge_id"]: assumed(one, lang=page.lang, t=page.t) for one in answer["pledges"]},
        "applied": applied(answer, sources),
        "titles": sources.titles(),
    }


def _what_if(state: State, page: Page, recorded: Plain, application: Plain) -> dict[str, Any] | None:
    """The table of changes and the reader's own trial; None while nothing can be scored."""
    query = page.request.query_params
    amount, term, promises, wrong = asked(query)
    wanted = changes(application, recorded)
    offered = [one.name for one in wanted if one.name not in ("same", "amount", "term")]
    if amount is not None or term is not None or promises:
        wanted.append(trial(application, recorded, amount=amount, term=term, promises=promises))
    try:
        found = table(outcomes(state, wanted), recorded, lang=page.lang, t=page.t)
    except (EcoCreditError, Problem):
        return None
    kept = {name: query.get(name, "")[:20] for name in ("amount_wan", "term_months")}
    return found | {"wrong": wrong, "offered": offered, "chosen": promises, "given": kept}
