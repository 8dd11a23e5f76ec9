"""Shapes of what is told about the decision log: lists, checks and replays."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from serving.routes.answers import Money, OutcomeAnswer, Shape
from serving.routes.shapes import Recommendation


class Line(Shape):
    """One answer of a list."""

    decision_id: str
    sequence: int
    created_at: Annotated[str, Field(description="UTC, ISO 8601")]
    application_id: str
    as_of: str
    recommendation: Recommendation
    grade: str | None
    score: float | None
    max_loan: Money | None
    pledge_kinds: list[str]
    outcome: Annotated[OutcomeAnswer | None, Field(description="What a person decided last")]


class DecisionPage(Shape):
    """A page of recorded answers, the newest first."""

    decisions: list[Line]
    next: Annotated[int | None, Field(description="Give it as after= for the page that follows")]


class ChainAnswer(Shape):
    """What the verifier found in the caller's chain."""

    tenant: str
    records: Annotated[int, Field(description="Records in the chain up to the last sound one")]
    checked_from: Annotated[int, Field(description="First record that was checked")]
    head: Annotated[str, Field(description="Hash of the last sound record")]
    first_bad: int | None
    why: str | None
    checkpoints: Annotated[int | None, Field(description="Signed checkpoints compared; null where none are kept")]


class ReplayAnswer(Shape):
    """What became of a recorded answer that was computed again."""

    decision_id: str
    sequence: int
    same: Annotated[bool, Field(description="The same bytes")]
    erased: Annotated[bool, Field(description="It cannot be computed again: its personal data was erased")]
    differs: Annotated[list[str], Field(description="Parts of the answer that are not the same")]
    digests: Annotated[list[str], Field(description="What it was made with and is another now")]
    values: dict[str, Any]
    why: str | None = None
