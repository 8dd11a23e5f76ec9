"""Whether the borrowers, their scores and what the model can say of them moved since training."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Floats, number
from eco_credit.registry import Package
from training.metrics.calibration import effective_count
from training.metrics.stability import Kept, Psi, kept, psi_against, word_shares
from training.monitor.cbpe import expected_auc, grouped_auc
from training.monitor.current import Current


@dataclass(frozen=True)
class Reference:
    """What CURRENT is held against.

    Attributes:
        form: ``package`` for what the package stores, ``file`` for a file given.
        score: bins of the calibrated logit.
        inputs: bins of every input; empty where the file holds none.
        grades: shares of the grades, in the order of the scale; None where unknown.
        mean_pd: mean PD, ratio; None where unknown.
        layers: share each layer caught; only what is known.
        width: mean width of the PD range, ratio; None where unknown.
        widths: bins of the width; None where unknown.
        mix: share of each kind of pledge, by the kind of most value; None where unknown.
        kinds: kinds of pledge it knows; None where unknown.
        auc: AUC at the gate; None where the package has none.
        promised: AUC its PDs promise: of rows for a file, of grades for a package; None where unknown.
        notes: where each part comes from, by part: ``package``, ``gate``, ``construction``, ``file``, ``none``.
    """

    form: str
    score: Kept
    inputs: Mapping[str, Kept]
    grades: Kept | None
    mean_pd: float | None
    layers: Mapping[str, float]
    width: float | None
    widths: Kept | None
    mix: Mapping[str, float] | None
    kinds: frozenset[str] | None
    auc: float | None
    promised: float | None
    notes: Mapping[str, str]


PARTS = ("score", "features", "grades", "mean_pd", "scope", "joint", "layers", "width", "kinds")
"""Parts of a reference whose sources are told."""


def packaged(package: Package) -> Reference:
    """What a package stores of its training population and of its gate.

    Bins of score, inputs and widths, the kinds and the shares of layers 4 to 6 are those of the in-time rows; grades,
    mean PD and scope are those of the gate's out-of-time rows; the shares of the joint test are what it is built to
    catch.

    Raises:
        ContractError: the package stores no population.
    """
    population = json.loads(package.files.get("population.json", b"null"))
    if population is None:
        en = "the package stores no training population; give --reference"
        zh = "模型包未存训练总体，请用 --reference 给出"
        raise ContractError([Violation("reference", "missing", en, zh)])
    found = package.gate.get("statistics", {})
    scope, joint = found.get("support", {}), package.bundle.support.joint
    layers = {} if joint is None else {"novel": joint.refuse, "odd": joint.refer}
    if scope:
        layers["out_of_scope"] = scope["refused"] + scope["referred"]
    wide, mix = population.get("width"), population.get("kinds")
    return Reference(
        form="package",
        score=Kept.parse(population["score"]),
        inputs={name: Kept.parse(bins) for name, bins in population["inputs"].items()},
        grades=_gate_grades(package, found.get("pd", {}).get("grades", [])),
        mean_pd=found.get("pd", {}).get("mean_pd"),
        layers=layers | population.get("layers", {}),
        width=None if wide is None else wide["mean"],
        widths=None if wide is None else Kept.parse(wide["bins"]),
        mix=mix,
        kinds=None if mix is None else frozenset(mix),
        auc=gate_auc(package),
        promised=_gate_promise(found.get("pd", {}).get("grades", [])),
        notes={"score": "package", "features": "package", "grades": "gate", "mean_pd": "gate", "scope": "gate",
               "joint": "construction", "layers": "package" if "layers" in population else "none",
               "width": "none" if wide is None else "package", "kinds": "none" if mix is None else "package"},
    )  # fmt: skip


def of_file(package: Package, past: Current) -> Reference:
    """The same, computed from a file of the past."""
    scored, w = past.scored, past.weight
    if not scored.any():
        raise ContractError([Violation("reference", "empty", "no row has a PD", "没有任何一行有违约概率")])
    return Reference(
        form="file",
        score=kept(past.logit[scored], w[scored]),
        inputs={name: kept(number(past.inputs, name), w) for name in past.inputs},
        grades=_grade_bins(package, grade_places(package, past), w),
        mean_pd=mean(past.pd[scored], w[scored]),
        layers={name: share(hit, w) for name, hit in past.layers.items()},
        width=mean((past.pd_high - past.pd_low)[scored], w[scored]),
        widths=kept((past.pd_high - past.pd_low)[scored], w[scored]),
        mix=None if past.kind is None else word_shares(past.kind, w),
        kinds=past.kinds,
        auc=gate_auc(package),
        promised=expected_auc(past.pd[scored], w[scored]).value if scored.sum() > 1 else None,
        notes=dict.fromkeys(PARTS, "file")
        | ({} if past.inputs else {"features": "none"}),
    )


def _gate_promise(grades: Sequence[Mapping[str, Any]]) -> float | None:
    """AUC the grades of the gate record promise by their mean PDs."""
    if not grades:
        return None
    return grouped_auc(np.array([row["pd"] for row in grades]), np.array([float(row["rows"]) for row in grades]))


def promise(package: Package, current: Current, reference: Reference) -> float | None:
    """AUC the PDs of the current rows promise, measured as the reference's own: by rows or by grades."""
    scored, w = current.scored, current.weight
    if scored.sum() < 2 or reference.promised is None:
        return None
    if reference.form == "file":
        return expected_auc(current.pd[scored], w[scored]).value
    places = grade_places(package, current)
    of = [places == grade for grade in np.unique(places[scored])]
    # the gate record counts rows, and takes weighted means within a grade
    found = [(mean(current.pd[rows], w[rows]), float(rows.sum())) for rows in of]
    p, count = (np.array(side) for side in zip(*found, strict=True))
    return grouped_auc(p, count)


