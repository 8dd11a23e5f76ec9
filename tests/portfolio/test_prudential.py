"""Credit loss by stage, green tags by edition, LGD* and risk-weighted assets beside the house's LGD."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import RULES, book_of, ledger_of, terms
from units_check import check_units

from eco_credit.portfolio import portfolio_figures, portfolio_outlook, prudential_view
from eco_credit.portfolio.capital import simple_weighted
from eco_credit.portfolio.green import green_balance, green_tags
from eco_credit.portfolio.impairment import credit_loss, marginal_pd, weighted_loss, year_loss
from eco_credit.portfolio.prudential import capital_view
from eco_credit.portfolio.staging import stages
from eco_credit.portfolio.stress import stressed_lgd, stressed_pd
from eco_credit.risk.lgd import lgd_star

CASES = Path(__file__).resolve().parents[1] / "cases" / "portfolio"
DAY = np.datetime64("2026-11-25")


def case(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    return data


def one(pd: float, lgd: float, *, years: float, stage: int, rate: float = 0.05) -> float:
    arrays = {"exposure": np.array([1_000.0]), "years": np.array([years]), "stage": np.array([stage])}
    return float(credit_loss(np.array([pd]), np.array([lgd]), rate=rate, **arrays)[0])


def test_lgd_star_is_that_of_the_rule_text() -> None:
    data = case("lgd-star-receivables")
    for collateral, expected in ((data["collateral"], data["lgd_star"]), tuple(data["boundary"].values())):
        layer = (data["secured"], np.array([collateral * (1.0 - data["haircut"])]))
        star = lgd_star(np.array([data["exposure"]]), [layer], data["unsecured"])
        assert float(star[0]) == pytest.approx(expected, abs=1e-9)


def test_the_simple_approach_weighs_the_covered_part_by_the_collateral() -> None:
    data = case("comprehensive-haircut")
    # 70 · 50 % + 10 · 150 % = 50
    weighted = simple_weighted(data["exposure"], data["collateral"], of_counterparty=1.5, of_collateral=0.5)
    assert float(weighted) == pytest.approx(50.0)


@pytest.mark.parametrize("formula", [year_loss, simple_weighted, stressed_lgd, stressed_pd])
def test_a_formula_keeps_the_units_it_declares(formula: Any) -> None:
    check_units(formula)


def test_stage_one_takes_a_year_stage_two_the_life_stage_three_the_loss() -> None:
    assert one(0.02, 0.5, years=3.0, stage=1) == pytest.approx(0.02 * 0.5 * 1_000 / 1.05)
    # 2 %, then 98 % of 2 %, discounted by 1.05 and 1.05²
    assert one(0.02, 0.5, years=2.0, stage=2) == pytest.approx(500 * (0.02 / 1.05 + 0.98 * 0.02 / 1.05**2))
    assert one(0.02, 0.5, years=3.0, stage=3) == pytest.approx(500.0)


def test_half_a_last_year_carries_half_its_default() -> None:
    assert one(0.02, 0.5, years=1.5, stage=2) == pytest.approx(500 * (0.02 / 1.05 + 0.98 * 0.02 / 2 / 1.05**2))


@settings(deadline=None)
@given(pd=st.floats(0.0, 1.0), lgd=st.floats(0.0, 1.0), years=st.floats(0.1, 12.0))
def test_a_later_stage_never_holds_less(pd: float, lgd: float, years: float) -> None:
    first, second, third = (one(pd, lgd, years=years, stage=stage) for stage in (1, 2, 3))
    assert first <= second * (1.0 + 1e-12) + 1e-12 and second <= third * (1.0 + 1e-9) + 1e-9


def test_yearly_defaults_and_what_survives_add_up_to_one() -> None:
    assert float(np.sum(marginal_pd(np.array([0.1]), 5))) + 0.9**5 == pytest.approx(1.0)


def test_thirty_and_ninety_days_raise_the_stage_and_so_do_the_marks() -> None:
    ledger = ledger_of(
        6, days_overdue=[30.0, 31.0, 90.0, 91.0, 0.0, 0.0], risk_raised=[0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        impaired=[0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    )  # fmt: skip
    assert stages(ledger, 6, rules=RULES).tolist() == [1, 2, 2, 3, 2, 3]
    assert stages({}, 2, rules=RULES).tolist() == [1, 1]


def test_the_loss_is_the_weighted_mean_of_its_scenarios() -> None:
    found = weighted_loss(book_of([1e6, 2e6]), rules=RULES, day=DAY)
    assert len(found["scenarios"]) >= 2
    mean = sum(row["weight"] * row["ecl"] for row in found["scenarios"])
    assert found["ecl"] == pytest.approx(mean, abs=0.02)
    assert found["ecl"] == pytest.approx(sum(row["ecl"] for row in found["stages"]), abs=0.02)
    # the bad case weighs more than the good one: the mean is above the base case
    assert found["ecl"] > next(row["ecl"] for row in found["scenarios"] if row["name"] == "base")


@pytest.mark.parametrize(
    ("flag", "listed", "edition", "approved", "tag"),
    [
        ("yes", "catalogue", "2025", "2025-10-01", "2025"),
        ("yes", "catalogue", "2025", "2025-09-30", "invalid"),  # not in force yet
        ("yes", "catalogue", "2021", "2025-09-30", "2021"),  # approved before: keeps the old list
        ("yes", "catalogue", "2021", "2025-10-01", "invalid"),  # the new list replaced it
        ("yes", "catalogue", "2019", "2020-05-01", "2019"),
        ("yes", None, "2025", "2026-01-01", "invalid"),  # no name of a list
        ("yes", "catalogue", None, "2026-01-01", "invalid"),  # no edition
        ("yes", "catalogue", "2025", "NaT", "invalid"),  # no day to hold it to
        ("no", "catalogue", "2025", "2026-01-01", "not_green"),
        (None, None, None, "NaT", "unknown"),
    ],
)
def test_a_green_mark_needs_name_and_edition_of_the_list_in_force(
    flag: str | None, listed: str | None, edition: str | None, approved: str, tag: str
) -> None:
    ledger = ledger_of(1, green_flag=[flag], green_list=[listed], green_catalogue=[edition], approved_on=[approved])
    assert green_tags(ledger, 1, rules=RULES).tolist() == [tag]


def test_green_balances_add_up_to_the_balance() -> None:
    tags = np.array(["2025", "invalid", "2025"], dtype=object)
    found = green_balance(tags, np.array([1.0, 2.0, 4.0]))
    assert [(row["edition"], row["balance"]) for row in found] == [("2025", 5.0), ("invalid", 2.0)]


def test_lgd_star_stands_beside_the_house_lgd_and_is_unsecured_where_unknown() -> None:
    found = capital_view(book_of([1e6], lgd=[0.25]), rules=RULES)
    assert (found["lgd"], found["regulatory_lgd"]) == (0.25, 0.4)
    # a risk weight is linear in LGD
    assert found["rwa"] / found["rwa_house"] == pytest.approx(0.4 / 0.25)


def test_a_large_loan_is_a_corporate_and_weighs_more() -> None:
    small, large = (capital_view(book_of([size]), rules=RULES)["risk_weight"] for size in (1e6, 9e6))
    assert small < large


def test_the_view_of_an_empty_portfolio_is_none() -> None:
    assert prudential_view(book_of([1.0], recommendation=["decline"]), rules=RULES, day=dt.date(2026, 11, 25)) is None


def test_a_loan_in_default_is_called_for_certain_and_not_with_the_pd_of_its_application() -> None:
    # two farmers of a million, LGD 50 %; one is 91 days past due: its loss is 500 000, the other's 10 000
    book = book_of([1e6, 1e6], ledger=ledger_of(2, days_overdue=[91.0, 90.0]))
    assert book.pd.tolist() == [1.0, 0.02] and book.in_default.tolist() == [True, False]
    found = portfolio_figures(book, terms(), rules=RULES)
    assert found.loss["expected"] == 510_000.0 and found.borne["guarantor"] == 204_000.0
    assert (found.counts["in_default"], found.balance["in_default"]) == (1, 1e6)
    drawn = portfolio_outlook(book, terms(), rules=RULES)
    assert drawn is not None and drawn["distribution"]["mean"] == pytest.approx(510_000.0, rel=0.02)
    stage = {row["stage"]: row["ecl"] for row in weighted_loss(book, rules=RULES, day=DAY)["stages"]}
    # scenarios move LGD to 0.475, 0.5 and 0.575 with weights 0.2, 0.6 and 0.2
    assert stage[3] == pytest.approx(1e6 * (0.2 * 0.475 + 0.6 * 0.5 + 0.2 * 0.575))


def test_loans_past_their_last_day_that_carry_balance_are_counted() -> None:
    ledger = ledger_of(3, due_on=["2026-11-24", "2026-11-25", "NaT"])
    view = prudential_view(book_of([1e6, 2e6, 4e6], ledger=ledger), rules=RULES, day=dt.date(2026, 11, 25))
    assert view is not None and view["matured"] == {"loans": 1, "balance": 1e6}
    plain = prudential_view(book_of([1e6]), rules=RULES, day=dt.date(2026, 11, 25))
    assert plain is not None and plain["matured"] is None


def test_the_bearer_has_its_share_of_the_credit_loss_in_every_stage() -> None:
    book = book_of([1e6, 2e6, 4e6], ledger=ledger_of(3, days_overdue=[0.0, 45.0, 120.0]))
    view = prudential_view(book, rules=RULES, day=dt.date(2026, 11, 25), terms=terms(cover=0.9))
    assert view is not None
    for row in view["ecl"]["stages"]:
        assert row["own"] == pytest.approx(row["ecl"] * 0.9 * 0.4, abs=0.01)
    assert view["ecl"]["own"] == pytest.approx(sum(row["own"] for row in view["ecl"]["stages"]), abs=0.02)
