"""The memo is one self-contained page that says what the answer says."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from eco_credit.reports import memo
from eco_credit.reports.formats import capitals, number, percent, wan
from eco_credit.scoring.reasons import reason_codes

APPLICATION: dict[str, Any] = {
    "application_id": "A-1",
    "as_of": "2026-11-23",
    "borrower": {"borrower_name": "某合作社", "net_cash_in_year": 620000.0},
    "loan": {"amount_requested": 800000.0, "term_months": 36, "annual_rate": 0.046, "purpose": "抚育",
             "repayment": "bullet", "control_account": True},
}
ANSWER: dict[str, Any] = {
    "decision_id": "d-1", "application_id": "A-1", "as_of": "2026-11-23", "currency": "CNY",
    "pledges": [{
        "pledge_id": "P1", "kind": "forest_right", "eligible": True, "ineligible_reasons": [],
        "gep": {"entitled_cny_per_year": 53200.0, "public_benefit_cny_per_year": 168000.0},
        "appraisal": {"low": 900000.0, "central": 1234550.0, "high": 1600000.0, "approach": "residual",
                      "steps": [{"code": "stock", "zh": "总蓄积", "en": "Stock", "unit": "m3", "value": 3600.0}]},
        "haircuts": [{"name": "fire", "zh": "火险折扣", "en": "Fire", "ratio": 0.05, "rule": "valuation.forest.fire"}],
        "cap": {"ratio": 0.6, "rule": "valuation.forest.ltv"},
        "lending_value": 938258.0, "recovery": {"low": 5e5, "central": 7e5, "high": 8.2e5}, "reasons": [],
    }],
    "pd": {"value": 0.0312, "low": 0.0201, "high": 0.0467, "horizon_months": 12},
    "lgd": {"value": 0.38, "low": 0.3, "high": 0.47}, "regulatory_lgd": 0.45, "expected_loss_rate": 0.011856,
    "score": 612.0, "grade": "B2", "recommendation": "approve", "max_loan": 800000.0, "rate_floor": 0.052856,
    "conditions": [], "reasons": [], "out_of_scope": False,
    "provenance": {"contract": "application@1#ab", "rules_day": "2026-11-23", "rules_hash": "cd", "overlay_hash": None,
                   "book_hash": None,
                   "models": [{"name": "eco-credit", "version": "1", "digest": "ef"}], "code_version": "0.1.0",
                   "input_hash": "99", "synthetic_model": True},
}


def changed(**parts: Any) -> dict[str, Any]:
    return copy.deepcopy(ANSWER) | parts


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_memo_carries_its_own_style_and_names_no_address(lang):
    text = memo(ANSWER, APPLICATION, lang=lang)
    assert text.count("<style>") == 1
    assert "<link" not in text
    assert "href=" not in text
    assert "<script" not in text


def test_a_memo_shows_the_limit_in_wan_in_yuan_and_in_capitals():
    text = memo(ANSWER, APPLICATION, lang="zh")
    assert ">80.00<" in text
    assert "¥800,000.00" in text
    assert "捌拾万元整" in text


def test_the_english_memo_shows_the_same_figures_and_names_their_unit():
    text = memo(ANSWER, APPLICATION, lang="en")
    # 800 000 yuan / 10 000 = 80.00
    assert "Highest loan (CNY 10k)" in text
    assert ">80.00</data>" in text
    assert "<dd>¥800,000.00</dd>" in text


def test_a_memo_has_the_sign_off_block_and_the_advisory_line():
    text = memo(ANSWER, APPLICATION, lang="zh")
    for role in ("主办客户经理", "协办", "部门负责人", "审查人", "审批人"):
        assert role in text
    assert "模型结果仅供参考" in text
    assert "合成数据" in text


def test_a_memo_does_not_claim_synthetic_models_where_there_are_none():
    provenance = ANSWER["provenance"] | {"synthetic_model": False}
    assert "合成数据演示" in memo(ANSWER, APPLICATION, lang="zh")
    assert "合成数据演示" not in memo(changed(provenance=provenance), APPLICATION, lang="zh")


def test_a_case_the_model_does_not_score_shows_dashes_and_a_closed_gate():
    nothing = {"value": None, "low": None, "high": None}
    odd = changed(pd=nothing | {"horizon_months": 12}, lgd=nothing, score=None, grade=None, expected_loss_rate=None,
                  rate_floor=None, recommendation="refer", out_of_scope=True)
    text = memo(odd, APPLICATION, lang="en")
    assert "<td>Scope of the model</td><td>Closed</td>" in text
    assert reason_codes()["D04"].en in text
    assert "None" not in text


def test_a_pledge_that_cannot_be_appraised_is_shown_without_a_figure():
    pledge = copy.deepcopy(ANSWER["pledges"][0])
    pledge |= {"eligible": False, "lending_value": 0.0, "ineligible_reasons": [reason_codes()["F02"].as_dict()]}
    pledge["appraisal"] |= {"low": None, "central": None, "high": None, "approach": None, "steps": []}
    text = memo(changed(pledges=[pledge], recommendation="decline", max_loan=0.0), APPLICATION, lang="zh")
    assert "<svg" not in text
    assert reason_codes()["F02"].zh in text
    assert "零元整" in text


def test_an_answer_without_a_part_is_refused_rather_than_printed_with_a_hole():
    short = changed()
    del short["pd"]
    with pytest.raises(Exception, match="pd"):
        memo(short, APPLICATION, lang="zh")


def test_names_are_escaped_in_text_and_in_figures():
    evil = {"code": "C02", "points": -5.0, "zh": "<b>x</b>", "en": "<b>x</b>"}
    text = memo(changed(reasons=[evil]), APPLICATION | {"borrower": {"borrower_name": "<img src=x>"}}, lang="en")
    assert "<img" not in text
    assert "<b>" not in text
    assert "&lt;b&gt;x&lt;/b&gt;" in text


@pytest.mark.parametrize(
    ("yuan", "words"),
    [
        (0, "零元整"), (10, "壹拾元整"), (1005, "壹仟零伍元整"), (100_000_001, "壹亿零壹元整"),
        (1_050_000.10, "壹佰零伍万元壹角整"), (20_300_000.07, "贰仟零叁拾万元零柒分"), (60_000, "陆万元整"),
        (10_010_000, "壹仟零壹万元整"), (1_000_000_000_000, "壹万亿元整"),
    ],
)
def test_an_amount_in_capital_numerals(yuan, words):
    assert capitals(yuan) == words


def test_money_is_rounded_half_up_as_the_returns_ask():
    assert wan(1_234_550.0) == "123.46"  # 123.455 half up
    assert number(0.125) == "0.13"
    assert percent(0.00005) == "0.01%"


@pytest.mark.parametrize("unknown", [None, float("nan"), float("inf"), "abc", True])
def test_what_is_not_known_is_a_dash_and_never_zero(unknown):
    assert wan(unknown) == number(unknown) == percent(unknown) == "—"
