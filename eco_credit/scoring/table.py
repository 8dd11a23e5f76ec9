"""The result table: one row per pledge, the figures of its application repeated.

This is what batch files, ``ec.score_table`` and the cluster workers write; the API's answer reads
the same figures, so both doors give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import compress

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import PROBABILITY_DECIMALS, Columns, Floats, rounded
from eco_credit.scoring.pipeline import Appraised
from eco_credit.scoring.score import Scored

_APPLICATION = (
    "pd",
    "pd_low",
    "pd_high",
    "pd_margin_a",
    "pd_margin_b",
    "pd_margin_c",
    "pd_with_margin",
    "lgd",
    "lgd_low",
    "lgd_high",
    "regulatory_lgd",
    "expected_loss_rate",
    "score",
    "max_loan",
    "rate_floor",
    "pd_benchmark",
    "pd_benchmark_margin",
    "cell_loans",
    "cell_defaults",
)
_PLEDGE = {
    "appraisal_low": "low",
    "appraisal_central": "central",
    "appraisal_high": "high",
    "lending_value": "lending_value",
    "recovery_low": "recovery_low",
    "recovery_central": "recovery_central",
    "recovery_high": "recovery_high",
    "gep_entitled_cny_per_year": "entitled",
    "gep_public_benefit_cny_per_year": "public_benefit",
}
"""Result column to the amount of `Appraised.money` it shows."""
GATE_SEPARATOR = " "


def result_table(scored: Scored, *, reasons: int = 3) -> Columns:
    """Results of scored applications as columns, one row per pledge.

    Args:
        scored: the scored applications.
        reasons: how many reason columns (``reason_1`` and on) to write.

    Returns:
        Columns in the order of the contract ``batch_output``; rows by application, then by the place
        of the pledge within it.
    """
    groups = list(scored.results.pledges.values())
    rows = np.concatenate([g.rows for g in groups]) if groups else np.zeros(0, dtype=np.intp)
    place = np.concatenate([g.table["position"].astype(np.float64) for g in groups]) if groups else np.zeros(0)
    order = np.lexsort((place, rows))
    rows = rows[order]
    columns: Columns = {
        "application_id": scored.results.loans["application_id"][rows],
        "pledge_id": _stacked(groups, lambda g: g.table["pledge_id"])[order],
        "kind": _stacked(groups, lambda g: np.full(len(g.rows), g.kind, dtype=object))[order],
        "as_of": scored.results.loans["as_of"][rows],
        "eligible": _stacked(groups, lambda g: g.values.eligible.astype(np.float64))[order],
        "ineligible_reasons": _stacked(groups, _gate_codes)[order],
        "approach": _stacked(groups, lambda g: g.values.approach)[order],
    }
    for name, attribute in _PLEDGE.items():
        columns[name] = _stacked(groups, lambda g, a=attribute: g.money[a])[order]
    columns["haircut_total"] = _stacked(groups, _haircut_total)[order]
    for name, read in _APPRAISAL.items():
        columns[name] = _stacked(groups, read)[order]
    return columns | _application_columns(scored, rows, reasons)


def _driver(place: int) -> Callable[[Appraised], npt.NDArray[np.generic]]:
    return lambda group: group.values.appraisal.drivers[place]


def _flags(group: Appraised) -> npt.NDArray[np.object_]:
    return joined({flag.name: raised for flag, raised in group.values.flags}, len(group.rows))


def _worst_name(group: Appraised) -> npt.NDArray[np.object_]:
    """Name of the stress scenario that leaves least, the first of equals; None for a kind without scenarios."""
    stress = group.values.stress
    if not stress:
        return np.full(len(group.rows), None, dtype=object)
    worst: npt.NDArray[np.object_] = np.array(list(stress), dtype=object)[np.argmin(list(stress.values()), axis=0)]
    return worst


def _worst_value(group: Appraised) -> Floats:
    """Value under that scenario, CNY; NaN for a kind without scenarios."""
    stress = group.values.stress
    return rounded(np.min(list(stress.values()), axis=0)) if stress else np.full(len(group.rows), np.nan)


_APPRAISAL: dict[str, Callable[[Appraised], npt.NDArray[np.generic]]] = {
    "driver_1": _driver(0),
    "driver_2": _driver(1),
    "gep_value": lambda group: group.money["from_flows"],
    "flags": _flags,
    "stress_worst": _worst_name,
    "stress_value": _worst_value,
    "revalue_on": lambda group: group.values.revaluation.due_on,
}
"""Result column to what it reads of the appraised pledges of one kind."""


def _stacked(groups: list[Appraised], column) -> npt.NDArray:  # type: ignore[no-untyped-def, type-arg]
    return np.concatenate([column(g) for g in groups]) if groups else np.zeros(0)


def joined(flags: Mapping[str, npt.NDArray[np.bool_]], length: int) -> npt.NDArray[np.object_]:
    """Codes that hold for each row, joined by a blank; None where none holds."""
    found: npt.NDArray[np.object_] = np.full(length, None, dtype=object)
    hit = np.array([*flags.values()], dtype=bool).reshape(len(flags), length)
    some = np.flatnonzero(hit.any(axis=0))
    distinct, place = np.unique(np.packbits(hit[:, some], axis=0), axis=1, return_inverse=True)
    held = np.unpackbits(distinct, axis=0, count=len(flags)).T.astype(bool)
    found[some] = np.array([GATE_SEPARATOR.join(compress(flags, one)) for one in held], dtype=object)[place]
    return found


def _gate_codes(group: Appraised) -> npt.NDArray[np.object_]:
    return joined(dict(group.values.gates), len(group.rows))


def _haircut_total(group: Appraised) -> Floats:
    kept = np.ones(len(group.rows))
    for haircut in group.values.haircuts:
        kept = kept * (1.0 - haircut.ratio)
    return rounded(1.0 - kept, PROBABILITY_DECIMALS)


def _application_columns(scored: Scored, rows: npt.NDArray[np.intp], reasons: int) -> Columns:
    results = scored.results
    columns: Columns = {name: scored.figure(name)[rows] for name in _APPLICATION}
    columns["pd_flag"] = np.full(len(rows), scored.package.bundle.pd.flag, dtype=object)
    columns["grade"] = results.estimate.grade[rows]
    columns["recommendation"] = results.decisions.recommendation[rows]
    columns["conditions"] = joined(results.decisions.conditions, len(scored))[rows]
    columns["out_of_scope"] = results.estimate.out_of_scope.astype(np.float64)[rows]
    for rank, codes in enumerate(scored.reason_columns(reasons), start=1):
        columns[f"reason_{rank}"] = codes[rows]
    columns["synthetic_model"] = np.full(len(rows), float(scored.package.synthetic))
    return columns
