"""When to retrain: each trigger with its light and the numbers behind it.

Red calls for a retraining, amber for a look, grey says that the files given do not tell.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eco_credit.rulebook import RuleSet
from training.metrics.calibration import jeffreys_interval

GREEN, AMBER, RED, GREY = "green", "amber", "red", "grey"


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger.

    Attributes:
        name: stable name.
        light: ``green``, ``amber``, ``red`` or ``grey``.
        values: the numbers of its sentence; empty for grey.
        rules: rules it reads.
    """

    name: str
    light: str
    values: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[str, ...] = ()


def shifted(psi: float, limit: float, rules: RuleSet) -> str:
    """Light of a stability index: a shift counts only where chance does not explain it (Yurdakul 2018)."""
    if psi <= limit:
        return GREEN
    if psi > rules.number("risk.monitor.psi_red"):
        return RED
    return AMBER if psi > rules.number("risk.monitor.psi_amber") else GREEN


PSI = ("risk.monitor.psi_amber", "risk.monitor.psi_red")


def score_trigger(score: Mapping[str, Any], rules: RuleSet) -> Trigger:
    """Shift of the score."""
    if score["value"] is None:
        return Trigger("score", GREY)
    values = {"psi": score["value"], "limit": score["limit"], "bar": rules.number(PSI[1])}
    return Trigger("score", shifted(score["value"], score["limit"], rules), values, PSI)


def feature_trigger(features: Sequence[Mapping[str, Any]], rules: RuleSet) -> Trigger:
    """Shift of single features: a reason to look, not by itself to retrain."""
    if not features:
        return Trigger("features", GREY)
    moved = [row for row in features if row["light"] != GREEN]
    values = {"moved": len(moved), "count": len(features), "names": [row["name"] for row in moved]}
    return Trigger("features", AMBER if moved else GREEN, values, (*PSI, "risk.monitor.top_features"))


def grade_trigger(grades: Mapping[str, Any], rules: RuleSet) -> Trigger:
    """Shift of the grades: amber at most, for the score decides."""
    if grades["psi"] is None:
        return Trigger("grades", GREY)
    psi, limit = grades["psi"]["value"], grades["psi"]["limit"]
    light = GREEN if shifted(psi, limit, rules) == GREEN else AMBER
    return Trigger("grades", light, {"psi": psi, "limit": limit, "bar": rules.number(PSI[0])}, PSI)


def scope_trigger(scope: Mapping[str, Any], rules: RuleSet) -> Trigger:
    """Whether the share outside the model's scope has doubled, beyond what chance explains.

    Chance is excluded when the lower end of Jeffreys' 95 % interval lies above the expected share.
    """
    names = ("risk.monitor.refusal_watch", "risk.monitor.refusal_multiple")
    layer = next(row for row in scope["layers"] if row["layer"] == "out_of_scope")
    expected = layer["expected"]
    if not expected:
        return Trigger("scope", GREY)
    watch, most = (rules.number(name) for name in names)
    multiple = layer["share"] / expected
    beyond = jeffreys_interval(layer["share"] * scope["size"], scope["size"]).low > expected
    light = RED if beyond and multiple >= most else AMBER if beyond and multiple >= watch else GREEN
    values = {"share": layer["share"], "expected": expected, "multiple": multiple, "bar": most}
    return Trigger("scope", light, values, names)


def performance_trigger(
    promised: tuple[float | None, float | None], gate: float | None, matured: Mapping[str, float] | None, rules: RuleSet
) -> Trigger:
    """Fall of the AUC: amber while only estimated, red once matured loans confirm it.

    Args:
        promised: AUC the PDs promise now, and promised in the reference, both measured the same way.
        gate: realised AUC at the gate.
        matured: realised AUC of matured loans with its 95 % interval. It confirms a fall when it lies further below
            the gate than the bar, and the interval does not reach up to the gate.
        rules: rules of the day.
    """
    bar = rules.number("risk.monitor.auc_drop")
    now, then = promised
    if now is None or then is None:
        return Trigger("performance", GREY)
    fallen = then - now > bar
    real, sure = None, False
    if gate is not None and matured is not None:
        real = gate - matured["value"]
        sure = real > bar and matured["high"] < gate
    light = RED if fallen and sure else AMBER if fallen or sure else GREEN
    values = {"now": now, "then": then, "drop": then - now, "matured_drop": real, "bar": bar}
    return Trigger("performance", light, values, ("risk.monitor.auc_drop",))