def gate_auc(package: Package) -> float | None:
    """AUC of the out-of-time window at the gate; None where the record has none."""
    found: float | None = package.gate.get("statistics", {}).get("pd", {}).get("auc", {}).get("value")
    return found


def grade_places(package: Package, current: Current) -> Floats:
    """Place of each grade on the scale, 0 the best; NaN where there is none, shape (n,)."""
    place = {grade: float(i) for i, grade in enumerate(package.bundle.scale.grades)}
    return np.array([place.get(str(grade), np.nan) for grade in current.grade])


def _grade_bins(package: Package, places: Floats, weight: Floats) -> Kept:
    """Bins of one grade each, as `psi_against` reads them; refused rows have no grade and are left out."""
    known = ~np.isnan(places)
    edges = np.arange(len(package.bundle.scale.grades) - 1, dtype=np.float64)
    mass = np.bincount(places[known].astype(np.intp), weights=weight[known], minlength=len(edges) + 2)
    size = effective_count(weight[known]) if known.any() else 1.0
    return Kept(edges, mass / max(float(mass.sum()), 1e-300), size)


def _gate_grades(package: Package, grades: Sequence[Mapping[str, Any]]) -> Kept | None:
    """Bins of the grades from the row counts in the gate record."""
    names = package.bundle.scale.grades
    known = [(float(names.index(row["grade"])), float(row["rows"])) for row in grades if row["grade"] in names]
    if not known:
        return None
    places, rows = (np.array(side) for side in zip(*known, strict=True))
    return replace(_grade_bins(package, places, rows), size=float(rows.sum()))


def score_drift(current: Current, reference: Reference) -> dict[str, Any]:
    """PSI of the calibrated logit (None when no row has a PD) and mean PD beside the one expected."""
    scored, w = current.scored, current.weight
    found: dict[str, Any] = dict.fromkeys(("value", "limit", "bins"))
    if scored.any():
        found = dict(psi_against(reference.score, current.logit[scored], w[scored]).as_dict())
    return found | {"mean_pd": mean(current.pd[scored], w[scored]), "expected_pd": reference.mean_pd}


def grade_drift(package: Package, current: Current, reference: Reference) -> dict[str, Any]:
    """PSI of the grades, and their shares now and then, best grade first; grades nobody had are left out.

    Shares are weighted against a file, and by rows against a package, whose gate record counts rows.
    """
    places = grade_places(package, current)
    w = current.weight if reference.form == "file" else np.ones(len(current))
    places, w = places[~np.isnan(places)], w[~np.isnan(places)]
    then = None if reference.grades is None else reference.grades.shares.tolist()
    psi = None if reference.grades is None or not len(w) else psi_against(reference.grades, places, w).as_dict()
    table = [
        {"grade": grade, "share": share(places == i, w), "expected": None if then is None else then[i]}
        for i, grade in enumerate(package.bundle.scale.grades)
    ]
    return {"psi": psi, "table": [row for row in table if row["share"] or row["expected"]]}


def feature_drift(package: Package, current: Current, reference: Reference) -> list[dict[str, Any]]:
    """CSI of every input against its reference, in order of the model's gain."""
    told = {item.name: item for item in package.bundle.features.features}
    gain = package.bundle.support.gain
    names = sorted((n for n in reference.inputs if n in current.inputs), key=lambda n: (-gain.get(n, 0.0), n))
    found: list[tuple[str, Psi]] = [
        (name, psi_against(reference.inputs[name], number(current.inputs, name), current.weight)) for name in names
    ]
    return [
        {"name": name, "zh": told[name].zh, "en": told[name].en, "gain": gain[name], "csi": psi.value,
         "limit": psi.limit, "bins": psi.bins}
        for name, psi in found if name in told
    ]  # fmt: skip


def scope(current: Current, reference: Reference) -> dict[str, Any]:
    """Share each layer of the policy caught beside the share expected, and the mix of recommendations."""
    w = current.weight
    layers = [
        {"layer": name, "rows": int(hit.sum()), "share": share(hit, w), "expected": reference.layers.get(name)}
        for name, hit in current.layers.items()
    ]
    said = current.recommendation
    mix = {name: share(said == name, w) for name in ("approve", "refer", "decline")}
    return {"layers": layers, "recommendations": mix if any(s is not None for s in said) else None}


def width(current: Current, reference: Reference) -> dict[str, Any]:
    """Width of the PD range of scored rows, ratio, and its stability index where the reference has bins."""
    scored = current.scored
    wide, w = (current.pd_high - current.pd_low)[scored], current.weight[scored]
    if not len(wide):
        return dict.fromkeys(("mean", "median", "most", "psi")) | {"expected": reference.width}
    psi = None if reference.widths is None else psi_against(reference.widths, wide, w).as_dict()
    return {"mean": mean(wide, w), "median": float(np.median(wide)), "most": float(wide.max()),
            "expected": reference.width, "psi": psi}  # fmt: skip


def share(hit: Bools, weight: Floats) -> float:
    """Weight share of rows; 0 of nothing."""
    total = float(weight.sum())
    return float((weight * hit).sum()) / total if total > 0.0 else 0.0


def mean(values: Floats, weight: Floats) -> float | None:
    """Weighted mean; None of nothing."""
    return float((weight * values).sum() / weight.sum()) if len(values) else None
