"""The scan finds by itself what was written after the outcome, in real files and in made-up ones."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from eco_credit.contracts import contract
from eco_credit.core.numbers import Columns
from training.datasets import read_columns
from training.leakage import leaks
from training.readers.guaranteed_loans import outcome


@pytest.fixture(scope="module")
def guaranteed(shared: Path) -> Columns:
    file = shared / "data" / "sba_loans" / "sba_loans_dev.parquet"
    if not file.is_file():
        pytest.skip("needs the guaranteed loans beside the repository")
    return read_columns(file, contract("guaranteed_loan_tape"))


@pytest.mark.shared
def test_among_all_raw_columns_of_the_guaranteed_loans_only_late_ones_are_named(guaranteed: Columns) -> None:
    fate = outcome(guaranteed)
    known = ~np.isnan(fate["default"])
    raw = {name: column[known] for name, column in guaranteed.items()}
    found = {leak.column for leak in leaks(raw, fate["default"][known], fate["sample_weight"][known])}
    assert "Term" in found and "MIS_Status" in found
    late = {field.name for field in contract("guaranteed_loan_tape").fields if field.known_at != "origination"}
    assert found <= late | {"sample_weight", "sample_source"}  # how a row was drawn follows its outcome, too


@pytest.mark.shared
def test_term_is_named_for_its_arithmetic(guaranteed: Columns) -> None:
    fate = outcome(guaranteed)
    known = ~np.isnan(fate["default"])
    found = leaks({"x": guaranteed["Term"][known]}, fate["default"][known], fate["sample_weight"][known])
    # the folder's own page says 0.87 for "not a multiple of 12"
    assert round(max(leak.auc for leak in found if leak.how == "not_multiple_of_12"), 2) == 0.87


@pytest.mark.shared
@pytest.mark.parametrize("form", ["text", "code", "flag"])
def test_the_rating_of_the_invoice_data_is_named_in_every_form(shared: Path, form: str) -> None:
    file = shared / "data" / "sme_invoices_cumcm2020c" / "labelled_enterprises.csv"
    if not file.is_file():
        pytest.skip("needs the labelled enterprises beside the repository")
    with file.open(encoding="utf-8-sig") as lines:
        rows = list(csv.DictReader(lines))
    y = np.array([float(row["是否违约"] == "是") for row in rows])
    rating = np.array([row["信誉评级"] for row in rows], dtype=object)
    forms = {
        "text": rating,
        "code": np.array([float("ABCD".index(r)) for r in rating]),
        "flag": (rating == "D").astype(float),
    }
    name = np.array([row["企业名称"] for row in rows], dtype=object)
    found = leaks({"rating": forms[form], "name": name}, y, np.ones(len(y)))
    assert {leak.column for leak in found} == {"rating"}
    # all 24 rated D default and 3 of 99 others: (1 + 24/27) / 2 = 0.944 for the flag alone
    assert ("level", round((1 + 24 / 27) / 2, 3)) in {(leak.how, round(leak.auc, 3)) for leak in found}


def test_a_text_of_many_levels_that_says_nothing_is_not_named() -> None:
    rng = np.random.default_rng(4)
    y = (rng.random(600) < 0.2).astype(float)
    own = np.array([f"firm {i}" for i in range(600)], dtype=object)
    town = np.array([f"town {i}" for i in rng.integers(0, 200, 600)], dtype=object)
    town[::7] = None
    assert leaks({"own": own, "town": town}, y, np.ones(600)) == []


def test_a_text_that_repeats_the_outcome_is_named_and_so_is_a_day_of_default() -> None:
    rng = np.random.default_rng(5)
    y = (rng.random(600) < 0.2).astype(float)
    status = np.where(y > 0, "charged off", "paid").astype(object)
    day = np.where(y > 0, np.datetime64("2009-01-01"), np.datetime64("NaT")).astype("datetime64[D]")
    found = {(leak.column, leak.how) for leak in leaks({"status": status, "day": day}, y, np.ones(600))}
    assert {("status", "value"), ("status", "level"), ("day", "missing")} <= found


def test_a_level_that_holds_most_defaults_but_many_others_is_not_named() -> None:
    # 90 of 100 defaults and 30 of 100 others: (1 + 0.9 - 0.3) / 2 = 0.80, below 0.90
    y = np.repeat([1.0, 0.0], 100)
    code = np.concatenate([np.repeat([1.0, 0.0], [90, 10]), np.repeat([1.0, 0.0], [30, 70])])
    assert leaks({"code": code}, y, np.ones(200)) == []
