"""Spans for the operator (OpenTelemetry), off unless an endpoint is named: route, status and request id, no values."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eco_credit.core.errors import EcoCreditError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

Trace = Callable[[str, str, int, str, float], None]
"""Tells one answer: method, route template, status, request id, seconds it took."""
NANO = 1_000_000_000


def tracer_to(endpoint: str) -> Any:
    """A provider that sends spans to an OTLP endpoint over HTTP, in the background and in bounded queues.

    Raises:
        EcoCreditError: the extra ``otel`` is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        en, zh = "spans need the extra otel: install eco-credit[otel]", "发送跟踪数据需要安装 eco-credit[otel]"
        raise EcoCreditError(en, zh) from error

    return provider_of(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=5)))


def in_memory(exporter: SpanExporter) -> Any:
    """A provider that hands each span to an exporter at once."""
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    return provider_of(SimpleSpanProcessor(exporter))


def provider_of(processor: Any) -> Any:
    """A provider of this service's own; nothing global is set, and nothing of the environment is sent along."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(resource=Resource({"service.name": "eco-credit"}), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def spans(provider: Any) -> Trace:
    """What the envelope calls after each answer: one span for it, written when it is over."""
    from opentelemetry.trace import SpanKind, StatusCode

    tracer = provider.get_tracer("eco_credit.serving")

    def trace(method: str, route: str, status: int, request_id: str, seconds: float) -> None:
        now = time.time_ns()
        told = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
            "request.id": request_id,
        }
        start = now - int(seconds * NANO)
        span = tracer.start_span(f"{method} {route}", kind=SpanKind.SERVER, attributes=told, start_time=start)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(now)

    return trace
