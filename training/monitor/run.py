"""One look at a model in use: read, compare, estimate, join, judge."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.core.errors import ModelNotServable
from eco_credit.core.numbers import Columns, day
from eco_credit.registry import Package, Store, open_model
from eco_credit.reports.monitor_words import sentence
from eco_credit.rulebook import RuleSet, load
from training.metrics.calibration import effective_count
from training.monitor import drift, ledger
from training.monitor.book import concentration, price_moves
from training.monitor.cbpe import expected_auc, expected_rate
from training.monitor.current import Current
from training.monitor.reading import read_current
from training.monitor.segments import by_kind, kinds_now
from training.monitor.triggers import (
    AMBER,
    RED,
    Trigger,
    calibration_trigger,
    feature_trigger,
    grade_trigger,
    kind_trigger,
    law_trigger,
    override_trigger,
    performance_trigger,
    price_trigger,
    scope_trigger,
    score_trigger,
    shifted,
)
from training.plan import Plan, plan_of
from training.train import finite


@dataclass(frozen=True, slots=True)
class Files:
    """What is looked at.

    Attributes:
        current: loan tape or batch result file, ``.parquet`` or ``.csv``; or the folder of a store, for its log.
        reference: the same of the past; None takes what the package stores of its training population.
        outcomes: what became of the loans, by the contract ``loan_outcome``.
        prices: a price index, columns ``day``, ``index`` and ``kind`` if there are several.
    """

    current: Path
    reference: Path | None = None
    outcomes: Path | None = None
    prices: Path | None = None


@dataclass(frozen=True)
class Seen:
    """What was read.

    Attributes:
        package: the model.
        current: the loans.
        reference: what they are held against.
        outcomes: outcomes as read, or None.
        prices: moves of price indices, or None.
    """

    package: Package
    current: Current
    reference: drift.Reference
    outcomes: Columns | None
    prices: list[dict[str, Any]] | None


def monitor(store: Store, model: str, files: Files) -> dict[str, Any]:
    """Look at a model in use.

    Args:
        store: the store.
        model: ``name@alias``, ``name/version`` or a package folder.
        files: what to look at.

    Returns:
        Plain data: ``model``, ``data``, ``reference``, ``rules``, ``score``, ``grades``, ``features``, ``scope``,
        ``width``, ``kinds``, ``estimated``, ``ledger``, ``early``, ``overrides``, ``concentration``, ``prices``,
        ``triggers``, ``light`` (the worst of them) and ``fired`` (names of the red ones). The same files give the same
        data; it holds no number, name or code of a borrower, loan, buyer or place.

    Raises:
        ModelNotServable: the package is not in order, or was made by other means than a plan.
        ContractError: a file breaks its contract.
    """
    seen = read(store, model, files)
    rules, trained = _rules(seen)
    return finite(look(seen, rules, trained))  # type: ignore[no-any-return]


def read(store: Store, model: str, files: Files) -> Seen:
    """Open the model and read the files; errors as in `monitor`."""
    package = open_model(store, model)
    plan = _plan(package)
    current = read_current(package, plan, files.current)
    past = None if files.reference is None else read_current(package, plan, files.reference)
    return Seen(
        package=package,
        current=current,
        reference=drift.packaged(package) if past is None else drift.of_file(package, past),
        outcomes=None if files.outcomes is None else ledger.read_outcomes(files.outcomes),
        prices=None if files.prices is None else price_moves(current, files.prices),
    )


def _plan(package: Package) -> Plan:
    if "plan.json" not in package.files:
        raise ModelNotServable("the package holds no training plan", "模型包中没有训练计划")
    return plan_of(json.loads(package.files["plan.json"]))


def _rules(seen: Seen) -> tuple[RuleSet, RuleSet]:
    """Rules of the last day on file, and of the day the model was trained for; no clock is read."""
    trained = dt.date.fromisoformat(str(seen.package.manifest["rules"]["day"]))
    last = [trained, *_days(seen.current.opened)[1:]]
    last += [] if seen.outcomes is None else _days(day(seen.outcomes, "as_of"))[1:]
    last += [dt.date.fromisoformat(row["until"]) for row in seen.prices or ()]
    return load().at(max(last)), load().at(trained)


def _days(days: Any) -> list[dt.date]:
    """First and last known day; empty without one."""
    known = days[~np.isnat(days)]
    return [known.min().item(), known.max().item()] if len(known) else []


def look(seen: Seen, rules: RuleSet, trained: RuleSet) -> dict[str, Any]:
    """All statistics and triggers of what was read; see `monitor`."""
    package, current, reference = seen.package, seen.current, seen.reference
    drifted = _drift(seen, rules)
    estimated = _estimated(seen, rules)
    joined = _joined(seen, rules)
    triggers = [
        calibration_trigger(joined["vintages"], rules),
        score_trigger(drifted["score"], rules),
        performance_trigger((estimated["promised"], reference.promised), reference.auc, _matured_auc(joined), rules),
        scope_trigger(drifted["scope"], rules),
        price_trigger(seen.prices, rules),
        kind_trigger(current.kinds, reference.kinds),
        law_trigger(trained, rules),
        override_trigger(joined["overrides"], rules),
        grade_trigger(drifted["grades"], rules),
        feature_trigger(drifted["features"], rules),
    ]
    return {
        **_about(seen, rules), **drifted, "estimated": estimated, **joined,
        "concentration": concentration(current), "prices": seen.prices,
        "triggers": [_told(trigger) for trigger in triggers], "light": _worst(triggers),
        "fired": [trigger.name for trigger in triggers if trigger.light == RED],
        "synthetic": bool(current.synthetic or package.synthetic),
    }  # fmt: skip


def _about(seen: Seen, rules: RuleSet) -> dict[str, Any]:
    package, current = seen.package, seen.current
    span = [one.isoformat() for one in _days(current.opened)]
    return {
        "model": {"name": package.name, "version": package.version, "digest": package.digest},
        "data": {"form": current.form, "digest": current.digest, "rows": len(current), "first": min(span, default=None),
                 "last": max(span, default=None), "left_out": dict(current.left_out)},
        "reference": {"form": seen.reference.form, "from": dict(seen.reference.notes)},
        "rules": {"day": rules.day.isoformat(), "digest": rules.digest},
    }  # fmt: skip


def _drift(seen: Seen, rules: RuleSet) -> dict[str, Any]:
    current, reference = seen.current, seen.reference
    score = drift.score_drift(current, reference)
    features = drift.feature_drift(seen.package, current, reference)
    top = int(rules.number("risk.monitor.top_features"))
    for place, row in enumerate(features):
        light = shifted(row["csi"], row["limit"], rules)
        row["light"] = AMBER if light == RED and place >= top else light
    return {
        "score": score | {"light": score_trigger(score, rules).light},
        "grades": drift.grade_drift(seen.package, current, reference),
        "features": features,
        "scope": drift.scope(current, reference) | {"size": effective_count(current.weight)},
        "width": drift.width(current, reference),
        "kinds": kinds_now(current, reference),
    }


def _estimated(seen: Seen, rules: RuleSet) -> dict[str, Any]:
    """AUC and default rate the PDs promise, with the sentence that must stand beside them."""
    scored = seen.current.scored
    p, w = seen.current.pd[scored], seen.current.weight[scored]
    enough = len(p) > 1
    return {
        "auc": expected_auc(p, w).as_dict() if enough else None,
        "default_rate": expected_rate(p, w).as_dict() if enough else None,
        "promised": drift.promise(seen.package, seen.current, seen.reference),
        "promised_then": seen.reference.promised,
        "gate_auc": seen.reference.auc,
        "segments": by_kind(seen.current, int(rules.number("risk.monitor.segment_rows"))),
        "zh": sentence("caveat", "zh"),
        "en": sentence("caveat", "en"),
    }


def _joined(seen: Seen, rules: RuleSet) -> dict[str, Any]:
    """Everything that needs outcomes; None throughout without them."""
    if seen.outcomes is None:
        decided = seen.current.decided
        own = None if decided is None else ledger.departures(seen.current.recommendation, decided)
        return {"ledger": None, "vintages": None, "early": None, "overrides": own}
    months = seen.package.bundle.pd.horizon_months
    joined = ledger.join(seen.current, seen.outcomes)
    first, last = (int(rules.number(f"risk.monitor.early_{end}")) for end in ("from", "to"))
    early = {"from": first, "to": last, "vintages": ledger.early_defaults(joined, first, last)}
    return {
        "ledger": {"horizon_months": months} | ledger.whole(seen.current, joined, months),
        "vintages": ledger.by_vintage(seen.current, joined, months),
        "early": early if "overdue_30_on" in seen.outcomes else None,
        "overrides": ledger.overrides(seen.current, joined),
    }


def _matured_auc(joined: Mapping[str, Any]) -> Mapping[str, float] | None:
    """Realised AUC of matured loans; None without outcomes of both kinds."""
    ledger_found = joined["ledger"]
    return None if ledger_found is None else ledger_found["auc"]


def _told(trigger: Trigger) -> dict[str, Any]:
    """A trigger as plain data, with its sentence in both languages."""
    plain: Mapping[str, Any] = asdict(trigger)
    return {**plain, "zh": sentence(trigger.name, "zh", plain), "en": sentence(trigger.name, "en", plain)}


def _worst(triggers: list[Trigger]) -> str:
    lights = {trigger.light for trigger in triggers}
    return RED if RED in lights else AMBER if AMBER in lights else "green"
