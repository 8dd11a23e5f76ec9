"""Figures for the operator (Prometheus): counts and times by route, never a field of a case."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The figures of one service, in a registry of their own.

    Attributes:
        requests: answers by method, route template and status.
        seconds: time from the first byte of the request to the end of the answer, by route.
        decisions: recorded recommendations, by recommendation.
        in_flight: requests being worked on.
        waiting: records waiting for the disk.
        model_loads: attempts to load a champion, by outcome.
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
        self.in_flight = Gauge("eco_credit_in_flight", "Requests being worked on", registry=registry)
        self.waiting = Gauge("eco_credit_journal_waiting", "Records waiting for the disk", registry=registry)
        self.model_loads = Counter("eco_credit_model_loads", "Champion loads", ("outcome",), registry=registry)

    def text(self) -> bytes:
        """All figures in the Prometheus text format."""
        return generate_latest(self.registry)
