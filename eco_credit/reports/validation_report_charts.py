"""The charts of a validation report, from statistics and the points of curves; a part that is missing draws nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from eco_credit.reports.figures import HARMS, HELPS, LENDING, MUTED
from eco_credit.reports.figures_frame import Frame, Tick, ticks
from eco_credit.reports.figures_lines import Level, Line, Whisker, level_chart, line_chart
from eco_credit.reports.formats import brief, number, percent
from eco_credit.reports.page import Translate
from eco_credit.reports.validation_report_gates import area, with_span

Plain = Mapping[str, Any]
MOST_INPUTS = 15
"""Inputs whose stability is drawn; the rest is counted."""
FLOOR_LEVEL = 0.95
"""Part of the sales the value floor is made to hold in."""
_WHOLE = [(part, percent(part, 0)) for part in (0.0, 0.25, 0.5, 0.75, 1.0)]
_UNIT = (0.0, 1.0)


def roc_chart(curves: Plain, t: Translate) -> Markup | None:
    """The ROC curve with its band, and the line of a score that knows nothing."""
    if not curves.get("roc"):
        return None
    found = curves["roc"]
    band = tuple(zip(found["low"], found["high"], strict=True)) if found.get("low") else ()
    points = tuple(zip(found["fpr"], found["tpr"], strict=True))
    lines = (Line(t("validation.chance"), ((0.0, 0.0), (1.0, 1.0)), MUTED, "4 3"), Line("ROC", points, band=band))
    return line_chart(lines, Frame(_UNIT, _UNIT, 290.0), axes=(_WHOLE, _WHOLE, t("validation.false_alarms")),
                      title=t("validation.roc_title"))  # fmt: skip


def ks_chart(curves: Plain, t: Translate) -> Markup | None:
    """Defaults and other loans found among the riskiest loans, and where they lie farthest apart."""
    if not curves.get("ks"):
        return None
    found = curves["ks"]
    bad, good = (tuple(zip(found["share"], found[side], strict=True)) for side in ("bad", "good"))
    at = max(range(len(bad)), key=lambda place: abs(bad[place][1] - good[place][1]))
    lines = (
        Line(t("validation.bads"), bad, HARMS), Line(t("validation.goods"), good, HELPS),
        Line("KS", (bad[at], good[at]), LENDING, "4 3"),
    )  # fmt: skip
    return line_chart(lines, Frame(_UNIT, _UNIT, 290.0), axes=(_WHOLE, _WHOLE, t("validation.riskiest")),
                      title=t("validation.ks_title"))  # fmt: skip


def reliability_chart(curves: Plain, t: Translate) -> Markup | None:
    """Observed default rates by bin with their intervals, the diagonal, and Cox' line; both axes by square root."""
    bins = curves.get("reliability")
    if not bins:
        return None
    top = max(max(one["pd"], one["high"]) for one in bins) * 1.05
    root = math.sqrt(top)
    lines = [Line(t("validation.exact"), ((0.0, 0.0), (root, root)), MUTED, "4 3")]
    if curves.get("cox"):
        lines.append(Line(t("validation.cox"), _cox(curves["cox"], max(one["pd"] for one in bins)), LENDING))
    spots = [Whisker(*map(math.sqrt, (one["pd"], one["rate"], one["low"], one["high"]))) for one in bins]
    marks = _root_ticks(top)
    return line_chart(lines, Frame((0.0, root), (0.0, root), 290.0), axes=(marks, marks, t("validation.mean_pd_root")),
                      title=t("validation.reliability_title"), whiskers=spots)  # fmt: skip


def _cox(cox: Plain, last: float) -> tuple[tuple[float, float], ...]:
    """Cox' recalibration ``logit(rate) = a + b logit(pd)`` on square-root axes, from near zero to the last bin."""
    intercept, slope = cox["intercept"], cox["slope"]
    found = []
    for step in range(1, 61):
        pd = last * (step / 60) ** 2
        rate = 1.0 / (1.0 + math.exp(-intercept - slope * math.log(pd / (1.0 - pd))))
        found.append((math.sqrt(pd), math.sqrt(rate)))
    return tuple(found)


def _root_ticks(top: float) -> list[Tick]:
    """Rates named on a square-root axis, far enough from one another."""
    kept: list[Tick] = []
    for rate in (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0):
        place = math.sqrt(rate)
        if rate <= top and (not kept or place - kept[-1][0] >= 0.12 * math.sqrt(top)):
            kept.append((place, f"{brief(rate * 100, 1)}%"))
    return kept


def stability_chart(
    stability: Plain, named: Callable[[str], str], t: Translate, *, limits: Sequence[float] = ()
) -> Markup | None:
    """PSI of the score and CSI of the inputs that moved most; the mark is what chance alone would reach."""
    if not stability.get("score"):
        return None
    moved = sorted(stability.get("inputs", {}).items(), key=lambda item: -item[1]["value"])[:MOST_INPUTS]
    rows = [(t("validation.score"), stability["score"]), *((named(name), found) for name, found in moved)]
    levels = [Level(name, found["value"], number(found["value"], 3), mark=found.get("limit")) for name, found in rows]
    span = (0.0, max([*limits, *(found["value"] for _, found in rows)]) * 1.08 or 1.0)
    marks = [(place, brief(place)) for place in limits]
    return level_chart(levels, span=span, limits=marks, title=t("validation.stability_title"), bars=True)


