"""Shapes of what is told about jobs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from serving.routes.answers import Shape


class JobOptions(Shape):
    """What was asked of a job beside its file."""

    input_format: Annotated[str, Field(description="Ending of the input, such as xlsx")]
    format: Annotated[str, Field(description="Format of result and rejects: parquet, csv or xlsx")]
    mapping: Annotated[list[str], Field(description="Shipped mappings that read the headers")]
    reasons: int
    reject_limit: Annotated[float, Field(description="Share of rejected rows that fails the job, ratio")]
    lang: str


class JobFault(Shape):
    """One broken rule; never a value."""

    field: str
    rule: str
    row: int | None
    en: str
    zh: str


class JobProblem(Shape):
    """Why a job failed."""

    code: str
    en: str
    zh: str
    errors: list[JobFault]


class JobCounts(Shape):
    """Rows in = scored + rejected."""

    rows: int
    scored: int
    rejected: int
    chunks: int


class JobAnswer(Shape):
    """One job."""

    job_id: str
    state: Literal["queued", "running", "complete", "failed", "cancelled"]
    name: Annotated[str, Field(description="Name of the file as it was sent; blank for a raw body")]
    user: str
    created_at: Annotated[str, Field(description="UTC, ISO 8601")]
    options: JobOptions
    done: Annotated[int | None, Field(description="Rows done so far")]
    rows: Annotated[int | None, Field(description="Rows of the file, once known")]
    rows_per_second: float | None
    seconds_left: Annotated[int | None, Field(description="At the present rate")]
    counts: JobCounts | None
    figures: Annotated[dict[str, Any] | None, Field(description="Rejects by rule, recommendations, ranges")]
    warnings: list[JobFault | dict[str, Any]]
    problem: JobProblem | None
    links: Annotated[dict[str, str], Field(description="Addresses of what can be fetched or done now")]


class JobList(Shape):
    """Jobs of the caller's tenant, the newest first."""

    jobs: list[JobAnswer]
