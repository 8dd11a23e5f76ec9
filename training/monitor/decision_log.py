"""The decision log of a store as the loans to look at: answers as they were given, inputs computed from the requests.

The log is read by the columns of its table; nothing of the service is imported and nothing is written.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.contracts import flatten, read_application
from eco_credit.core.canonical import sha256
from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Bools, Columns, Floats, number
from eco_credit.registry import Package, Store
from eco_credit.risk import features
from eco_credit.rulebook import load
from eco_credit.scoring.pipeline import appraise_applications
from training.datasets import Words
from training.metrics.calibration import logit
from training.monitor.current import Current, refused
from training.monitor.sealed_log import rows_of

LAYER_CODES = {"ineligible": "P01", "thin_cell": "P10", "wide": "P06", "disagreement": "P09"}
"""Layer of the policy to the reason code by which an answer tells of it."""


@dataclass(frozen=True)
class Logged:
    """Answers of one model that are looked at, n of them.

    Attributes:
        ids: identifiers of the decisions.
        requests: applications as submitted, checked.
        answers: the answers given.
        decided: what a person decided last; None where nobody did.
        left_out: records that are not looked at, by why.
        digest: SHA-256 over what is looked at.
    """

    ids: list[str]
    requests: list[Mapping[str, Any]]
    answers: list[Mapping[str, Any]]
    decided: list[str | None]
    left_out: Mapping[str, int]
    digest: str


def of_log(package: Package, home: Path) -> Current:
    """Read the answers a model gave, the last of each application, from the log of a store.

    Args:
        package: the model; answers of other models are left out.
        home: folder of the store.

    Returns:
        One row per application. Inputs are computed anew from the requests by the rulebook of their day, without a
        lender's overlay or book.

    Raises:
        ContractError: the folder holds no log, or one that cannot be read.
    """
    logged = _chosen(_rows(Store(home).decisions), package.digest)
    inputs, kinds = _inputs(package, logged.requests)
    pd, low, high = (_column(logged.answers, "pd", name) for name in ("value", "low", "high"))
    scored = ~np.isnan(pd)
    reasons = [{reason["code"] for reason in answer["reasons"]} for answer in logged.answers]
    return Current(
        form="log", keys={"decision_id": _words(logged.ids), "application_id": _of(logged.answers, "application_id")},
        opened=np.array([answer["as_of"] for answer in logged.answers], "datetime64[D]"), weight=np.ones(len(pd)),
        pd=pd, pd_low=low, pd_high=high, logit=np.where(scored, logit(np.where(scored, pd, 0.5)), np.nan),
        grade=_of(logged.answers, "grade"), inputs=inputs, layers=_layers(package, inputs, logged.answers, reasons),
        recommendation=_of(logged.answers, "recommendation"), kinds=kinds,
        groups={"area_code": _words([request["borrower"]["area_code"] for request in logged.requests]),
                "kind": _words([_main_kind(answer) for answer in logged.answers])},
        amount=np.nan_to_num(_column(logged.answers, "max_loan")), digest=logged.digest,
        synthetic=any(answer["provenance"]["synthetic_model"] for answer in logged.answers),
        left_out=logged.left_out, decided=_words(logged.decided),
    )  # fmt: skip


def _rows(path: Path) -> list[tuple[Any, ...]]:
    """All records, in order; the file is opened for reading only."""
    if not path.is_file():
        raise refused("CURRENT", "missing", "the folder holds no decision log", "该目录没有决策记录库")
    try:
        return rows_of(path)
    except sqlite3.Error as error:
        raise refused("CURRENT", "format", "the decision log cannot be read", "决策记录库无法读取") from error


def _chosen(rows: Sequence[tuple[Any, ...]], digest: str) -> Logged:
    """The last answer of this model to each application, with what a person decided about it last."""
    decided = {row[2]: json.loads(row[5])["decided"] for row in rows if row[1] == "outcome"}
    scores = [row for row in rows if row[1] == "score"]
    own = [row for row in scores if row[6] == digest]
    last = {row[3]: row for row in own}
    kept, unreadable = [], 0
    for row in last.values():
        try:
            kept.append((row[0], read_application(json.loads(row[4])), json.loads(row[5]), row[4]))
        except (ContractError, ValueError):
            unreadable += 1
    left_out = {"other_model": len(scores) - len(own), "answered_again": len(own) - len(last), "unreadable": unreadable}
    whole = sha256("\n".join(f"{name} {sha256(request)}" for name, _, _, request in kept).encode())
    ids = [name for name, *_ in kept]
    return Logged(
        ids, [request for _, request, *_ in kept], [answer for _, _, answer, _ in kept],
        [decided.get(name) for name in ids], left_out, whole,
    )  # fmt: skip


def _inputs(package: Package, requests: Sequence[Mapping[str, Any]]) -> tuple[Columns, frozenset[str]]:
    """Inputs of the model, shape (n,) each, by the rules of each application's own day; and the kinds of pledge."""
    names = package.bundle.features.names
    found = {name: np.full(len(requests), np.nan) for name in names}
    days = np.array([str(request["as_of"]) for request in requests])
    for day in np.unique(days):
        at = np.flatnonzero(days == day)
        rules, applications = load().at(str(day)), flatten([requests[i] for i in at.tolist()])
        appraised = appraise_applications(applications, rules)
        table = features(applications.loans, {kind: (a.table, a.values) for kind, a in appraised.items()}, rules)
        for name in names:
            found[name][at] = number(table, name)
    kinds = {str(pledge["kind"]) for request in requests for pledge in request["pledges"]}
    return found, frozenset(kinds)


def _layers(
    package: Package, inputs: Columns, answers: Sequence[Mapping[str, Any]], reasons: Sequence[set[str]]
) -> dict[str, Bools]:
    """Layers 2 and 3 by the inputs, the others as the answers tell of them."""
    encoded, unseen = package.bundle.features.encode(inputs)
    seen = package.bundle.support.check(encoded, unseen)
    layers = {"outside": seen.outside, "unseen": seen.unseen, "thin": seen.thin, "odd": seen.odd}
    layers["novel"] = np.isnan(_column(answers, "pd", "value"))
    layers["out_of_scope"] = np.array([bool(answer["out_of_scope"]) for answer in answers], bool)
    told = {name: np.array([code in codes for codes in reasons], bool) for name, code in LAYER_CODES.items()}
    if package.bundle.support.cells is None:
        told.pop("thin_cell")
    if package.bundle.pd.benchmark is None:
        told.pop("disagreement")
    return layers | told


def _main_kind(answer: Mapping[str, Any]) -> str | None:
    """Kind of the pledges of the largest value in all, the first of equals."""
    value: dict[str, float] = {}
    for pledge in answer["pledges"]:
        value[pledge["kind"]] = value.get(pledge["kind"], 0.0) + (pledge["appraisal"]["central"] or 0.0)
    return max(value, key=value.__getitem__, default=None)


def _column(answers: Sequence[Mapping[str, Any]], *way: str) -> Floats:
    """A number of each answer, NaN for null, shape (n,)."""
    found = []
    for answer in answers:
        value: Any = answer
        for step in way:
            value = value[step]
        found.append(np.nan if value is None else float(value))
    return np.array(found, np.float64)


def _of(answers: Sequence[Mapping[str, Any]], name: str) -> Words:
    return _words([answer[name] for answer in answers])


def _words(values: Sequence[Any]) -> Words:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
