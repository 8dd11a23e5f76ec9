"""The two methods for an order pledge: the borrowing base of orders, and the receivable that is one in law."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from eco_credit.core.numbers import is_yes
from eco_credit.core.units import MONTHS_PER_YEAR
from eco_credit.valuation.approach import VALUE, Approach, CashFlow, Figures, Step
from eco_credit.valuation.case import Case, Indices
from eco_credit.valuation.kinds.order.facts import CUTS, RULES
from eco_credit.valuation.methods.order import buyer_collects, harvest_kept, price_kept
from eco_credit.valuation.parameter import Parameter

_CUTS = {
    "unapplied_out": ("未核销", "unapplied cash and credits"),
    "aged_out": ("逾期", "past due"),
    "cross_out": ("交叉账龄", "cross-age"),
    "contra_out": ("对销", "contra"),
    "related_out": ("关联交易", "related parties"),
    "foreign_out": ("境外或外币", "foreign"),
    "disputed_out": ("争议", "disputed"),
    "government_out": ("政府买方或按进度结算", "government or progress billing"),
    "concentrated": ("集中度超额", "concentration"),
}


def _fact(name: str, zh: str, en: str, unit: str = "CNY") -> Parameter:
    return Parameter(name, zh, en, unit, derive=lambda case: case.facts[name])


_BOOK = (
    _fact("gross", "订单金额", "amount of the order"),
    _fact("paid", "已付", "paid"),
    _fact("deposit", "定金", "deposit"),
    _fact("owed", "未收款余额", "outstanding"),
    *(_fact(name, f"剔除{zh}后", f"after {en}") for name, (zh, en) in _CUTS.items()),
    *(_fact(f"{name}_excluded", f"剔除额:{zh}", f"taken off: {en}") for name, (zh, en) in _CUTS.items()),
    _fact("excluded", "剔除合计", "taken off in all"),
)
_GOODS = (
    Parameter("stock", "存货价值", "value of the goods today", "CNY", derive=lambda case: case.facts["stock"],
              spread=f"{RULES}.goods_spread", driver="goods"),
    Parameter("price", "变现时价格系数", "price at the sale over the price of today", "ratio", rule=f"{RULES}.price",
              driver="price", lowest=0.0),
    Parameter("collected", "回款比例", "part of the claim collected", "ratio", rule=f"{RULES}.collected",
              driver="collected", lowest=0.0, highest=1.0),
    _fact("undelivered", "未交付", "not yet delivered (1 or 0)", "ratio"),
    Parameter("due_in", "距到期年数", "years to the due day", "year",
              derive=lambda case: np.maximum(0.0, case.months_left("due_on") / MONTHS_PER_YEAR)),
)  # fmt: skip


def _cut_steps() -> tuple[Step, ...]:
    """One step per exclusion, shown where it took something off."""
    before = ("owed", *CUTS)
    return tuple(
        Step(name, f"剔除{_CUTS[name][0]}后", f"after {_CUTS[name][1]}", "CNY", "x − e",
             f"{{{before[place]}}} − {{{name}_excluded}}", when=f"{name}_excluded")
        for place, name in enumerate(CUTS)
    )  # fmt: skip


_BOOK_STEPS = (
    Step("owed", "未收款余额", "outstanding after cash and deposit", "CNY", "max(0, O − paid − deposit)",
         "max(0, {gross} − {paid} − {deposit})"),
    *_cut_steps(),
    Step("eligible", "合格余额", "eligible", "CNY", "E = owed − Σ e", "{owed} − {excluded}"),
)  # fmt: skip
_LAST_STEPS = (
    Step("goods_value", "存货变现价值", "value of the goods at the sale", "CNY", "S p", "{stock} × {price}",
         when="stock"),
    Step("goods", "另计存货价值", "goods beside the claim", "CNY", "G = max(0, S p − u C)",
         "max(0, {goods_value} − {undelivered} × {claim})", when="stock"),
    Step("right_value", "订单价值", "value of the order", "CNY", "V = C + G", "{claim} + {goods}"),
)  # fmt: skip


def _with_goods(f: Figures, found: Figures) -> Figures:
    """Goods not yet delivered become the claim: only what they are worth above it stands beside it."""
    worth = f["stock"] * f["price"]
    goods = np.maximum(0.0, worth - f["undelivered"] * found["claim"])
    return found | {"eligible": f["concentrated"], "goods_value": worth, "goods": goods, VALUE: found["claim"] + goods}


def _order(f: Figures) -> Figures:
    expected = f["concentrated"] * f["stage"]
    kept = harvest_kept(f["loss"], f["performance"], exposed=f["exposed"])
    asked = price_kept(f["price"], f["undelivered"], passed_on=f["price_passed_on"])
    claim = expected * kept * asked * f["collected"]
    return _with_goods(f, {"expected": expected, "kept": kept, "asked": asked, "claim": claim})


BORROWING_BASE = Approach(
    "borrowing_base", "借款基数法", "borrowing base", "abl-practice",
    (*_BOOK, *_GOODS,
     _fact("stage", "阶段系数", "stage factor", "ratio"),
     Parameter("loss", "履约损失率", "expected performance loss", "ratio", derive=lambda case: case.facts["loss"],
               spread=f"{RULES}.performance_spread", driver="loss", highest=1.0),
     Parameter("performance", "年景兑现系数", "part the year lets be delivered", "ratio", rule=f"{RULES}.performance",
               lowest=0.0, highest=1.0),
     _fact("exposed", "年景影响比例", "part of a bad year that falls on the order", "ratio"),
     Parameter("price_passed_on", "跌价传导比例", "part of a price fall passed on to an agreed price", "ratio",
               rule=f"{RULES}.price_passed_on", lowest=0.0, highest=1.0)),
    _order,
    (*_BOOK_STEPS,
     Step("expected", "乘阶段系数后", "after the stage factor", "CNY", "E θ", "{eligible} × {stage}"),
     Step("kept", "履约系数", "part delivered", "ratio", "k = (1 − l)(1 − x (1 − y))",
          "(1 − {loss}) × (1 − {exposed} × (1 − {performance}))"),
     Step("asked", "价格兑现系数", "part of the agreed price kept", "ratio", "q = 1 − u b (1 − min(1, p))",
          "1 − {undelivered} × {price_passed_on} × (1 − min(1, {price}))"),
     Step("claim", "预期债权", "claim expected", "CNY", "C = E θ k q c",
          "{expected} × {kept} × {asked} × {collected}"),
     *_LAST_STEPS),
)  # fmt: skip


def _receivable(f: Figures) -> Figures:
    collects = buyer_collects(f["collected"], f["buyer_loss"])
    return _with_goods(f, {"collects": collects, "claim": f["concentrated"] * collects})


RECEIVABLE = Approach(
    "receivable", "应收账款余额法", "receivable net of expected loss", "abl-practice",
    (*_BOOK, *_GOODS,
     Parameter("buyer_loss", "买方预期损失率", "expected loss on the buyer, PD × LGD", "ratio",
               derive=lambda case: case.facts["buyer_credit"], spread=f"{RULES}.buyer_loss_spread", highest=1.0)),
    _receivable,
    (*_BOOK_STEPS,
     Step("collects", "预期回款比例", "part expected to come in", "ratio", "c (1 − PD LGD)",
          "{collected} × (1 − {buyer_loss})"),
     Step("claim", "预期债权", "claim expected", "CNY", "C = E c (1 − PD LGD)", "{eligible} × {collects}"),
     *_LAST_STEPS),
)  # fmt: skip


def _paid_when_due(f: Mapping[str, float]) -> list[CashFlow]:
    return [
        CashFlow(f["due_in"], f["claim"], "买方付款", "payment of the buyer"),
        CashFlow(f["due_in"], f["goods"], "存货变现", "sale of the goods beside the claim"),
    ]


APPROACHES = tuple(replace(approach, cash=_paid_when_due) for approach in (BORROWING_BASE, RECEIVABLE))


def choose(case: Case) -> Indices:
    """Place of each pledge's method among `APPROACHES`, shape (n,).

    A receivable needs to be stated as one, invoiced, registered and confirmed; everything else is an order.
    """
    return np.where(is_yes(case.facts["receivable"]), 1, 0).astype(np.intp)