def calibration_trigger(vintages: Sequence[Mapping[str, Any]] | None, rules: RuleSet) -> Trigger:
    """PD too low in the last matured quarter (amber), and in the one before it as well (red)."""
    name = "risk.monitor.calibration_p"
    level = rules.number(name)
    told = [row for row in vintages or () if row["jeffreys"] is not None]
    if not told:
        return Trigger("calibration", GREY)
    low = told[-1]["jeffreys"] < level
    running = len(told) > 1 and _next(told[-2]["vintage"]) == told[-1]["vintage"]
    twice = low and running and told[-2]["jeffreys"] < level
    last = told[-1]
    values = {"vintage": last["vintage"], "rate": last["default_rate"], "predicted": last["predicted"],
              "p": last["jeffreys"], "level": level, "quarters": 2 if twice else 1 if low else 0}  # fmt: skip
    return Trigger("calibration", RED if twice else AMBER if low else GREEN, values, (name,))


def _next(vintage: str) -> str:
    """The quarter after.

    Example:
        >>> _next("2025Q4"), _next("2025Q1")
        ('2026Q1', '2025Q2')
    """
    year, part = int(vintage[:4]), int(vintage[5:])
    return f"{year + part // 4}Q{part % 4 + 1}"


def price_trigger(moves: Sequence[Mapping[str, Any]] | None, rules: RuleSet) -> Trigger:
    """A price index that moved far, up or down, since the middle appraisal day."""
    name = "risk.monitor.price_move"
    bar = rules.number(name)
    known = [row for row in moves or () if row["move"] is not None]
    if not known:
        return Trigger("price", GREY)
    worst = max(known, key=lambda row: abs(float(row["move"])))
    values = {"move": worst["move"], "since": worst["since"], "until": worst["until"], "bar": bar}
    # a hair of tolerance: an index that moved by the bar itself must not depend on the last bit
    return Trigger("price", RED if abs(worst["move"]) >= bar - 1e-9 else GREEN, values, (name,))


def override_trigger(found: Mapping[str, Any] | None, rules: RuleSet) -> Trigger:
    """How often people departed from the recommendation."""
    names = ("risk.monitor.override_watch", "risk.monitor.override_most")
    if found is None:
        return Trigger("overrides", GREY)
    watch, most = (rules.number(name) for name in names)
    light = RED if found["share"] > most else AMBER if found["share"] > watch else GREEN
    return Trigger("overrides", light, {"share": found["share"], "decided": found["decided"], "bar": most}, names)


def kind_trigger(now: frozenset[str] | None, known: frozenset[str] | None) -> Trigger:
    """A kind of pledge the reference does not hold."""
    if now is None or known is None:
        return Trigger("kinds", GREY)
    fresh = sorted(now - known)
    return Trigger("kinds", RED if fresh else GREEN, {"names": fresh, "count": len(fresh)})


def law_trigger(trained: RuleSet, now: RuleSet) -> Trigger:
    """Statutes, standards and guidance that came into force or changed since the model was trained."""
    changed = sorted(
        name for name, rule in now.rules.items()
        if rule.authority in ("statute", "standard", "guidance")
        and (name not in trained.rules or trained.rules[name].value != rule.value)
    )  # fmt: skip
    values = {"count": len(changed), "names": changed, "since": _iso(trained.day), "until": _iso(now.day)}
    return Trigger("law", AMBER if changed else GREEN, values)


def _iso(day: dt.date) -> str:
    return day.isoformat()
