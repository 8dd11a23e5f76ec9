"""Published cases of guarantee, securitisation and credit loss, held against the collected ones; checks by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from portfolio_cases import RULES, book_of, terms

from eco_credit.portfolio import portfolio_figures, simulate_losses
from eco_credit.portfolio.factors import FactorModel
from eco_credit.portfolio.impairment import credit_loss, marginal_pd, year_loss
from eco_credit.portfolio.waterfall import Shares, split_loss

CASES = Path(__file__).resolve().parents[1] / "cases" / "portfolio"
RESTATED = {
    "abs-hull-75-20-5": "tranches-75-20-5",
    "basel-comprehensive-haircut-hull": "comprehensive-haircut",
    "basel-irb-corporate-pd1": "irb-corporate-pd1",
    "basel-irb-other-retail-pd1": "irb-other-retail-pd1",
    "rule-firb-lgdstar-receivables": "lgd-star-receivables",
    "rule-guarantee-caps": "guarantee-caps",
}
"""Collected case on guarantors, securitisation or capital to the file that restates it."""
CONCERNED = ("abs", "basel", "rule-firb", "rule-guarantee")


def case(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    return data


def numbers(value: Any) -> list[float]:
    """Every number of a nested value."""
    if isinstance(value, bool):
        return []
    if isinstance(value, (int, float)):
        return [float(value)]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [found for part in inside for found in numbers(part)]


@pytest.mark.parametrize("name", sorted(RESTATED))
def test_every_number_a_collected_case_expects_stands_in_the_file_that_restates_it(name: str, shared: Path) -> None:
    collected = json.loads((shared / "domain" / "cases" / "collateral" / f"{name}.json").read_text("utf-8"))
    ours = numbers(case(RESTATED[name]))
    loose = {"ES": 54.0, "EU": 46.0, "rwa_simple": 50.0}  # worked out in the tests themselves
    for key, expected in collected["expected"].items():
        for value in numbers(expected["value"]):
            assert key in loose or any(value == pytest.approx(own, abs=1e-9) for own in ours), (name, key)


def test_no_collected_case_on_guarantee_or_capital_is_left_out(shared: Path) -> None:
    names = {path.stem for path in (shared / "domain" / "cases" / "collateral").glob("*.json")}
    assert {name for name in names if name.startswith(CONCERNED)} == set(RESTATED)


def test_a_five_year_loan_loses_year_by_year_what_the_teaching_page_prints() -> None:
    data = case("ecl-five-year-loan")
    steps = marginal_pd(np.array([data["pd"]]), 5)[:, 0]
    for step, printed in zip(steps, data["marginal_pd"], strict=True):
        assert printed is None or float(step) == pytest.approx(printed, abs=5e-5)
    factor = np.exp(-np.arange(1.0, 6.0) * np.log1p(data["rate"]))
    each = year_loss(steps, np.full(5, data["lgd"]), exposure=np.array(data["exposure"]), discount=factor)
    for found, printed in zip(each, data["period"], strict=True):
        assert printed is None or float(found) == pytest.approx(printed, abs=0.5)
    assert float(np.sum(each)) == pytest.approx(2353.98, abs=0.01)  # 857.14 + 640 + 448 + 278.76 + 130.09


@pytest.mark.parametrize("year", sorted(case("ecl-five-year-loan")["printed_wrong"]))
def test_a_year_the_page_prints_wrong_does_not_reconcile(year: str) -> None:
    data, at = case("ecl-five-year-loan"), int(year)
    exact = data["exposure"][at] * 0.98**at * 0.02 * 0.45 / 1.05 ** (at + 1)
    assert abs(exact - data["printed_wrong"][year]) > 0.5


def test_one_loan_in_stage_one_and_two_by_hand_with_the_exposure_held_level() -> None:
    arrays = {"exposure": np.array([100_000.0]), "years": np.array([5.0])}
    pd, lgd = np.array([0.02]), np.array([0.45])
    first, second = (
        float(credit_loss(pd, lgd, rate=0.05, stage=np.array([stage]), **arrays)[0]) for stage in (1, 2)
    )  # fmt: skip
    assert first == pytest.approx(857.14, abs=0.005)  # 100 000 · 0.02 · 0.45 / 1.05
    # 45 000 · 0.02 · Σ 0.98^(t−1) / 1.05^t, t = 1 … 5: 900 · (1 − (0.98/1.05)^5) / (1.05 − 0.98)
    assert second == pytest.approx(900.0 * (1.0 - (0.98 / 1.05) ** 5) / 0.07, rel=1e-12)
    half = case("ecl-five-year-loan")["twelve_months"]
    # the page's twelve-month loss is discounted by half a year
    assert first * 1.05**0.5 == pytest.approx(half["printed"], abs=0.5)


def test_the_twelve_month_loss_of_the_standards_own_example() -> None:
    data = case("ecl-twelve-months")
    arrays = {"exposure": np.array([data["exposure"]]), "years": np.array([10.0]), "stage": np.array([1])}
    found = credit_loss(np.array([data["pd"]]), np.array([data["lgd"]]), rate=0.0, **arrays)
    assert float(found[0]) == pytest.approx(data["loss"])


@pytest.mark.parametrize(
    ("mode", "borne"),
    [
        # 1 234 567.89: 493 827.156, 370 370.367, 246 913.578 and 123 456.789; the three cents left over go to the three
        # largest remainders, 0.9 of the government, 0.8 of the bank and 0.7 of the re-guarantor
        (
            "split_4321",
            {"guarantor": 49_382_715, "re_guarantor": 37_037_037, "bank": 24_691_358, "government": 12_345_679},
        ),
        # 987 654.312 and 246 913.578: one cent over, to the bank
        ("split_28", {"guarantor": 98_765_431, "bank": 24_691_358}),
    ],
)
def test_a_loss_is_split_by_hand_and_adds_up(mode: str, borne: dict[str, int]) -> None:
    shares = Shares.of(RULES.table(f"portfolio.guarantee.{mode}"))
    found = {party: int(part[0]) for party, part in split_loss([123_456_789], shares).items()}
    assert found == borne and sum(found.values()) == 123_456_789


@pytest.mark.parametrize(("mode", "share"), [("split_4321", 0.4), ("split_28", 0.8)])
def test_the_expected_payout_the_split_and_the_mean_of_the_draws_agree_by_three_routes(mode: str, share: float) -> None:
    exposure, pd, lgd = [1e6, 2e6, 5e5, 3e6], [0.02, 0.01, 0.05, 0.03], [0.5, 0.3, 0.6, 0.4]
    book, agreed = book_of(exposure, pd=pd, lgd=lgd), terms(mode=mode)
    by_hand = sum(e * p * x for e, p, x in zip(exposure, pd, lgd, strict=True))  # 10 000 + 6 000 + 15 000 + 36 000
    found = portfolio_figures(book, agreed, rules=RULES)
    assert by_hand == pytest.approx(67_000.0) and found.loss["expected"] == 67_000.0
    assert found.bearer["expected_payout"] == pytest.approx(67_000.0 * share)
    drawn = simulate_losses(book, FactorModel({"market": 0.12}, 0.0), levels=(0.9,), scenarios=60_000, shift=0.7)
    assert abs(drawn.mean - 67_000.0) < 4.0 * drawn.mean_error and drawn.mean_error < 1_500.0
