"""The answer about one pledge: gates, GEP parts, appraisal with steps, haircuts, cap, lending value, recovery."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from eco_credit.core.numbers import rounded_number
from eco_credit.scoring.appraisal_answer import appraisal_answer, appraisal_details
from eco_credit.scoring.pipeline import Appraised
from eco_credit.scoring.reasons import reason_codes
from eco_credit.valuation import PledgeValues
from eco_credit.valuation.kind import Flag, Gate


def known(value: float) -> float | None:
    """A number for an answer: None where it is unknown.

    Raises:
        ValueError: it is infinite.
    """
    if math.isinf(value):
        raise ValueError("a number of an answer is infinite")
    return None if math.isnan(value) else value


def pledge_answers(pledges: Mapping[str, Appraised], row: int, *, details: bool = False) -> list[dict[str, Any]]:
    """Answers of the pledges of one application, in the order they were submitted.

    Args:
        pledges: appraised pledges by kind.
        row: the application.
        details: also say what an appraisal report shows, all gates, assumptions, drivers and cash flows.
    """
    found = [
        (float(group.table["position"][i]), _with_details(group, int(i)) if details else pledge_answer(group, int(i)))
        for group in pledges.values()
        for i in np.nonzero(group.rows == row)[0]
    ]
    return [answer for _, answer in sorted(found, key=lambda item: item[0])]


def pledge_answer(group: Appraised, i: int) -> dict[str, Any]:
    """One pledge of an answer, as plain data: money rounded to 0.01, ratios to 1e-8, steps to 1e-6."""
    v = group.values
    money, ratios, codes = group.amounts[i], group.ratios[i], reason_codes()
    return {
        "pledge_id": str(group.table["pledge_id"][i]),
        "kind": group.kind,
        "eligible": bool(v.eligible[i]),
        "ineligible_reasons": [_refused(code, v, i) for code, hit in v.gates if hit[i]],
        "flags": [_flag(flag) for flag, raised in v.flags if raised[i]],
        "gep": _gep(v, money, i),
        "appraisal": {**{name: money[name] for name in ("low", "central", "high")}, **appraisal_answer(v.appraisal, i)},
        "haircuts": [
            {"name": h.name, "zh": h.zh, "en": h.en, "ratio": ratio, "rule": h.rule}
            for h, ratio in zip(v.haircuts, ratios[1:], strict=True)
        ],
        "cap": {"ratio": ratios[0], "rule": v.cap_rule},
        "lending_value": money["lending_value"],
        "recovery": {name: money[f"recovery_{name}"] for name in ("low", "central", "high")} | _sale(v, i),
        "capital_class": "receivables" if v.receivable[i] else "other_physical",
        "stress": _stress(v, i),
        "revaluation": {
            "months": v.revaluation.months,
            "due_on": str(v.revaluation.due_on[i]),
            "price_fall": v.revaluation.trigger,
            "outside_value_out_of_date": bool(v.revaluation.stale[i]),
        },
        "reasons": [codes[code].as_dict() for code, hit in v.reasons if hit[i]],
    }


def _with_details(group: Appraised, i: int) -> dict[str, Any]:
    """An answer with every gate that was tested, the assumptions, all drivers and the cash flows."""
    answer, v = pledge_answer(group, i), group.values
    answer["gates"] = [_gate(gate, bool(hit[i])) for gate, hit in v.tests]
    answer["appraisal"] |= appraisal_details(v.appraisal, i)
    return answer


def _gate(gate: Gate, hit: bool) -> dict[str, Any]:
    """One gate as it was tested, with the text it rests on and the rule whose number decides."""
    return {"code": gate.code, "zh": gate.zh, "en": gate.en, "hit": hit, "ref": gate.ref, "article": gate.article,
            "rule": gate.rule}  # fmt: skip


def _refused(code: str, v: PledgeValues, i: int) -> dict[str, Any]:
    """A refusal: its code, and which of the gates behind the code were hit."""
    hit = [_gate(gate, True) for gate, hits in v.tests if gate.code == code and hits[i]]
    return reason_codes()[code].as_dict() | {
        "because": [{name: found for name, found in gate.items() if name not in ("code", "hit")} for gate in hit]
    }


def _flag(flag: Flag) -> dict[str, Any]:
    return {"name": flag.name, "zh": flag.zh, "en": flag.en, "rule": flag.rule}


def _gep(v: PledgeValues, money: Mapping[str, float], i: int) -> dict[str, Any]:
    """The flows: what the holder may sell, what is public; what of the value comes from them, and the cross-check."""
    central = money["central"]
    return {
        "entitled_cny_per_year": money["entitled"],
        "paid_cny_per_year": money["paid"],
        "public_benefit_cny_per_year": money["public_benefit"],
        "value_from_flows": money["from_flows"],
        "share_of_value": rounded_number(money["from_flows"] / central, 8) if central > 0.0 else 0.0,
        "value_by_flows": money["by_flows"],
        "norm_over_flows": rounded_number(float(v.check.ratio[i]), 8) if v.check.ratio[i] > 0.0 else None,
        "factor": v.check.factor,
        "differs": bool(v.check.differs[i]),
    }


def _sale(v: PledgeValues, i: int) -> dict[str, Any]:
    """The lowest opening bids of the two court auctions, CNY, and months to the money."""
    first, second = (rounded_number(float(floor[i])) for floor in v.sale.opening_bids)
    return {"first_auction": first, "second_auction": second, "months": v.sale.months}


def _stress(v: PledgeValues, i: int) -> list[dict[str, Any]]:
    """Value and lending value under each stress scenario."""
    return [
        {
            "name": name,
            "zh": rule.zh,
            "en": rule.about,
            "value": rounded_number(float(value[i])),
            "lending_value": rounded_number(float(v.stressed[name][i])),
            "rule": rule.name,
        }
        for (name, value), rule in zip(v.stress.items(), v.stress_rules, strict=True)
    ]
