"""Haircuts: named ratios taken off the appraisal in order, each with its reason and its rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Floats, where_known
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.book import LenderBook
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Haircut, Kind

_BOOK = "valuation.concentration"


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


def concentration(kind: Kind, case: Case, book: LenderBook) -> HaircutColumn:
    """The haircut every kind has: how much of the lender's book already lies in the pledge's group.

    ``h = min(h_max, k max(0, share - limit))``; 0 where no book is given.

    Args:
        kind: the kind; its ``concentration`` field groups the book.
        case: n pledges.
        book: what the lender holds.
    """
    rules, ratio = case.rules, np.zeros(case.rows)
    if kind.concentration is not None and book.lent:
        over = np.maximum(0.0, book.share(kind, case.text(kind.concentration)) - rules.number(f"{_BOOK}.limit"))
        ratio = np.minimum(rules.number(f"{_BOOK}.highest"), rules.number(f"{_BOOK}.slope") * over)
    return HaircutColumn("concentration", "同类押品集中", "concentration in the lender's book", f"{_BOOK}.limit", ratio)