def grade_chart(grades: Sequence[Plain], t: Translate) -> Markup | None:
    """PD of each grade beside the default rate that came of it, with its interval where there is one."""
    if not grades:
        return None
    places = range(len(grades))
    ends = [one.get(end) for one in grades for end in ("pd", "default_rate", "high") if one.get(end) is not None]
    top = max([0.01, *map(float, filter(None, ends))]) * 1.08
    pd = tuple((place + 0.5, grades[place]["pd"]) for place in places)
    spots = [Whisker(place + 0.5, one["default_rate"], one.get("low", one["default_rate"]),
                     one.get("high", one["default_rate"])) for place, one in enumerate(grades)]  # fmt: skip
    names = [(place + 0.5, str(one["grade"])) for place, one in enumerate(grades)]
    frame = Frame((0.0, float(len(grades))), (0.0, top), 220.0)
    return line_chart([Line(t("validation.estimate"), pd, LENDING)], frame, whiskers=spots,
                      axes=(names, _rates(top), t("validation.grade")), title=t("validation.grades_title"))  # fmt: skip


def _rates(top: float) -> list[Tick]:
    return [(value, f"{brief(value * 100, 1)}%") for value in ticks(0.0, top)]


def loss_chart(curves: Plain, t: Translate) -> Markup | None:
    """Realised against estimated LGD by bin, with the interval of the mean."""
    bins = curves.get("loss")
    if not bins:
        return None
    top = max(1.0, *(one["high"] for one in bins))
    lines = [Line(t("validation.exact"), ((0.0, 0.0), (top, top)), MUTED, "4 3")]
    spots = [Whisker(one["lgd"], one["realised"], max(one["low"], 0.0), one["high"]) for one in bins]
    return line_chart(lines, Frame((0.0, top), (0.0, top), 250.0), whiskers=spots,
                      axes=(_rates(top), _rates(top), t("validation.estimated_lgd")),
                      title=t("validation.loss_title"))  # fmt: skip


def floor_chart(lgd: Plain, curves: Plain, t: Translate) -> Markup | None:
    """How often floor and band held, in all and by size of the floor, with their intervals."""
    rows: list[tuple[str, Plain]] = []
    if lgd.get("floor_coverage"):
        rows.append((t("validation.floor_all"), lgd["floor_coverage"]))
    for one in curves.get("floor") or []:
        rows.append((t("validation.floor_bin", floor=percent(one["floor"], 0)), one | {"value": one["held"]}))
    if lgd.get("band_coverage"):
        rows.append((t("validation.band_all"), lgd["band_coverage"]))
    if not rows:
        return None
    levels = [Level(name, found["value"], percent(found["value"], 1), found["low"], found["high"])
              for name, found in rows]  # fmt: skip
    least = min(0.8, *(found["low"] for _, found in rows))
    limits = [(FLOOR_LEVEL, t("validation.floor_level"))]
    return level_chart(levels, span=(math.floor(least * 10) / 10, 1.0), limits=limits,
                       title=t("validation.floor_title"))  # fmt: skip


def walk_chart(walk: Plain, t: Translate) -> Markup | None:
    """AUC of each walk-forward fold, and their mean."""
    folds = walk.get("folds") or []
    if not folds:
        return None
    areas = [fold["auc"] for fold in folds]
    low, high = min(0.5, *areas), max(1.0, *areas)
    points = tuple((place + 0.5, value) for place, value in enumerate(areas))
    mean = walk.get("mean", sum(areas) / len(areas))
    lines = [Line(t("validation.mean"), ((0.0, mean), (float(len(folds)), mean)), MUTED, "4 3"), Line("AUC", points)]
    spots = [Whisker(x, value, value, value) for x, value in points]
    names = [(place + 0.5, str(fold.get("from", place + 1))[:7]) for place, fold in enumerate(folds)]
    marks = [(value, number(value, 2)) for value in ticks(low, high)]
    return line_chart(lines, Frame((0.0, float(len(folds))), (low, high), 200.0), whiskers=spots,
                      axes=(names, marks, t("validation.fold_from")), title=t("validation.walk_title"))  # fmt: skip


def comparison_chart(rows: Sequence[tuple[str, Plain]], t: Translate) -> Markup | None:
    """AUC of the model, of its benchmark and of challengers, side by side with their intervals."""
    known = [(name, auc) for name, auc in rows if auc and auc.get("value") is not None]
    if not known:
        return None
    levels = [Level(name, auc["value"], area(auc["value"]), auc.get("low"), auc.get("high")) for name, auc in known]
    least = min(0.5, *(auc.get("low") or auc["value"] for _, auc in known))
    told = "; ".join(f"{name} {with_span(auc)}" for name, auc in known)
    return level_chart(levels, span=(least, 1.0), limits=[(0.5, "")], title=f"{t('validation.auc')}: {told}")
