"""Water right (取水权): a permit to take water, for a term, in a volume, for a purpose."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eco_credit.core.numbers import Columns, Floats, where_known
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Kind
from eco_credit.valuation.kinds.water_right.choice import APPROACHES, choose
from eco_credit.valuation.kinds.water_right.facts import RULES, facts
from eco_credit.valuation.kinds.water_right.gates import FLAGS, GATES
from eco_credit.valuation.kinds.water_right.limits import HAIRCUTS, cap
from eco_credit.valuation.kinds.water_right.remarks import CONDITIONS, REASONS, use_ratio

__all__ = ["KIND"]


def _saleable(case: Case) -> Mapping[str, Floats]:
    """Water may be sold as far as the permit lets it go; energy only where the water drives a station."""
    permit = case.number("annual_volume")
    share = where_known(case.facts["sellable"] / np.where(permit > 0.0, permit, np.nan), 0.0)
    return {"water_supply": np.clip(share, 0.0, 1.0), "ecological_energy": case.facts["with_works"]}


def _features(case: Case, _: Appraisal) -> Columns:
    permit = case.number("annual_volume")
    return {
        "water_use_ratio": use_ratio(case),
        "water_allocation": case.number("allocation"),
        "water_over_drawn": case.number("over_drawn"),
        "water_transferable": case.number("transferable_volume") / np.where(permit > 0.0, permit, np.nan),
        "water_buy_back": case.number("buy_back"),
    }


KIND = Kind(
    name="water_right", zh="取水权", en="water right", rules=RULES, approaches=APPROACHES, facts=facts, choose=choose,
    gates=GATES, flags=FLAGS, haircuts=HAIRCUTS, cap=cap, right_months=lambda case: case.months_left("valid_to"),
    saleable=_saleable, reasons=REASONS, conditions=CONDITIONS, features=_features, key=("permit_no",),
    stresses=("price_20", "price_40", "drought"), concentration="purpose",
    keep=("renewal_value",),
)  # fmt: skip
