"""What is counted of an answer: its recommendation, PD and points, nothing of whom it is about."""

from __future__ import annotations

from serving.metrics import Metrics

ANSWER = {"recommendation": "approve", "pd": {"value": 0.012}, "score": 612.0, "out_of_scope": False}


def counted(*answers: dict) -> dict[str, float]:
    metrics = Metrics()
    for answer in answers:
        metrics.decided(answer)
    lines = [line.rsplit(" ", 1) for line in metrics.text().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_a_pd_falls_into_its_bucket_and_is_summed() -> None:
    found = counted(ANSWER, ANSWER | {"pd": {"value": 0.5}, "score": 470.0})
    assert (found['eco_credit_pd_bucket{le="0.01"}'], found['eco_credit_pd_bucket{le="0.015"}']) == (0.0, 1.0)
    assert (found["eco_credit_pd_count"], found["eco_credit_pd_sum"]) == (2.0, 0.512)
    assert found['eco_credit_score_bucket{le="480.0"}'] == 1.0


def test_an_answer_without_a_pd_is_a_refusal_and_enters_no_histogram() -> None:
    found = counted(ANSWER | {"recommendation": "refer", "pd": {"value": None}, "score": None, "out_of_scope": True})
    assert (found["eco_credit_model_refusals_total"], found["eco_credit_pd_count"]) == (1.0, 0.0)
    assert found["eco_credit_model_referrals_total"] == 0.0
    assert found['eco_credit_decisions_total{recommendation="refer"}'] == 1.0


def test_an_answer_outside_the_scope_with_a_pd_is_a_referral() -> None:
    found = counted(ANSWER | {"recommendation": "refer", "out_of_scope": True}, ANSWER)
    assert (found["eco_credit_model_referrals_total"], found["eco_credit_pd_count"]) == (1.0, 2.0)
