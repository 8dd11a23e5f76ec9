"""Figures of a look as a Prometheus text file, for the textfile collector of a node exporter.

Names and labels are stable: ``eco_credit_monitor_*`` with ``model`` and ``version``, and one more label where a
figure comes in parts. What is not known has no sample. No label holds anything of a borrower, loan or place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

LIGHTS = {"green": 0.0, "amber": 1.0, "red": 2.0}
Sample = tuple[str, str, dict[str, str], float | None]
"""Name behind the prefix, help, further labels, value."""


def prometheus_text(found: Mapping[str, Any]) -> bytes:
    """The figures of `training.monitor.run.monitor` in the Prometheus text format, without a time of day.

    Args:
        found: plain data of one look.

    Returns:
        UTF-8 text, the same bytes for the same data.
    """
    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    own = {"model": str(found["model"]["name"]), "version": str(found["model"]["version"])}
    for name, about, labels, value in samples(found):
        if value is None:
            continue
        if name not in gauges:
            gauges[name] = Gauge(f"eco_credit_monitor_{name}", about, (*own, *labels), registry=registry)
        gauges[name].labels(**own, **labels).set(value)
    return generate_latest(registry)


def samples(found: Mapping[str, Any]) -> Iterator[Sample]:
    """Every figure that is written, known or not."""
    yield "rows", "Rows looked at", {}, found["data"]["rows"]
    yield "score_psi", "Population stability index of the score", {}, found["score"]["value"]
    yield "score_psi_limit", "What chance alone reaches", {}, found["score"]["limit"]
    yield "mean_pd", "Mean probability of default", {}, found["score"]["mean_pd"]
    for row in found["features"]:
        yield "feature_csi", "Stability index of one feature", {"feature": row["name"]}, row["csi"]
    for row in found["grades"]["table"]:
        yield "grade_share", "Share of one grade", {"grade": row["grade"]}, row["share"]
    for row in found["scope"]["layers"]:
        yield "layer_share", "Share one layer of the policy caught", {"layer": row["layer"]}, row["share"]
    yield "pd_width", "Mean width of the PD range", {}, found["width"]["mean"]
    yield "pd_width_psi", "Stability index of the width of the PD range", {}, _value(found["width"]["psi"])
    for row in found["kinds"]:
        yield "kind_share", "Share of one kind of pledge", {"kind": row["kind"]}, row["share"]
    yield from _performance(found)
    for row in found["concentration"]:
        yield "hhi", "Herfindahl index", {"by": row["by"]}, row["hhi"]
    for trigger in found["triggers"]:
        about = "Light of one trigger: 0 green, 1 amber, 2 red; no sample where it is not known"
        yield "trigger", about, {"trigger": trigger["name"]}, LIGHTS.get(trigger["light"])


def _performance(found: Mapping[str, Any]) -> Iterator[Sample]:
    estimated, ledger = found["estimated"], found["ledger"] or {}
    about = "valid only without concept drift"
    yield "expected_auc", f"AUC promised by the PDs; {about}", {}, _value(estimated["auc"])
    yield "expected_default_rate", f"Default rate promised by the PDs; {about}", {}, _value(estimated["default_rate"])
    for row in estimated["segments"]:
        kind = {"kind": row["kind"]}
        yield "kind_expected_auc", f"AUC promised by the PDs of one kind; {about}", kind, _value(row["auc"])
        rate = _value(row["default_rate"])
        yield "kind_expected_default_rate", f"Default rate promised by the PDs of one kind; {about}", kind, rate
    yield "matured_loans", "Joined loans seen for the whole horizon", {}, ledger.get("matured")
    yield "matured_default_rate", "Default rate of matured loans", {}, ledger.get("default_rate")
    yield "matured_predicted", "Mean PD of matured loans", {}, ledger.get("predicted")
    yield "matured_auc", "AUC of matured loans", {}, _value(ledger.get("auc"))
    yield "override_share", "Share of answers people departed from", {}, (found["overrides"] or {}).get("share")


def _value(interval: Mapping[str, float] | None) -> float | None:
    return None if interval is None else interval["value"]
