"""Figures for the operator (Prometheus): counts and times by route, never a field of a case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_PDS = (0.0025, 0.005, 0.01, 0.015, 0.025, 0.04, 0.065, 0.11, 0.2)
"""Upper ends of the grades of the shipped scale; the histogram is for drift, not for grading."""
_POINTS = (440, 460, 480, 500, 520, 540, 560, 580, 600, 620, 640, 660, 680, 700)


class Metrics:
    """The figures of one service, in a registry of their own.

    Attributes:
        requests: answers by method, route template and status.
        seconds: time from the first byte of the request to the end of the answer, by route.
        decisions: recorded recommendations, by recommendation.
        pd: probabilities of default given, by histogram.
        score: points given, by histogram.
        refusals: answers in which the model gave no PD.
        referrals: answers outside the model's scope with a PD, which a person looks at for that reason.
        in_flight: requests being worked on.
        waiting: records waiting for the disk.
        model_loads: attempts to load a champion, by outcome.
        shadow: decisions offered to the challenger, by outcome (handed_over, dropped).
        model_alarm: 1 while a newer package is kept out because it is not in order, by alias.
    """

    def __init__(self) -> None:
        """Make the figures, all at zero."""
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "eco_credit_requests", "Answers sent", ("method", "route", "status"), registry=registry
        )
        self.seconds = Histogram(
            "eco_credit_request_seconds", "Time to answer", ("route",), buckets=_SECONDS, registry=registry
        )
        self.decisions = Counter(
            "eco_credit_decisions", "Recommendations recorded", ("recommendation",), registry=registry
        )
        self.pd = Histogram("eco_credit_pd", "Probability of default given", buckets=_PDS, registry=registry)
        self.score = Histogram("eco_credit_score", "Points given", buckets=_POINTS, registry=registry)
        self.refusals = Counter("eco_credit_model_refusals", "Answers without a PD", registry=registry)
        self.referrals = Counter(
            "eco_credit_model_referrals", "Answers with a PD outside the model's scope", registry=registry
        )
        self.in_flight = Gauge("eco_credit_in_flight", "Requests being worked on", registry=registry)
        self.waiting = Gauge("eco_credit_journal_waiting", "Records waiting for the disk", registry=registry)
        self.model_loads = Counter("eco_credit_model_loads", "Champion loads", ("outcome",), registry=registry)
        self.shadow = Counter("eco_credit_shadow", "Decisions for the challenger", ("outcome",), registry=registry)
        self.model_alarm = Gauge("eco_credit_model_alarm", "A package is kept out", ("alias",), registry=registry)

    def decided(self, answer: Mapping[str, Any]) -> None:
        """Count one recorded score answer: its recommendation, PD and points, never who it is about."""
        self.decisions.labels(answer["recommendation"]).inc()
        pd, score = (answer.get("pd") or {}).get("value"), answer.get("score")
        if pd is None or score is None:
            self.refusals.inc()
            return
        self.pd.observe(pd)
        self.score.observe(score)
        if answer.get("out_of_scope"):
            self.referrals.inc()

    def text(self) -> bytes:
        """All figures in the Prometheus text format."""
        return generate_latest(self.registry)
