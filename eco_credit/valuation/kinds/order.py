"""Product order (产品订单): the claim on a buyer and the goods behind it, lent on by a borrowing base.

The appraisal is what the claim and the goods are worth after the ineligible amounts, the stage and the
performance risk. Advance rates and dilution are haircuts, so the lending value is the borrowing base.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eco_credit.core.numbers import Bools, Columns, Floats, is_yes, where_known
from eco_credit.valuation.appraisal import Appraisal, Figures, Span, Step, one_at_a_time, ranged
from eco_credit.valuation.kind import Case, Gate, Haircut, Kind, Remark
from eco_credit.valuation.kinds.order_book import RULES, facts

APPROACHES = {"borrowing_base": ("借款基数法", "borrowing base")}


def appraise(case: Case) -> Appraisal:
    """Appraise order pledges: claim leg plus goods leg.

    Args:
        case: pledges of the contract ``order`` with the facts of the kind, n rows.

    Returns:
        The appraisal, CNY.
    """
    f, rules = case.facts, case.rules
    swing, goods = rules.number(f"{RULES}.performance_spread"), rules.number(f"{RULES}.goods_spread")
    s = one_at_a_time({
        "performance": Span(1.0 - swing, 1.0, 1.0 + swing),
        "goods": Span(1.0 - goods, 1.0, 1.0 + goods),
        "uncollected": Span(*rules.span(f"{RULES}.collection_loss")),
    }, case.rows)
    claim = f["expected"] * (1.0 - np.minimum(1.0, f["performance"] * s["performance"])) * (1.0 - s["uncollected"])
    value = claim + f["goods"] * s["goods"]
    known = ~np.isnan(value[0])
    low, central, high = ranged(where_known(value, 0.0))
    return Appraisal(low, central, high, np.full(case.rows, "borrowing_base", dtype=object), _steps(f), known)


def _steps(f: Figures) -> tuple[Step, ...]:
    named = (
        ("owed", "未收款余额", "outstanding after cash and deposit"),
        ("aged_out", "剔除逾期后", "after past due"),
        ("cross_out", "剔除交叉账龄后", "after cross-age"),
        ("related_out", "剔除关联交易后", "after related parties"),
        ("disputed_out", "剔除争议后", "after disputed claims"),
        ("government_out", "剔除政府买方后", "after government buyers"),
        ("concentrated", "剔除集中度超额后", "after concentration"),
        ("expected", "乘阶段系数后", "after the stage factor"),
        ("claim", "扣履约损失后", "after performance loss"),
        ("goods", "另计存货价值", "goods beside the claim"),
    )
    return tuple(Step(code, zh, en, "CNY", f[code]) for code, zh, en in named)


def _impossible(case: Case, _: Appraisal) -> Bools:
    paid = where_known(case.number("paid"), 0.0) + where_known(case.number("deposit"), 0.0)
    return np.greater(paid, case.number("amount"))


GATES = (
    Gate("O01", "买方未确认", "buyer has not confirmed", lambda case, _: ~case.yes("buyer_confirmed")),
    Gate("O02", "合同禁止转让", "assignment barred", lambda case, _: ~case.yes("assignable")),
    Gate("O03", "已有在先登记", "earlier registration found",
         lambda case, _: np.greater(case.number("charge_rank"), 1.0)),
    Gate("O10", "关联交易", "related party", lambda case, _: case.yes("related")),
    Gate("C05", "应收账款有争议或被查封", "claim disputed or sealed",
         lambda case, _: case.yes("disputed") | case.yes("sealed")),
    Gate("D03", "已收款大于订单金额", "cash received above the order", _impossible),
)


def _blended(claim_rate: Floats, case: Case, value: Appraisal) -> Floats:
    """Haircut that brings the appraisal to ``claim x rate + goods advance``."""
    base = case.facts["claim"] * claim_rate + case.facts["goods_advance"]
    return np.where(value.central > 0.0, 1.0 - base / np.where(value.central > 0.0, value.central, 1.0), 0.0)


def _dilution(case: Case, value: Appraisal) -> Floats:
    """Second haircut: the part of the base lost when the advance falls by the dilution above tolerance."""
    before, after = (_blended(case.facts[name], case, value) for name in ("advance", "diluted_advance"))
    return np.where(before < 1.0, 1.0 - (1.0 - after) / np.where(before < 1.0, 1.0 - before, 1.0), 0.0)


def _of_claim(rate: Floats, case: Case) -> Floats:
    """A ratio that falls on the claim leg only, as a part of the borrowing base."""
    claim = case.facts["claim"] * case.facts["diluted_advance"]
    whole = claim + case.facts["goods_advance"]
    return np.where(whole > 0.0, rate * claim / np.where(whole > 0.0, whole, 1.0), 0.0)


HAIRCUTS = (
    Haircut("advance", "预付比例", "advance rates of claim and goods", f"{RULES}.advance",
            lambda case, value: _blended(case.facts["advance"], case, value)),
    Haircut("dilution", "稀释(退货抵扣)", "dilution above tolerance", f"{RULES}.dilution_tolerated", _dilution),
    Haircut("government_payer", "政府付款迟延", "slow government payer", f"{RULES}.government_payer",
            lambda case, _: _of_claim(case.facts["government"] * case.rules.number(f"{RULES}.government_payer"), case)),
    Haircut("buyer_credit", "买方信用", "default of the buyer", f"{RULES}.buyer_credit",
            lambda case, _: _of_claim(case.facts["buyer_credit"], case)),
)


def _strong(case: Case, _: Appraisal) -> Bools:
    return case.is_one_of("buyer_kind", ["core_enterprise", "government"]) & is_yes(case.facts["closed_loop"])


def _diluted(case: Case, _: Appraisal) -> Bools:
    return np.greater(case.facts["dilution"], case.rules.number(f"{RULES}.dilution_tolerated"))


def _on_time(case: Case, value: Appraisal) -> Bools:
    """Trade with the buyer on record, nothing past due, little returned."""
    traded = np.greater(case.number("sales_12m"), 0.0) & np.equal(case.number("past_due"), 0.0)
    return traded & ~_diluted(case, value)


def _uninsured_performance(case: Case, _: Appraisal) -> Bools:
    insured = case.yes("crop_insurance") | case.yes("goods_insured")
    return ~is_yes(case.facts["delivered"]) & ~insured


def _concentrated(case: Case, _: Appraisal) -> Bools:
    return np.greater(case.facts["top_buyer"], case.rules.number(f"{RULES}.concentration_remark"))


def _weak_buyer(case: Case, _: Appraisal) -> Bools:
    return np.greater_equal(case.number("buyer_rating"), case.rules.number(f"{RULES}.weak_rating"))


def _loan_is_longer(case: Case, _: Appraisal) -> Bools:
    return np.greater(case.loan("term_months"), case.months_left("due_on"))


REASONS = (
    Remark("C10", _loan_is_longer),
    Remark("O04", _concentrated),
    Remark("O05", _weak_buyer),
    Remark("O06", lambda case, _: case.is_one_of("stage", ["framework"])),
    Remark("O07", lambda case, _: is_yes(case.facts["aged"])),
    Remark("O08", _diluted),
    Remark("O09", _uninsured_performance),
    Remark("O11", _strong),
    Remark("O12", _on_time),
)
CONDITIONS = (Remark("control_account", lambda case, _: ~is_yes(case.facts["closed_loop"])),)


def _saleable(case: Case) -> Mapping[str, Floats]:
    """An order sells its own products: nothing is taken off beyond the table."""
    return {}


def _features(case: Case, _: Appraisal) -> Columns:
    return {
        "order_buyer_rating": case.number("buyer_rating"),
        "order_top_buyer": case.facts["top_buyer"],
        "order_confirmed": case.number("buyer_confirmed"),
        "order_past_due": case.number("past_due"),
        "order_dilution": case.facts["dilution"],
        "order_stage": case.facts["stage"],
    }


KIND = Kind(
    name="order", zh="产品订单", en="product order", rules=RULES, approaches=APPROACHES,
    facts=facts, appraise=appraise, gates=GATES, haircuts=HAIRCUTS,
    cap=lambda case, _: np.full(case.rows, case.rules.number(f"{RULES}.ltv")),
    right_months=lambda case: case.months_left("due_on"),
    saleable=_saleable, reasons=REASONS, conditions=CONDITIONS, features=_features,
)
