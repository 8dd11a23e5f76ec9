"""Forest right (林权): standing timber, the land it grows on, or the compensation a public-welfare forest is paid."""

from __future__ import annotations

from collections.abc import Mapping

from eco_credit.core.numbers import Columns, Floats, where_known
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Kind
from eco_credit.valuation.kinds.forest_right.choice import APPROACHES, choose
from eco_credit.valuation.kinds.forest_right.facts import RULES, facts
from eco_credit.valuation.kinds.forest_right.gates import FLAGS, GATES
from eco_credit.valuation.kinds.forest_right.limits import HAIRCUTS, cap, cover, insured_for_lender
from eco_credit.valuation.kinds.forest_right.remarks import CONDITIONS, REASONS

__all__ = ["KIND"]


def _saleable(case: Case) -> Mapping[str, Floats]:
    """Timber of a public-welfare forest is not for sale."""
    return {"material_products": 1.0 - case.facts["public"]}


def _features(case: Case, value: Appraisal) -> Columns:
    return {
        "forest_maturity": case.facts["age"] / case.facts["age_mature"],
        "forest_stock": case.number("stock_per_area"),
        "forest_permit": case.number("felling_permit"),
        "forest_insured": cover(case, value),
        "forest_protected": case.number("protected_overlap"),
        "forest_buy_back": case.number("buy_back"),
    }


def _insured(case: Case) -> Floats:
    """Insured sum payable to the lender, CNY."""
    whole = where_known(case.number("insured_sum"), 0.0) * case.number("area")
    return whole * insured_for_lender(case)


KIND = Kind(
    name="forest_right", zh="林权", en="forest right", rules=RULES, approaches=APPROACHES, facts=facts, choose=choose,
    gates=GATES, flags=FLAGS, haircuts=HAIRCUTS, cap=cap, right_months=lambda case: case.months_left("contract_to"),
    saleable=_saleable, reasons=REASONS, conditions=CONDITIONS, features=_features,
    key=("certificate_no", "compartment", "subcompartment", "area"),
    stresses=("price_20", "price_40", "fire"), insured=_insured, concentration="species",
)  # fmt: skip
