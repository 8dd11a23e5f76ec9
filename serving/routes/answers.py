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
    book_hash: Annotated[str | None, Field(description="Digest of the lender's book; null without one")]
    models: list[dict[str, str]]
    code_version: str
    input_hash: Annotated[str | None, Field(description="Digest of the input; null once personal data was erased")]
    synthetic_model: Annotated[bool, Field(description="True: trained on synthetic data; not for real decisions")]


class Reason(Shape):
    """One reason from the closed list."""

    code: str
    points: float | None
    zh: str
    en: str


class GateText(Shape):
    """What a gate tests, and the text or the rule it rests on."""

    zh: str
    en: str
    ref: Annotated[str, Field(description="Reference of the rulebook the gate rests on")]
    article: Annotated[str | None, Field(description="Article of that reference")]
    rule: Annotated[str | None, Field(description="Rule whose number decides, where one does")]


class Gate(GateText):
    """One gate as it was tested."""

    code: str
    hit: Annotated[bool, Field(description="True: the pledge is refused by it")]


class Refusal(Reason):
    """A code the pledge is refused by, with the gates behind it that were hit."""

    because: list[GateText]


class Range(Shape):
    """Low, central and high amount of money; null when it cannot be appraised."""

    low: Money | None
    central: Money | None
    high: Money | None


class Step(Shape):
    """One step of an appraisal, with its formula in symbols and with the numbers filled in."""

    code: str
    zh: str
    en: str
    unit: str
    value: float | None
    formula: Annotated[str, Field(description="As the method prints it; empty for a figure read as it is")]
    working: Annotated[str, Field(description="The formula with its numbers, for a calculator")]


class Assumption(Shape):
    """One input of the method, and where it is from."""

    name: str
    zh: str
    en: str
    unit: str
    low: float
    central: float
    high: float
    stated: Annotated[bool, Field(description="True: stated, or worked out of what is stated")]
    rule: Annotated[str | None, Field(description="Rule it was read from where it is not stated")]
    driver: Annotated[str | None, Field(description="Driver that moves it; null where it is held fixed")]


class Driver(Shape):
    """One driver: the value of the right at its low and at its high end."""

    name: str
    zh: str
    en: str
    value_at_low: Money
    value_at_high: Money


class CashFlow(Shape):
    """One payment, or one of every year, behind a value by income; not discounted."""

    year: Annotated[float, Field(description="Years from the day to the first payment")]
    years: Annotated[float, Field(description="Number of yearly payments; 1 is a single one")]
    amount: Annotated[Money, Field(description="CNY of one payment; negative where it is paid out")]
    zh: str
    en: str


class CheckValue(Shape):
    """A figure an assumption is held against; it enters no value."""

    code: str
    zh: str
    en: str
    unit: str
    value: float
    stated: Annotated[float | None, Field(description="The assumption beside it; null where there is none")]


class Appraisal(Range):
    """Value of the right on the day."""

    approach: str | None
    approach_zh: str
    approach_en: str
    ref: Annotated[str, Field(description="Reference of the rulebook in which the method stands")]
    steps: list[Step]
    drivers: Annotated[list[Driver], Field(description="The one that matters most first; a score names two")]


class DetailedAppraisal(Appraisal):
    """Value of the right with every input and payment behind it."""

    assumptions: list[Assumption]
    cash_flows: list[CashFlow]
    checks: list[CheckValue]


class Haircut(Shape):
    """One named ratio taken off, with the rule it comes from."""

    name: str
    zh: str
    en: str
    ratio: Ratio
    rule: str


class Cap(Shape):
    """Highest lending value as a part of the central value."""

    ratio: Ratio
    rule: str


class Gep(Shape):
    """Flows of the pledge: what the holder may sell, and what is public benefit (information only)."""

    entitled_cny_per_year: Money | None
    paid_cny_per_year: Annotated[Money | None, Field(description="Part that a contract pays for")]
    public_benefit_cny_per_year: Money | None
    value_from_flows: Annotated[Money, Field(description="Part of the central value that comes from contracted flows")]
    share_of_value: Ratio
    value_by_flows: Annotated[Money, Field(description="Entitlement capitalised over the right; added to nothing")]
    norm_over_flows: Annotated[float | None, Field(description="Central value over value_by_flows")]
    factor: Annotated[float, Field(description="From this ratio on the two are said to differ")]
    differs: bool


