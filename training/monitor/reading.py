"""Reading the loans to look at: a loan tape estimated anew, or the result file of a batch as it was answered."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts import Contract, contract
from eco_credit.core.numbers import Bools, Columns, Floats, day, is_yes, number, rows_of, take, text
from eco_credit.registry import Package
from eco_credit.risk import ModelBundle, RiskEstimate
from eco_credit.rulebook import RuleSet, load
from training.datasets import OUTCOMES, Days, Tape, columns_digest
from training.evaluate import estimate
from training.metrics.calibration import logit
from training.monitor.current import GROUPS, KEYS, Current, checked, read_frame, refused
from training.monitor.decision_log import of_log
from training.plan import Plan
from training.readers import readers

RESULT = "batch_output"
WIDE, APART = "credit.policy.pd_width_refer_max", "credit.policy.disagreement_refer_min"
FEW_LOANS, FEW_DEFAULTS = "credit.policy.cell_loans_min", "credit.policy.cell_defaults_min"


def read_current(package: Package, plan: Plan, path: Path) -> Current:
    """Read a loan tape, a batch result file or the decision log of a store.

    Args:
        package: the model.
        plan: its plan; it says by which contract a tape is read.
        path: ``.parquet`` or ``.csv``, a result where it has the column ``recommendation``; or the folder of a store.

    Returns:
        One row per loan or application.

    Raises:
        ContractError: a column or value breaks the contract, there are no rows, or a loan stands twice.
    """
    found = of_log(package, path) if path.is_dir() else _of_file(package, plan, path)
    if not len(found):
        raise refused("rows", "empty", "there are no rows to look at", "没有可看的数据行")
    for name, keys in found.keys.items():
        known = [key for key in keys.tolist() if key is not None]
        if len(set(known)) < len(known):
            raise refused(name, "unique", "a row stands twice", "编号重复")
    return found


def _of_file(package: Package, plan: Plan, path: Path) -> Current:
    frame = read_frame(path)
    result = "recommendation" in frame.columns
    made_for = contract(RESULT if result else plan.data.contract)
    raw = checked(made_for, frame) | _named(frame)
    trained = dt.date.fromisoformat(str(package.manifest["rules"]["day"]))
    if result:
        return of_result(raw, rules_of(day(raw, "as_of"), trained))
    return of_tape(package.bundle, plan, raw, made_for, rules=rules_of(day(raw, plan.data.date), trained))


def rules_of(days: Days, trained: dt.date) -> RuleSet:
    """Rules of the last day on file, or of the day the model was trained for where that is later."""
    known = days[~np.isnat(days)]
    last = known.max().astype("datetime64[D]").item() if len(known) else trained
    return load().at(max(last, trained))


def _named(frame: Any) -> Columns:
    """Numbers of predictions, also where the contract of the file does not name them (``decision_id``)."""
    cells = {name: frame[name] for name in KEYS if name in frame.columns}
    return {
        name: np.array([None if gone else str(cell) for cell, gone in zip(column, column.isna(), strict=True)], object)
        for name, column in cells.items()
    }


def of_tape(bundle: ModelBundle, plan: Plan, raw: Columns, made_for: Contract, *, rules: RuleSet) -> Current:
    """Estimate every row of a tape, labelled or not."""
    inputs, table = readers()[plan.data.reader](raw, plan, made_for)
    names = [item.name for item in inputs]
    rows = rows_of(raw)
    nothing = np.full(rows, np.nan)
    synthetic = bool(is_yes(number(table, "synthetic")).any())
    tape = Tape(
        inputs=inputs, columns={name: number(table, name) for name in names}, target=nothing,
        weight=number(table, plan.data.weight), origination=day(table, plan.data.date),
        borrower=text(table, plan.data.group), outcome={n: table[n] for n in OUTCOMES if n in table}, truth={},
        contract=made_for, digest=columns_digest(raw), synthetic=synthetic, unlabelled=rows,
        places={name: text(raw, name) for name in ("kind", "area_code") if name in raw},
    )  # fmt: skip
    found = estimate(bundle, tape, np.arange(rows))
    seen = found.support
    layers = {
        "outside": seen.outside, "unseen": seen.unseen, "thin": seen.thin, "odd": seen.odd, "novel": seen.novel,
        "out_of_scope": found.out_of_scope,
    } | policy_layers(bundle, found, tape.places, rules)  # fmt: skip
    return Current(
        form="tape", keys=_keys(raw), opened=tape.origination, weight=tape.weight, pd=found.pd, pd_low=found.pd_low,
        pd_high=found.pd_high, logit=found.logit, grade=found.grade, inputs=tape.columns, layers=layers,
        recommendation=np.full(rows, None, dtype=object), kinds=_kinds(raw), groups=_groups(raw),
        amount=np.nan_to_num(number(table, "exposure")), digest=tape.digest, synthetic=synthetic,
    )  # fmt: skip


def policy_layers(bundle: ModelBundle, found: RiskEstimate, places: Columns, rules: RuleSet) -> dict[str, Bools]:
    """Layers 4 to 6 of the policy on rows that have a PD; a layer that cannot be told is left out.

    Args:
        bundle: the models, with the counts of their training.
        found: estimates, n rows.
        places: ``kind`` and ``area_code`` of the rows, shape (n,), where they are known.
        rules: ``credit.policy.*``.

    Returns:
        ``thin_cell``, ``wide``, ``disagreement``, shape (n,) each.
    """
    layers: dict[str, Bools] = {}
    cells = bundle.support.cells
    if cells is not None and "kind" in places and (not cells.digits or "area_code" in places):
        nowhere = np.full(len(found.pd), None, dtype=object)
        areas = text(places, "area_code") if "area_code" in places else nowhere
        cell = cells.of(text(places, "kind"), areas)
        layers["thin_cell"] = few(cell.loans, cell.defaults, rules) & ~found.refused
    layers["wide"] = found.wide(rules.number(WIDE)) & ~found.refused
    if bundle.pd.benchmark is not None:
        layers["disagreement"] = found.disagreement > rules.number(APART)
    return layers


def few(loans: Floats, defaults: Floats, rules: RuleSet) -> Bools:
    """Cells in which training saw too little, shape (n,)."""
    found: Bools = (loans < rules.number(FEW_LOANS)) | (defaults < rules.number(FEW_DEFAULTS))
    return found


def of_result(raw: Columns, rules: RuleSet) -> Current:
    """Take the answers of a batch as they stand, one row per application."""
    digest = columns_digest(raw)
    raw = take(raw, _largest_first(raw))
    names, first, group = np.unique(text(raw, "application_id").astype(str), return_index=True, return_inverse=True)
    eligible = np.zeros(len(names))
    np.maximum.at(eligible, group.reshape(-1), is_yes(number(raw, "eligible")).astype(np.float64))
    one = take(raw, first.astype(np.intp))
    pd, low, high = (number(one, name) for name in ("pd", "pd_low", "pd_high"))
    scored = ~np.isnan(pd)
    place = np.where(scored, logit(np.where(scored, pd, 0.5)), np.nan)
    layers = {
        "ineligible": eligible == 0.0, "novel": ~scored, "out_of_scope": is_yes(number(one, "out_of_scope")) | ~scored,
        "wide": np.where(scored, high - low, 0.0) > np.where(scored, np.maximum(rules.number(WIDE), pd), 1.0),
    } | _answered_layers(one, place, rules)  # fmt: skip
    return Current(
        form="result", keys=_keys(one), opened=day(one, "as_of"), weight=np.ones(len(names)), pd=pd, pd_low=low,
        pd_high=high, logit=place, grade=text(one, "grade"),
        inputs={}, layers=layers, recommendation=text(one, "recommendation"), kinds=_kinds(raw),
        groups=_groups(one),
        amount=np.nan_to_num(number(one, "max_loan")), digest=digest,
        synthetic=bool(is_yes(number(one, "synthetic_model")).any()),
    )  # fmt: skip


def _largest_first(raw: Columns) -> npt.NDArray[np.intp]:
    """Rows by application, the pledge of the largest value first: its kind is the application's."""
    value = number(raw, "appraisal_central") if "appraisal_central" in raw else np.zeros(rows_of(raw))
    return np.lexsort((-np.nan_to_num(value), text(raw, "application_id").astype(str)))


