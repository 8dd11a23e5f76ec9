"""Records of a decision of each kind, as the decision log holds them, and the words of a printed page."""

from __future__ import annotations

import json
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from eco_credit.reports.papers import Record
from eco_credit.rulebook import load
from serving.pipeline import House

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS = ("forest_right", "water_right", "order")
DECISION = "d-" + "7" * 26
RECORDED = "2026-11-23T04:05:06.123456Z"
"""Five past noon in Beijing."""
CANARY = "939999990000000197"
"""The synthetic document number of the examples."""
SCORE: dict[str, Any] = {
    "decision_id": DECISION,
    "pd": {"value": 0.0312, "low": 0.0201, "high": 0.0467, "horizon_months": 12},
    "lgd": {"value": 0.38, "low": 0.3, "high": 0.47}, "regulatory_lgd": 0.45, "expected_loss_rate": 0.011856,
    "score": 612.0, "grade": "B2", "recommendation": "approve", "max_loan": 1_234_450.0, "rate_floor": 0.0529,
    "conditions": [
        {"code": "register_charge", "stage": "precedent", "zh": "办妥登记后放款", "en": "Register the charge first"},
        {"code": "revalue_yearly", "stage": "continuing", "zh": "每年重估", "en": "Revalue once a year"},
    ],
    "reasons": [
        {"code": "C02", "points": -18.4, "sign": "adverse", "zh": "负债相对现金流偏高", "en": "Debt high",
         "action_zh": "降额或延长期限", "action_en": "Lower amount"},
        {"code": "C07", "points": 12.0, "sign": "favourable", "zh": "信用记录良好", "en": "Clean credit record"},
    ],
    "out_of_scope": False,
}  # fmt: skip
LATER = {"decided": "approve", "decided_by": "E1002", "reason": "补充抵押后同意", "amount": 1_500_000.0,
         "annual_rate": 0.0465, "outcome_id": "o-2", "decision_id": DECISION,
         "created_at": "2026-11-25T07:30:00.000000Z"}  # fmt: skip
EARLIER = {"decided": "refer", "decided_by": "E1001", "reason": "先核实采伐证", "outcome_id": "o-1",
           "decision_id": DECISION, "created_at": "2026-11-24T02:00:00.000000Z"}  # fmt: skip


@cache
def _case(kind: str) -> str:
    application = json.loads((EXAMPLES / f"{kind}.json").read_text("utf-8"))
    answer = House().appraise(application, load(), None)
    for pledge in answer["pledges"]:  # what a record leaves out
        pledge.pop("gates")
        for name in ("assumptions", "cash_flows", "checks"):
            pledge["appraisal"].pop(name)
    return json.dumps([answer | SCORE | {"application_id": application["application_id"]}, application])


def record(kind: str, outcomes: tuple[Any, ...] = (), **answer: Any) -> Record:
    """A recorded decision of one kind, with parts of the answer changed."""
    given, application = json.loads(_case(kind))
    return Record(given | answer, application, outcomes, RECORDED)


class _Words(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self._inside = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._inside += tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words.append(data)


def words_of(page: str) -> list[str]:
    """Words and figures of a page in their order."""
    return " ".join(_Words(page).words).split()
