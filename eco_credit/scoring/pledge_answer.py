"""The answer about one pledge: gates, GEP parts, appraisal with steps, haircuts, cap, lending value, recovery."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from eco_credit.scoring.pipeline import Appraised
from eco_credit.scoring.reasons import reason_codes


def known(value: float) -> float | None:
    """A number for an answer: None where it is unknown."""
    return None if math.isnan(value) else value


def pledge_answers(pledges: Mapping[str, Appraised], row: int) -> list[dict[str, Any]]:
    """Answers of the pledges of one application, in the order they were submitted."""
    found = [
        (float(group.table["position"][i]), pledge_answer(group, int(i)))
        for group in pledges.values()
        for i in np.nonzero(group.rows == row)[0]
    ]
    return [answer for _, answer in sorted(found, key=lambda item: item[0])]


def pledge_answer(group: Appraised, i: int) -> dict[str, Any]:
    """One pledge of an answer, as plain data: money rounded to 0.01, ratios to 1e-8, steps to 1e-6."""
    v = group.values
    money = {name: float(amounts[i]) for name, amounts in group.money.items()}
    ratios, codes = group.ratios[:, i].tolist(), reason_codes()
    return {
        "pledge_id": str(group.table["pledge_id"][i]),
        "kind": group.kind,
        "eligible": bool(v.eligible[i]),
        "ineligible_reasons": [codes[code].as_dict() for code, hit in v.gates if hit[i]],
        "gep": {
            "entitled_cny_per_year": money["entitled"],
            "public_benefit_cny_per_year": money["public_benefit"],
        },
        "appraisal": {
            **{name: money[name] for name in ("low", "central", "high")},
            "approach": v.approach[i],
            "steps": _steps(group, i),
        },
        "haircuts": [
            {"name": h.name, "zh": h.zh, "en": h.en, "ratio": ratio, "rule": h.rule}
            for h, ratio in zip(v.haircuts, ratios[1:], strict=True)
        ],
        "cap": {"ratio": ratios[0], "rule": v.cap_rule},
        "lending_value": money["lending_value"],
        "recovery": {name: money[f"recovery_{name}"] for name in ("low", "central", "high")},
        "reasons": [codes[code].as_dict() for code, hit in v.reasons if hit[i]],
    }


def _steps(group: Appraised, i: int) -> list[dict[str, Any]]:
    """The steps behind the central value; a step that does not concern this pledge is left out."""
    return [
        {"code": s.code, "zh": s.zh, "en": s.en, "unit": s.unit, "value": number}
        for s, number in zip(group.values.steps, group.steps[:, i].tolist(), strict=True)
        if not math.isnan(number)
    ]