class Flag(Shape):
    """Figures that contradict one another or the rulebook; refuses nothing."""

    name: str
    zh: str
    en: str
    rule: str


class Months(Shape):
    """Months to the money of a forced sale."""

    low: float
    central: float
    high: float


class Recovery(Range):
    """Money of today after time, cost and prior claims, and the lowest opening bids of the two auctions."""

    first_auction: Money
    second_auction: Money
    months: Months


class Stress(Shape):
    """Value and lending value under one scenario."""

    name: str
    zh: str
    en: str
    value: Money
    lending_value: Money
    rule: str


class Revaluation(Shape):
    """When the pledge is to be valued again."""

    months: float
    due_on: str
    price_fall: Annotated[Ratio, Field(description="Fall of the price that calls for a valuation before its time")]
    outside_value_out_of_date: bool


class Pledge(Shape):
    """One pledge of an answer."""

    pledge_id: str
    kind: str
    eligible: bool
    ineligible_reasons: list[Refusal]
    flags: list[Flag]
    gep: Gep
    appraisal: Appraisal
    haircuts: Annotated[list[Haircut], Field(description="In the order they are taken")]
    cap: Cap
    lending_value: Money | None
    recovery: Recovery
    capital_class: Annotated[str, Field(description="Class of eligible collateral in the capital rules")]
    stress: list[Stress]
    revaluation: Revaluation
    reasons: list[Reason]


class AppraisedPledge(Pledge):
    """One pledge of an appraisal, with every gate that was tested."""

    gates: list[Gate]
    appraisal: DetailedAppraisal


class Estimate(Shape):
    """A probability or ratio with its range; null where the model does not answer."""

    value: Ratio | None
    low: Ratio | None
    high: Ratio | None


class Margins(Shape):
    """Margins of conservatism on a PD, in points: A data and methods, B environment, C estimation error."""

    a: Ratio | None
    b: Ratio | None
    c: Ratio | None


class PdEstimate(Estimate):
    """Probability of default over the horizon: best estimate, with its margins of conservatism beside it."""

    horizon_months: int
    benchmark: Annotated[Ratio | None, Field(description="PD of the model beside this one")]
    benchmark_margin: Annotated[Ratio | None, Field(description="Margin of conservatism to add to it in a thin cell")]
    cell_loans: Annotated[float | None, Field(description="Loans of this kind and area the model was trained on")]
    cell_defaults: Annotated[float | None, Field(description="Defaults among them")]
    margin: Margins
    with_margin: Ratio | None
    flag: Annotated[str | None, Field(description="Mark of a PD that is no estimate from outcomes")]


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
    pledges: list[AppraisedPledge]
    provenance: Provenance


class OutcomeAnswer(Shape):
    """A recorded decision of a person."""

    outcome_id: str
    decision_id: str
    decided: Recommendation
    decided_by: Annotated[str | None, Field(description="Null once personal data was erased")]
    reason: Annotated[str | None, Field(description="Null once personal data was erased")]
    override_reason: str | None = None
    amount: float | None = None
    annual_rate: float | None = None
    corrects: str | None = None


class RecordedOutcome(OutcomeAnswer):
    """A recorded decision of a person, and who recorded it."""

    created_at: Annotated[str, Field(description="UTC, ISO 8601")]
    recorded_by: Annotated[str, Field(description="User whose request it was")]
    roles: list[str]


class DecisionRecord(Shape):
    """A record of the decision log; ``answer`` is what was sent, to the byte."""

    decision_id: str
    sequence: int
    created_at: Annotated[str, Field(description="UTC, ISO 8601")]
    previous_hash: str
    hash: str
    request_hash: Annotated[str, Field(description="SHA-256 of the request; empty once personal data was erased")]
    erased: Annotated[bool, Field(description="The borrower's key was deleted: what is personal is gone")]
    recorded_by: Annotated[str, Field(description="User whose request it was; empty in old records")]
    roles: list[str]
    answer: ScoreAnswer
    outcomes: list[RecordedOutcome]


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
