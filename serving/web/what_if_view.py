"""The what-if table in words: each change beside the unchanged application, better or worse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eco_credit.core.units import YUAN_PER_WAN
from eco_credit.reports import formats
from eco_credit.reports.page import Translate, money_text
from eco_credit.reports.sheet import worded
from serving.web.what_if import PROMISES, TRIAL, Outcome

_ORDER = ("decline", "refer", "approve")
MOST_NEWS = 2
"""Reasons named for one change."""
_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,6})?")
_TERM = re.compile(r"\d{1,3}")


def asked(query: Mapping[str, str]) -> tuple[float | None, int | None, set[str], list[str]]:
    """What the reader wants to try: amount in CNY, term in months, promises; and the fields that cannot be read.

    Args:
        query: names and texts of the address; ``amount_wan`` is in ten thousand yuan.
    """
    amount, term = query.get("amount_wan", "").strip(), query.get("term_months", "").strip()
    wrong = [name for name, text, form in (("amount_wan", amount, _AMOUNT), ("term_months", term, _TERM))
             if text and (not form.fullmatch(text) or not float(text))]  # fmt: skip
    return (
        round(float(amount) * YUAN_PER_WAN, 2) if amount and "amount_wan" not in wrong else None,
        int(term) if term and "term_months" not in wrong else None,
        {name for name in PROMISES if query.get(name)},
        wrong,
    )


def table(found: Sequence[Outcome], recorded: Mapping[str, Any], *, lang: str, t: Translate) -> dict[str, Any]:
    """Rows of the table, and whether the recorded answer would be the same today.

    Args:
        found: outcomes; the first is that of the unchanged application.
        recorded: the recorded answer.
        lang: the reader's language.
        t: words of it.
    """
    base = found[0].answer
    rows = [_row(one, base, t) | {"news": news(one.answer, base, lang)} for one in found]
    same = base is not None and all(base[name] == recorded[name] for name in ("recommendation", "max_loan", "grade"))
    return {"rows": rows, "moved_on": not same}


def _row(outcome: Outcome, base: Mapping[str, Any] | None, t: Translate) -> dict[str, Any]:
    """One change in words."""
    loan = outcome.change.application["loan"]
    asked_for = money_text(loan["amount_requested"], t)
    label = t(f"what_if.{outcome.change.name}", amount=asked_for, term=loan["term_months"])
    answer = outcome.answer
    if answer is None:
        return {"label": label, "refused": True, "trial": outcome.change.name == TRIAL}
    return {
        "label": label,
        "refused": False,
        "trial": outcome.change.name == TRIAL,
        "recommendation": t(f"recommendation.{answer['recommendation']}"),
        "step": 0 if base is None else _step(answer, base, alike=outcome.change.name not in ("amount", TRIAL)),
        "limit": money_text(answer["max_loan"], t),
        "lending": money_text(sum(float(one["lending_value"] or 0.0) for one in answer["pledges"]), t),
        "pd": formats.percent((answer["pd"] or {}).get("value")),
        "loss": formats.percent(answer["expected_loss_rate"]),
        "rate": formats.percent(answer["rate_floor"]),
    }


def news(answer: Mapping[str, Any] | None, base: Mapping[str, Any] | None, lang: str) -> list[str]:
    """Why another recommendation is given: what speaks against the changed application and not against the first.

    Args:
        answer: what the changed application is answered with.
        base: the answer without the change.
        lang: the reader's language.
    """
    if answer is None or base is None or answer["recommendation"] == base["recommendation"]:
        return []
    known = {one["code"] for one in base["reasons"]}
    against = (one for one in answer["reasons"] if one["sign"] != "favourable" and one["code"] not in known)
    return [worded(one, lang)["text"] for one in against][:MOST_NEWS]


def _step(answer: Mapping[str, Any], base: Mapping[str, Any], *, alike: bool) -> int:
    """1 where the answer is better than without the change, -1 where worse: recommendation first, then limit.

    Limits are compared only where as much is asked for (``alike``): who asks for less gets less.
    """
    now, then = ((_ORDER.index(one["recommendation"]), float(one["max_loan"]) * alike) for one in (answer, base))
    return (now > then) - (now < then)
