"""Shapes of the answers, for the API description; answers are sent as canonical JSON, not through these."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from serving.routes.shapes import Recommendation

Money = Annotated[float, Field(description="CNY, rounded to 0.01")]
Ratio = Annotated[float, Field(description="Ratio, 0.3 is 30 %, rounded to 1e-8")]


class Shape(BaseModel):
    """An answer shape; further members may be added within the same version of the path."""

    model_config = ConfigDict(extra="allow")


class Provenance(Shape):
    """What stands behind the numbers."""

    contract: str
    rules_day: str
    rules_hash: str
    overlay_hash: str | None
    models: list[dict[str, str]]
    code_version: str
    input_hash: str
    synthetic_model: Annotated[bool, Field(description="True: trained on synthetic data; not for real decisions")]


class Reason(Shape):
    """One reason from the closed list."""

    code: str
    points: float | None
    zh: str
    en: str


class Range(Shape):
    """Low, central and high amount of money; null when it cannot be appraised."""

    low: Money | None
    central: Money | None
    high: Money | None


class Step(Shape):
    """One step of an appraisal."""

    code: str
    zh: str
    en: str
    unit: str
    value: float | None


class Appraisal(Range):
    """Value of the right on the day."""

    approach: str | None
    steps: list[Step]


class Haircut(Shape):
    """One named ratio taken off, with the rule it comes from."""

    name: str
    ratio: Ratio
    rule: str


class Gep(Shape):
    """Flows of the pledge: what the holder may sell, and what is public benefit (information only)."""

    entitled_cny_per_year: Money | None
    public_benefit_cny_per_year: Money | None


class Pledge(Shape):
    """One pledge of an answer."""

    pledge_id: str
    kind: str
    eligible: bool
    ineligible_reasons: list[Reason]
    gep: Gep
    appraisal: Appraisal
    haircuts: list[Haircut]
    lending_value: Money | None
    recovery: Range


class Estimate(Shape):
    """A probability or ratio with its range; null where the model does not answer."""

    value: Ratio | None
    low: Ratio | None
    high: Ratio | None


class PdEstimate(Estimate):
    """Probability of default over the horizon."""

    horizon_months: int


class ScoreAnswer(Shape):
    """The answer of ``POST /v1/scores``."""

    decision_id: str
    application_id: str
    as_of: str
    currency: Literal["CNY"]
    pledges: list[Pledge]
    pd: PdEstimate
    lgd: Estimate
    regulatory_lgd: Ratio | None
    expected_loss_rate: Ratio | None
    score: float | None
    grade: str | None
    recommendation: Recommendation
    max_loan: Money | None
    rate_floor: Ratio | None
    conditions: list[Any]
    reasons: list[Reason]
    out_of_scope: bool
    provenance: Provenance


class AppraisalAnswer(Shape):
    """The answer of ``POST /v1/appraisals``."""

    as_of: str
    currency: Literal["CNY"]
    pledges: list[Pledge]
    provenance: Provenance


class OutcomeAnswer(Shape):
    """A recorded decision of a person."""

    outcome_id: str
    decision_id: str
    decided: Recommendation
    decided_by: str
    reason: str
    amount: float | None = None
    annual_rate: float | None = None
    corrects: str | None = None


class DecisionRecord(Shape):
    """A record of the decision log; ``answer`` is what was sent, to the byte."""

    decision_id: str
    sequence: int
    created_at: Annotated[str, Field(description="UTC, ISO 8601")]
    previous_hash: str
    hash: str
    request_hash: str
    answer: ScoreAnswer
    outcomes: list[OutcomeAnswer]


class Fault(Shape):
    """One broken rule; the value is never repeated."""

    field: str
    rule: str
    message: str


class ProblemDocument(Shape):
    """RFC 9457 problem document."""

    type: Annotated[str, Field(description="Stable, /problems/{code}")]
    title: str
    status: int
    request_id: str
    errors: list[Fault] = []
    error_count: int = 0
