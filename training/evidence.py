"""Evidence for the gates that is more than a statistic of PDs: data, grades, losses, reasons, build, people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats, number, take
from eco_credit.registry.package import same_person
from eco_credit.risk import ModelBundle, RiskEstimate
from training.datasets import Tape
from training.metrics import compare, fairness, grades, loss_tests, losses, ranking, reasons
from training.metrics.calibration import effective_count
from training.split import Rows

ALONE = 16
"""Rows estimated one by one to see that a row alone is that row among many."""
SHAKEN = 400
"""Rows explained twice to see whether reasons survive small errors."""


@dataclass(frozen=True)
class Beside:
    """What a caller may lay beside a model so that more gates can be run; columns have one entry per evaluated row.

    Attributes:
        initial: statistics of the first validation, as an earlier `evaluate` gave them (G1b, G3).
        champion: PD of the model in service, NaN where it gave none (G1d).
        as_of: day on which the outcomes were extracted (G0).
        groups: group of each row that the institution lawfully holds, None for unknown (G9).
        approved: True where the loan would be approved; needed with ``groups``.
        downturn: downturn LGD of each row, ratio (G6c).
        haircut: the fixed ratio of the appraisal that the floor competes with (G7); None takes the best single ratio
            in hindsight, which is harder to beat.
        migration: from `training.metrics.grades.migration`, reported with G5c.
        refits: overlap of reasons over bootstrap refits, from `training.metrics.reasons.bootstrap_stability` (G8).
        refit_same: whether a refit gave the same package digest (G10).
        shadow: from `training.metrics.shadow.shadow`, with ``days`` it ran where known (G11).
        people: from `people` (G12).
    """

    initial: Mapping[str, Any] | None = None
    champion: Floats | None = None
    as_of: np.datetime64 | None = None
    groups: npt.NDArray[Any] | None = None
    approved: Bools | None = None
    downturn: Floats | None = None
    haircut: float | None = None
    migration: Mapping[str, Any] | None = None
    refits: ranking.Interval | None = None
    refit_same: bool | None = None
    shadow: Mapping[str, Any] | None = None
    people: Mapping[str, Any] | None = None


def data_evidence(tape: Tape, rows: Rows, *, as_of: np.datetime64 | None, months: int) -> dict[str, Any]:
    """What gate G0 asks of the data.

    Args:
        tape: labelled rows, read by their contract.
        rows: which of them.
        as_of: day the outcomes were extracted; None leaves maturity open.
        months: horizon of the PD.

    Returns:
        ``digest``, ``logged``, ``rows``, ``unlabelled``, ``late_inputs``, ``strongest_input``, ``strongest_auc`` (of
        its known values, whichever way it ranks) and ``immature`` (share of rows whose horizon had not ended).
    """
    known_at = {field.name: field.known_at for field in tape.contract.fields}
    y, w = tape.target[rows], tape.weight[rows]
    powers = {name: _power(number(tape.columns, name)[rows], y, w) for name in tape.names}
    strongest = max(powers, key=powers.__getitem__)
    found: dict[str, Any] = {
        "digest": tape.digest,
        "logged": int(bool(tape.digest)),
        "rows": len(rows),
        "unlabelled": tape.unlabelled,
        "late_inputs": sum(known_at.get(name, "origination") != "origination" for name in tape.names),
        "strongest_input": strongest,
        "strongest_auc": powers[strongest],
    }
    if as_of is not None:
        begun = tape.origination[rows].astype("datetime64[D]")
        month = begun.astype("datetime64[M]")
        over = (month + np.timedelta64(months, "M")).astype("datetime64[D]") + (begun - month.astype("datetime64[D]"))
        found["immature"] = float((w * (over > as_of)).sum() / w.sum())
    return found


def _power(values: Floats, y: Floats, w: Floats) -> float:
    """AUC of one input over its known values, whichever way it ranks; 0.5 without both outcomes."""
    known = ~np.isnan(values)
    if not known.any() or y[known].min() == y[known].max():
        return 0.5
    area = ranking.auc(y[known], values[known], w[known]).value
    return max(area, 1.0 - area)


def grade_evidence(bundle: ModelBundle, found: RiskEstimate, *, y: Floats, weight: Floats) -> dict[str, Any]:
    """Concentration over the whole scale, effective rows per grade, and the AUC of the grades alone (G1b, G3)."""
    codes = bundle.scale.grades
    scored = ~found.refused
    counts = {code: float(weight[found.grade == code].sum()) for code in codes}
    scale = effective_count(weight[scored]) / float(weight[scored].sum())
    place = {code: float(at) for at, code in enumerate(codes)}
    step = np.array([place[code] for code in found.grade[scored]])
    dense = grades.concentration(list(counts.values())).as_dict() if len(codes) > 1 else None
    return {
        "counts": {code: count * scale for code, count in counts.items()},
        "concentration": dense,
        "extreme": int(((found.pd[scored] <= 0.0) | (found.pd[scored] >= 1.0)).sum()),
        "auc": ranking.auc(y[scored], step, weight[scored]).as_dict(),
    }


def initial_evidence(now: Mapping[str, Any], initial: Mapping[str, Any]) -> dict[str, Any]:
    """Tests against the first validation; what it did not keep is left out.

    Args:
        now: what `grade_evidence` gave.
        initial: statistics of the first validation.

    Returns:
        ``auc``, ``auc_fell`` (p-value) and ``concentration_rose`` (p-value), where they can be computed.
    """
    before = initial.get("grades")
    if not isinstance(before, Mapping):
        return {}
    found: dict[str, Any] = {}
    if (before.get("auc") or {}).get("value") is not None and not np.isnan(now["auc"]["value"]):
        area = ranking.Interval(**now["auc"])
        found |= {"auc": before["auc"]["value"], "auc_fell": compare.auc_fell(before["auc"]["value"], area)}
    if before.get("concentration") and now["concentration"]:
        one, two = (grades.Concentration(**part["concentration"]) for part in (before, now))
        if one.grades == two.grades:
            found["concentration_rose"] = grades.concentration_rose(one, two)
    return found


def kinds_of(bundle: ModelBundle, inputs: Columns) -> dict[str, Bools]:
    """Rows of each kind of pledge: its share makes up more than half of the value; empty without share inputs."""
    shares = dict.fromkeys(f.applies for f in bundle.features.features if f.applies is not None and f.applies in inputs)
    return {str(share).removeprefix("share_"): number(inputs, str(share)) > 0.5 for share in shares}


def loss_evidence(lgd: Floats, guess: Floats, *, weight: Floats, kinds: Mapping[str, Bools]) -> dict[str, Any]:
    """LGD by kind, its ranking power and the error of the mean of the kind (G6a, G6b).

    Args:
        lgd: realised LGD, shape (n,).
        guess: estimated LGD, shape (n,).
        weight: sample weights, shape (n,).
        kinds: rows of each kind, shape (n,).
    """
    flat = loss_tests.segment_mean(lgd, weight=weight, groups=kinds)
    everyone = {"all": np.ones(len(lgd), np.bool_)}
    return {
        "by_kind": loss_tests.underestimated_by(lgd, guess, weight=weight, groups=kinds),
        "error": loss_tests.underestimated_by(lgd, guess, weight=weight, groups=everyone)["all"],
        "gauc": loss_tests.generalised_auc(lgd, guess, weight).as_dict(),
        "mae_of_segment": float(np.average(np.abs(lgd - flat), weights=weight)),
    }


def value_evidence(
    bundle: ModelBundle, inputs: Columns, values: Floats, *, weight: Floats, haircut: float | None
) -> dict[str, Any]:
    """The 90 % band of the liquidation-value ratio and one haircut for all, on realised sales (G7).

    Args:
        bundle: the models; a package that reads LGD directly has no such band and gives nothing.
        inputs: inputs of the sold pledges, shape (n,).
        values: realised liquidation-value ratios, shape (n,).
        weight: sample weights, shape (n,).
        haircut: fixed ratio of the appraisal; None leaves it out.

    Returns:
        ``value_band_coverage`` with Jeffreys' interval and, with a haircut, ``haircut_pinball``.
    """
    if bundle.lgd.mode != "composition":
        return {}
    encoded, _ = bundle.features.encode(inputs)
    band = bundle.lgd.band
    floor, low, _, high = band.quantiles(encoded, [table.score(encoded) for table in band.tables])
    inside = losses.coverage((low <= values) & (values <= high), weight)
    found: dict[str, Any] = {"value_band_coverage": inside.as_dict()}
    if haircut is not None:
        beaten = loss_tests.floor_against_haircut(values, floor, haircut=haircut, weight=weight)
        found["haircut_pinball"] = beaten["fixed"]
    return found


def reason_evidence(
    bundle: ModelBundle, inputs: Columns, found: RiskEstimate, *, given: Columns, refits: ranking.Interval | None
) -> dict[str, Any]:
    """Whether reasons add up, have words and survive small errors (G8).

    Args:
        bundle: the models.
        inputs: inputs of the rows, shape (n,).
        found: their estimates.
        given: ``collateral_value`` and ``exposure`` where the models need them, shape (n,).
        refits: overlap over bootstrap refits, where it was measured.

    Returns:
        ``rows``, ``additivity`` (logits), ``unworded`` (inputs), ``jitter`` and ``refits`` (overlap with interval).
    """
    family = {f.name: f.family for f in bundle.features.features}
    encoded, _ = bundle.features.encode(inputs)
    peers = bundle.reference.of(encoded)
    start = bundle.pd.estimate(bundle.reference.columns()).logit[peers]
    total = sum(found.contributions.values())
    scored = ~found.refused
    gap = np.abs(total - (found.logit - start))[scored]
    some = np.flatnonzero(scored)[:: max(1, int(scored.sum()) // SHAKEN)][:SHAKEN]
    extra: dict[str, Any] = take(given, some)

    def explain(columns: Columns) -> Floats:
        return np.nan_to_num(reasons.by_family(bundle.estimate(columns, **extra).contributions, family)[1])

    without = reasons.without_words(bundle.features.names, family, bundle.features.families)
    result: dict[str, Any] = {
        "rows": len(some),
        "additivity": float(gap.max(initial=0.0)),
        "unworded": len(without),
        "jitter": reasons.jitter_stability(explain, take(inputs, some)).as_dict(),
    }
    return result if refits is None else result | {"refits": refits.as_dict()}


def build_evidence(
    bundle: ModelBundle, inputs: Columns, found: RiskEstimate, *, given: Columns, refit_same: bool | None
) -> dict[str, Any]:
    """Whether one row is that row among many and points rank as PDs do (G10); arguments as in `reason_evidence`."""
    names = ("pd", "pd_low", "pd_high", "logit", "lgd", "lgd_low", "lgd_high", "value_floor", "score")
    most = 0.0
    rows = np.arange(min(ALONE, len(found.pd)))
    for at in rows:
        extra: dict[str, Any] = take(given, np.array([at]))
        alone = bundle.estimate(take(inputs, np.array([at])), **extra)
        pairs = ((getattr(alone, name)[0], getattr(found, name)[at]) for name in names)
        most = max(most, *(0.0 if np.isnan(a) and np.isnan(b) else abs(float(a - b)) for a, b in pairs))
    order = np.argsort(found.pd[~found.refused], kind="stable")
    wrong = np.diff(found.score[~found.refused][order]) > 0.0
    result: dict[str, Any] = {"rows": len(rows), "one_row": most, "rank": int(wrong.sum())}
    return result if refit_same is None else result | {"refit_same": int(refit_same)}


def most_used(found: RiskEstimate) -> list[str]:
    """Inputs of the PD model by mean absolute contribution, largest first."""
    scored = ~found.refused
    mean = {name: float(np.abs(part[scored]).mean()) for name, part in found.contributions.items()}
    return sorted(mean, key=lambda name: (-mean[name], name))


def fairness_evidence(groups: npt.NDArray[Any], approved: Bools, *, y: Floats, weight: Floats) -> dict[str, Any]:
    """The fairness report with its rows and the size of the gap (G9); arguments as in `training.metrics.fairness`."""
    found = fairness.fairness(groups, approved, y=y, weight=weight)
    gap = found["gap"]
    return found | {"rows": len(y), "gap_size": None if gap is None else abs(gap["value"])}


def people(proposer: str, approver: str, *, reason: str, at: str, accepted: Sequence[str] = ()) -> dict[str, Any]:
    """The four eyes behind a promotion (G12).

    Args:
        proposer: who trained or proposed the model.
        approver: who approved it.
        reason: why, in the approver's words.
        at: when, ISO.
        accepted: gates that were not green and were accepted with that reason: the list of waivers.

    Returns:
        The record, ``lacking`` (what is missing, in words) and ``missing`` (their number).

    Example:
        >>> people("Li", "li ", reason="read", at="2026-11-23T08:00:00+00:00")["lacking"]
        ['a second person']
    """
    asked = {
        "a proposer": bool(proposer.strip()),
        "an approver": bool(approver.strip()),
        "a second person": not same_person(proposer, approver),
        "a reason": bool(reason.strip()),
        "a date": bool(at.strip()),
    }
    lacking = [name for name, there in asked.items() if not there]
    words = {"proposer": proposer, "approver": approver, "reason": reason, "at": at, "waivers": list(accepted)}
    return words | {"lacking": lacking, "missing": len(lacking)}
