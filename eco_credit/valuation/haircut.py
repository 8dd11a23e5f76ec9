"""Haircuts: named ratios taken off the appraisal in order, each with its reason and its rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Floats, where_known
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.kind import Case, Haircut


@dataclass(frozen=True, slots=True)
class HaircutColumn:
    """One haircut of n pledges.

    Attributes:
        name: stable identifier.
        zh: label in Chinese.
        en: label in English.
        rule: rule the ratio is read from.
        ratio: part of the value taken off, 0 to 1, shape (n,).
    """

    name: str
    zh: str
    en: str
    rule: str
    ratio: Floats


def haircut_columns(haircuts: tuple[Haircut, ...], case: Case, appraisal: Appraisal) -> tuple[HaircutColumn, ...]:
    """Work out the ratio of every haircut of a kind.

    Args:
        haircuts: in the order they are taken.
        case: pledges, loans, rules and facts, n rows.
        appraisal: their appraisal.

    Returns:
        One column per haircut, same order; an unknown ratio counts as 0, ratios are held to 0..1.
    """
    if not haircuts:
        return ()
    ratios = where_known(np.array([haircut.ratio(case, appraisal) for haircut in haircuts]), 0.0)
    held = np.minimum(np.maximum(ratios, 0.0), 1.0)
    return tuple(HaircutColumn(h.name, h.zh, h.en, h.rule, ratio) for h, ratio in zip(haircuts, held, strict=True))
