"""Plans, reading, splitting and the search for leaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_plan import SMALL

from eco_credit.contracts import contract
from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from training.datasets import load_tape, read_columns
from training.leakage import leaks, refuse_late_columns
from training.plan import Plan, Split, plan_of, read_plan
from training.readers.guaranteed_loans import derive, outcome, words
from training.readers.guaranteed_loans import guaranteed_loans as reader
from training.split import WINDOWS, split

PLANS = Path(__file__).parents[2] / "training" / "plans"
DAYS = Split.model_validate(SMALL["split"])


@pytest.mark.parametrize("name", ["demo", "eco-credit", "eco-credit-tuned", "guaranteed-loan"])
def test_shipped_plans_are_sound(name: str) -> None:
    assert read_plan(PLANS / f"{name}.yaml").bars


def test_an_unknown_field_of_a_plan_is_refused_by_name() -> None:
    with pytest.raises(ContractError, match="learning_rat"):
        plan_of(SMALL | {"pd": {"learning_rat": 0.1}})


def test_the_digest_of_a_plan_follows_its_content(plan: Plan) -> None:
    assert plan.digest == plan_of(SMALL).digest != plan_of(SMALL | {"seed": 1}).digest


def test_a_column_known_only_after_default_is_refused() -> None:
    for name, column in (("loan_tape", "lvr"), ("loan_tape", "true_pd"), ("guaranteed_loan_tape", "Term"),
                         ("guaranteed_loan_tape", "DisbursementGross"), ("loan_tape", "nowhere")):  # fmt: skip
        with pytest.raises(ContractError, match=column):
            refuse_late_columns(contract(name), [column])


def test_a_plan_that_asks_for_a_late_column_is_refused(tape: Columns) -> None:
    with pytest.raises(ContractError, match="not at origination"):
        load_tape(plan_of(SMALL | {"data": {"features": ["ltv", "lgd"]}}), tape)


def test_an_input_that_is_the_outcome_is_found() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(2_000) < 0.2).astype(float)
    columns = {"honest": rng.normal(size=2_000) + y, "copy": y * 3.0 + 0.01 * rng.normal(size=2_000),
               "gap": np.where(y > 0, np.nan, 1.0)}  # fmt: skip
    found = {(leak.column, leak.how) for leak in leaks(columns, y, np.ones(2_000))}
    assert found == {("copy", "value"), ("gap", "missing")}


def test_a_term_rewritten_on_failure_is_found_by_its_arithmetic() -> None:
    rng = np.random.default_rng(1)
    y = (rng.random(4_000) < 0.2).astype(float)
    agreed = 12.0 * rng.integers(2, 26, 4_000)
    ended = np.where(y > 0, np.maximum(1.0, agreed - rng.integers(1, 60, 4_000)), agreed)
    found = leaks({"term": ended, "agreed": agreed}, y, np.ones(4_000))
    assert {leak.column for leak in found} == {"term"}
    assert "not_multiple_of_12" in {leak.how for leak in found}


def test_the_term_of_the_real_file_is_caught(guaranteed_loans: Path) -> None:
    raw = read_columns(guaranteed_loans, contract("guaranteed_loan_tape"))
    fate = outcome(raw)
    known = ~np.isnan(fate["default"])
    y, w = fate["default"][known], fate["sample_weight"][known]
    found = leaks({"Term": raw["Term"][known], "GrAppv": raw["GrAppv"][known]}, y, w)
    assert {leak.column for leak in found} == {"Term"}
    assert max(leak.auc for leak in found if leak.how == "not_multiple_of_12") > 0.8
    clean = {name: column[known] for name, column in derive(raw).items()}
    assert leaks(clean, y, w) == []


def test_no_input_of_the_guaranteed_loans_rests_on_a_late_column() -> None:
    raw_columns = {column for item in words().values() for column in item["from"]}
    assert not raw_columns & {"Term", "ChgOffDate", "ChgOffPrinGr", "BalanceGross", "DisbursementGross", "MIS_Status"}
    refuse_late_columns(contract("guaranteed_loan_tape"), sorted(raw_columns))


def test_the_guaranteed_share_and_the_loss_are_read_as_defined() -> None:
    raw: Columns = {
        "GrAppv": np.array([100.0, 200.0]), "SBA_Appv": np.array([75.0, 100.0]), "NoEmp": np.array([4.0, 0.0]),
        "CreateJob": np.array([0.0, 2.0]), "RetainedJob": np.array([0.0, 1.0]), "NAICS": np.array([0.0, 113_310.0]),
        "NewExist": np.array([2.0, 0.0]), "FranchiseCode": np.array([1.0, 78_760.0]),
        "RevLineCr": np.array(["Y", "T"], object), "LowDoc": np.array(["N", None], object),
        "BankState": np.array(["OH", None], object), "State": np.array(["IN", "IN"], object),
        "MIS_Status": np.array(["CHGOFF", "PIF"], object), "DisbursementGross": np.array([80.0, 200.0]),
        "ChgOffPrinGr": np.array([60.0, 0.0]), "ApprovalDate": np.array(["1999-01-01", "1999-01-02"], "datetime64[D]"),
        "borrower_id": np.array(["a", "b"], object), "sample_weight": np.array([1.0, 22.7]),
    }  # fmt: skip
    inputs, table = reader(raw, read_plan(PLANS / "guaranteed-loan.yaml"), contract("guaranteed_loan_tape"))
    assert [item.name for item in inputs] == list(words())
    assert table["guaranteed_share"].tolist() == [0.75, 0.5]
    assert table["lgd"][0] == 0.75 and np.isnan(table["lgd"][1])  # 60 of 80 charged off
    assert table["default"].tolist() == [1.0, 0.0]
    assert table["new_business"][0] == 1.0 and np.isnan(table["new_business"][1])  # code 0 says nothing
    assert np.isnan(table["sector"][0]) and table["sector"][1] == 11.0
    assert table["revolving"][0] == 1.0 and np.isnan(table["revolving"][1])
    assert table["bank_in_state"][0] == 0.0 and np.isnan(table["bank_in_state"][1])
    assert table["franchise"].tolist() == [0.0, 1.0]


@given(st.lists(st.tuples(st.integers(0, 4_400), st.integers(0, 25)), min_size=60, max_size=200))
@settings(max_examples=40, deadline=None)
def test_no_borrower_and_no_row_stands_in_two_windows(rows: list[tuple[int, int]]) -> None:
    day = np.datetime64("2013-10-01") + np.array([r[0] for r in rows]).astype("timedelta64[D]")
    who = np.array([f"b{r[1]}" for r in rows], object)
    # one lone borrower in each window, so that none is empty
    day = np.concatenate([day, np.array(["2015-01-01", "2020-06-01", "2022-01-01", "2024-01-01"], "datetime64[D]")])
    who = np.concatenate([who, np.array(["x1", "x2", "x3", "x4"], object)])
    windows = split(day, who, DAYS)
    parts = [getattr(windows, name) for name in WINDOWS]
    people = [set(who[part]) for part in parts]
    assert all(people[i].isdisjoint(people[j]) for i in range(4) for j in range(i))
    used = np.concatenate(parts)
    assert len(set(used.tolist())) == len(used)
    inside = (day >= np.datetime64("2014-01-01")) & (day < np.datetime64("2025-11-01"))
    assert len(used) + windows.dropped == inside.sum()
    edges = [DAYS.start, DAYS.stop, DAYS.calibrate, DAYS.evaluate, DAYS.end]
    for part, low, high in zip(parts, edges, edges[1:], strict=False):
        assert ((day[part] >= np.datetime64(low)) & (day[part] < np.datetime64(high))).all()


def test_an_empty_window_is_refused_by_name() -> None:
    with pytest.raises(ContractError, match="evaluate"):
        days = np.array(["2015-01-01", "2020-06-01", "2022-01-01"], "datetime64[D]")
        split(days, np.array(["a", "b", "c"], object), DAYS)


def test_a_file_of_another_contract_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("loan_id,shoe_size\nA,43\n")
    with pytest.raises(ContractError, match="does not name shoe_size"):
        read_columns(tmp_path / "x.csv", contract("loan_tape"))