def _answered_layers(one: Columns, place: Floats, rules: RuleSet) -> dict[str, Bools]:
    """Thin cells and disagreement as a result file tells them; nothing where an older file does not.

    The distance of the logits is read from the PDs as answered, so it is too short where a floor or ceiling holds one
    of them; the reason code tells of such rows unless the file lists too few reasons.
    """
    layers: dict[str, Bools] = {}
    if "cell_loans" in one and "cell_defaults" in one:
        layers["thin_cell"] = few(number(one, "cell_loans"), number(one, "cell_defaults"), rules) & ~np.isnan(place)
    if "pd_benchmark" in one:
        beside = number(one, "pd_benchmark")
        known = (beside > 0.0) & (beside < 1.0)
        far = np.abs(np.where(known, logit(np.where(known, beside, 0.5)), np.nan) - place) > rules.number(APART)
        told = [text(one, name) == "P09" for name in one if name.startswith("reason_")]
        layers["disagreement"] = np.logical_or.reduce([far, *told])
    return layers


def _keys(raw: Columns) -> dict[str, npt.NDArray[np.object_]]:
    return {name: text(raw, name) for name in KEYS if name in raw}


def _kinds(raw: Columns) -> frozenset[str] | None:
    if "kind" not in raw:
        return None
    return frozenset(str(kind) for kind in set(text(raw, "kind").tolist()) if kind is not None)


def _groups(raw: Columns) -> dict[str, npt.NDArray[np.object_]]:
    return {name: text(raw, name) for name in GROUPS if name in raw}
