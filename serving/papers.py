"""From records of the decision log to the papers a person signs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from eco_credit.reports.papers import Paper, Record, decision_sheet, investigation_memo
from serving.audit import Recorded

PAPERS = {"memo": investigation_memo, "sheet": decision_sheet}
"""The papers of a decision by the last part of their address."""


def record_of(found: Recorded, outcomes: Sequence[Recorded]) -> Record:
    """What the papers print: the recorded answer and request, and what people decided about it.

    Args:
        found: the record of a score.
        outcomes: records that refer to it, oldest first.
    """
    decided = tuple(_outcome(one) for one in outcomes if one.entry.kind == "outcome")
    return Record(json.loads(found.entry.answer), json.loads(found.entry.request), decided, found.created_at)


def _outcome(one: Recorded) -> Mapping[str, Any]:
    return {**json.loads(one.entry.answer), "created_at": one.created_at}


def paper_of(name: str, record: Record, lang: str) -> Paper:
    """One paper of a record.

    Args:
        name: one of :data:`PAPERS`.
        record: what it prints.
        lang: ``zh`` or ``en``.
    """
    return PAPERS[name](record, lang=lang)
