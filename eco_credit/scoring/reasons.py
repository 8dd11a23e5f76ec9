"""Reason codes: the closed list, and the way from model contributions to ranked reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from eco_credit.core.numbers import Floats

MOST = 4
"""Most adverse and most favourable model reasons of one answer."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """One code of the closed list: area, sign (gate, adverse, favourable) and texts."""

    code: str
    area: str
    sign: str
    zh: str
    en: str
    action_zh: str
    action_en: str

    def as_dict(self, points: float | None = None) -> dict[str, Any]:
        """Plain data for an answer; ``points`` is the effect on the score, None where there is none."""
        return {
            "code": self.code,
            "points": points,
            "sign": self.sign,
            "zh": self.zh,
            "en": self.en,
            "action_zh": self.action_zh,
            "action_en": self.action_en,
        }


def _data(name: str) -> dict[str, Any]:
    text = (resources.files("eco_credit.scoring") / name).read_text(encoding="utf-8")
    loaded: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    return loaded


@cache
def reason_codes() -> Mapping[str, ReasonCode]:
    """The closed list of reason codes, by code."""
    return {
        code: ReasonCode(code, raw["area"], raw["sign"], raw["zh"], raw["en"], raw["action"]["zh"], raw["action"]["en"])
        for code, raw in _data("reason_codes.yaml").items()
    }


@cache
def feature_reasons() -> Mapping[str, Mapping[str, str]]:
    """Feature name to its ``adverse`` and ``favourable`` reason code."""
    return _data("feature_reasons.yaml")


@cache
def conditions() -> Mapping[str, Mapping[str, str]]:
    """Condition code to stage and texts."""
    return _data("conditions.yaml")


def condition(code: str) -> dict[str, str]:
    """One condition as plain data for an answer."""
    return {"code": code, **conditions()[code]}


def model_reasons(
    contributions: Mapping[str, Floats], row: int, *, points_per_logit: float, least: float, most: int
) -> list[dict[str, Any]]:
    """Rank the reasons of one row: features that share a code are summed first.

    Args:
        contributions: feature to its part of the PD logit relative to the reference profile, (n,).
        row: which row.
        points_per_logit: score points of one unit of logit (positive); points are the negative of
            the contribution times this.
        least: smallest absolute contribution, logits, that is worth a reason.
        most: at most so many adverse and so many favourable reasons.

    Returns:
        Reasons as plain data, adverse first, each group by falling size, ties by code.
    """
    sums: dict[str, float] = {}
    known = feature_reasons()
    for feature, part in contributions.items():
        value = float(part[row])
        if value != 0.0 and feature in known:
            code = known[feature]["adverse" if value > 0 else "favourable"]
            sums[code] = sums.get(code, 0.0) + value
    ranked = sorted(((abs(v), c, v) for c, v in sums.items() if abs(v) > least), key=lambda item: (-item[0], item[1]))
    adverse = [item for item in ranked if item[2] > 0][:most]
    favourable = [item for item in ranked if item[2] < 0][:most]
    # + 0.0 turns a negative zero into zero
    return [reason_codes()[c].as_dict(round(-v * points_per_logit, 1) + 0.0) for _, c, v in adverse + favourable]
