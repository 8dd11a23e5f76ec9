"""From fitted models to the files of a model package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.canonical import canonical_json
from eco_credit.core.numbers import Columns, Floats, number
from eco_credit.registry import golden_rows
from eco_credit.risk import ModelBundle, TableModel, scale_from_rules, table_to_json
from eco_credit.rulebook import RuleSet
from training.benchmark_model import Scorecard
from training.calibrate import Calibrated, systematic
from training.cell_counts import cells_json
from training.datasets import Tape, families
from training.expert import Anchor
from training.fit_lgd import LgdModel
from training.fit_pd import Fitted
from training.moc import PdMargins
from training.plan import Plan
from training.quantile import weighted_quantile
from training.split import Rows
from training.tiers import Choice

SUPPORT_QUANTILES = (0.001, 0.999)
JOINT_ROWS = 1_000
RIDGE = 0.05
"""Part of the variance added on the diagonal before whitening, so that near-copies do not explode."""


@dataclass(frozen=True)
class Models:
    """All fitted parts of one package.

    Attributes:
        pd: the PD model.
        calibrated: its calibration.
        lgd: the LGD model.
        card: the scorecard fitted in every training.
        other: tables asked beside the PD model: the scorecard beside tables, the tables beside a scorecard; None
            where the defaults allow no second model.
        beside: calibration of these.
        choice: which shape is served, and why.
        margins: margins of conservatism beside the PD.
        anchor: level of an expert's order; None where outcomes gave the model.
    """

    pd: Fitted
    calibrated: Calibrated
    lgd: LgdModel
    card: Scorecard
    other: TableModel | None
    beside: Calibrated | None
    choice: Choice
    margins: PdMargins
    anchor: Anchor | None = None


def bundle_files(plan: Plan, tape: Tape, models: Models, *, in_time: Rows, rules: RuleSet) -> dict[str, Any]:
    """The JSON files a bundle is made of, as plain data.

    Args:
        plan: the training plan.
        tape: labelled rows.
        models: what was fitted.
        in_time: rows the models were fitted on; ranges and the reference profile come from them.
        rules: rules of the day: master scale and support.

    Returns:
        File name to content, parsed by `ModelBundle.parse`.
    """
    return {
        "features.json": features_json(tape),
        "pd.json": {
            "table": table_to_json(models.pd.table),
            "platt": models.calibrated.platt(plan.pd),
            "venn_abers": models.calibrated.venn_abers.as_json(),
            "horizon_months": plan.pd.horizon_months,
            "benchmark": _benchmark(plan, models),
            "long_run": {"intercept": models.calibrated.long_run_intercept, "rate": models.calibrated.long_run_rate},
            "margin": models.margins.as_json(),
            "tier": models.choice.as_dict(),
            "anchor": None if models.anchor is None else models.anchor.as_dict(),
        },
        "lgd.json": lgd_json(plan, models.lgd),
        "scale.json": scale_from_rules(rules),
        "support.json": support_json(tape, in_time, models.pd.gain, rules)
        | {"cells": cells_json(plan, tape, in_time, rules)},
        "reference.json": reference_json(tape, in_time),
    }


def _benchmark(plan: Plan, models: Models) -> dict[str, Any] | None:
    """The model asked beside the one served, calibrated."""
    if models.other is None or models.beside is None:
        return None
    return {"table": table_to_json(models.other), "platt": models.beside.platt(plan.pd)}


def features_json(tape: Tape) -> dict[str, Any]:
    """Inputs with units, signs, families and labels."""
    listed = [
        {"name": i.name, "unit": i.unit, "monotone": i.monotone, "family": i.family, "zh": i.zh, "en": i.en}
        | ({"applies": i.applies} if i.applies in tape.names else {})
        for i in tape.inputs
    ]
    return {"features": listed, "families": families(tape.inputs)}


def lgd_json(plan: Plan, model: LgdModel) -> dict[str, Any]:
    """Quantile tables, offsets, cure and other recovery."""
    tables = {name: table_to_json(table) for name, table in model.tables.items()}
    band = tables | {"offsets": {"floor": dict(model.floor), "band": dict(model.band)}, "most": plan.lgd.most}
    head = {"mode": model.mode, "band": band, "floor": plan.lgd.floor}
    return head if model.mode == "direct" else head | {"cure": model.cure, "other": model.other}


def support_json(tape: Tape, rows: Rows, gain: Mapping[str, float], rules: RuleSet) -> dict[str, Any]:
    """The region of use: a range per input, and a joint distance over the inputs that are nearly always known."""
    ranges = {}
    for name in tape.names:
        values = number(tape.columns, name)[rows]
        values = values[~np.isnan(values)]
        low, high = np.quantile(values, SUPPORT_QUANTILES) if len(values) else (0.0, 0.0)
        ranges[name] = {"low": float(low), "high": float(high), "gain": float(gain[name])}
    return {
        "features": ranges,
        "tolerance": rules.number("risk.support.tolerance"),
        "most_missing": rules.number("risk.support.most_missing"),
        "joint": joint_json(tape, rows, rules),
    }


def joint_json(tape: Tape, rows: Rows, rules: RuleSet) -> dict[str, Any] | None:
    """Centre, whitening and calibration distances of the joint novelty test; None with fewer than two inputs.

    ``W = L^-1`` with ``L L' = C + ridge diag(C)``, C the covariance of the in-time rows.
    """
    names = [name for name in tape.names if _usual(number(tape.columns, name)[rows])]
    if len(names) < 2:
        return None
    chosen = rows[systematic(tape.weight[rows], JOINT_ROWS)]
    x = np.column_stack([number(tape.columns, name) for name in names])
    center = np.nanmean(x[rows], axis=0)
    away = np.where(np.isnan(x), 0.0, x - center)
    cover = np.cov(away[rows], rowvar=False)
    whiten = np.linalg.inv(np.linalg.cholesky(cover + RIDGE * np.diag(np.diag(cover))))
    distances = np.sort(((away[chosen] @ whiten.T) ** 2).sum(axis=1))
    return {
        "names": names,
        "center": center.tolist(),
        "whiten": whiten.tolist(),
        "distances": distances.tolist(),
        "refer": rules.number("risk.support.joint_refer"),
        "refuse": rules.number("risk.support.joint_refuse"),
    }


def _usual(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return bool(np.isnan(values).mean() < 0.05 and len(known) > 1 and known.std() > 0.0)


PEERS = 30
"""Fewest paid loans of a kind that make a profile of their own."""


def reference_json(tape: Tape, rows: Rows) -> dict[str, Any]:
    """What reasons compare with: the usual paid loan of the whole tape, and of each kind of pledge as its peers."""
    shares = list(dict.fromkeys(item.applies for item in tape.inputs if item.applies in tape.names))
    peers = {share: rows[number(tape.columns, str(share))[rows] > 0.5] for share in shares}
    return {
        "profile": reference_profile(tape, rows),
        "peers": {s: reference_profile(tape, of) for s, of in peers.items() if (tape.target[of] < 0.5).sum() >= PEERS},
    }


def reference_profile(tape: Tape, rows: Rows) -> dict[str, float | None]:
    """Median of each input among the loans that did not default; null where most of them have none."""
    paid = rows[tape.target[rows] < 0.5]
    profile: dict[str, float | None] = {}
    for name in tape.names:
        values = number(tape.columns, name)[paid]
        known = ~np.isnan(values)
        few = known.mean() < 0.5 if len(values) else True
        profile[name] = None if few else weighted_quantile(values[known], tape.weight[paid][known], 0.5)
    return profile


def golden_table(files: Mapping[str, Any], names: tuple[str, ...]) -> Columns:
    """Made-up rows for the golden file: the reference, both ends of every range, a middle, nothing known."""
    ranges, profile = files["support.json"]["features"], files["reference.json"]["profile"]
    columns: Columns = {}
    for name in names:
        low, high, usual = ranges[name]["low"], ranges[name]["high"], profile[name]
        middle = 0.5 * (low + high)
        columns[name] = np.array([np.nan if usual is None else usual, low, high, middle, np.nan])
    return columns


def golden_json(files: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Golden rows of a package, run through the bundle parsed from its own files."""
    bundle = ModelBundle.parse(files)
    table = golden_table(files, names)
    rows = len(table[names[0]])
    value, exposure = np.linspace(5e5, 2e6, rows), np.full(rows, 6e5)
    return golden_rows(bundle, table, collateral_value=value, exposure=exposure)


def encode_files(files: Mapping[str, Any], models: Models) -> dict[str, bytes]:
    """Everything but gate and card, as bytes."""
    names = tuple(item["name"] for item in files["features.json"]["features"])
    encoded = {name: canonical_json(content) for name, content in files.items()}
    encoded["golden.json"] = canonical_json(golden_json(files, names))
    if models.pd.text:
        encoded["pd.lightgbm.txt"] = models.pd.text.encode()
    for name, text in models.lgd.texts.items():
        encoded[f"lvr_{name}.lightgbm.txt"] = text.encode()
    return encoded
