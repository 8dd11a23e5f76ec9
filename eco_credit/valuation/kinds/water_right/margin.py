"""Methods by the net benefit of one m3: tariff margin, avoided shortage, lease, stated benefit, estimate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.valuation.approach import Approach, Figures, Step
from eco_credit.valuation.case import Case
from eco_credit.valuation.kinds.water_right.facts import RULES
from eco_credit.valuation.kinds.water_right.inputs import (
    DELIVERY,
    INCOME_STEP,
    SELLABLE,
    SHARE_STEPS,
    TERM,
    USABLE,
    VALUE_STEPS,
    cost,
    delivered,
    price,
    stated,
    valued,
    volume_step,
)
from eco_credit.valuation.parameter import Parameter

SOURCE = "water-income-method"


def _by_margin(margin: Callable[[Figures], Floats], limit: str) -> Callable[[Figures], Figures]:
    """The income method with a net benefit per m3 and a limit of the volume."""

    def value(f: Figures) -> Figures:
        found, unit = delivered(f, limit), margin(f)
        return found | {"unit_value": unit} | valued(f, found["volume"] * unit)

    return value


def _steps(formula: str, working: str, limit: str = "usable") -> tuple[Step, ...]:
    unit = Step("unit_value", "单方净收益(年)", "net value of one m3 in a year", "CNY/m3", formula, working)
    return (*SHARE_STEPS, volume_step(limit), unit, INCOME_STEP, *VALUE_STEPS)


def _margin(names: tuple[str, str, str], earned: Parameter, spent: Parameter, formula: str) -> Approach:
    """Income method whose benefit is one stated figure less another."""
    return Approach(
        *names, SOURCE, (*DELIVERY, USABLE, earned, spent, *TERM),
        _by_margin(lambda f: f[earned.name] - f[spent.name], "usable"),
        _steps(formula, f"{{{earned.name}}} − {{{spent.name}}}"),
    )  # fmt: skip


_WATER_COST = cost("water_cost", "单方供水成本", "cost of one m3")
TARIFF_MARGIN = _margin(
    ("tariff_margin", "收益法(水价差)", "income by the tariff margin"),
    price("tariff", "水价", "tariff"), _WATER_COST, "b = p − c",
)  # fmt: skip
AVOIDED_SHORTAGE = _margin(
    ("avoided_shortage", "收益法(避免缺水损失)", "income by the shortage avoided"),
    price("shortage_cost", "单方缺水损失", "loss from one m3 that is lacking"), _WATER_COST, "b = s − c",
)  # fmt: skip


def _opex_share(case: Case) -> Floats:
    """Running cost of the works for one m3 handled in a year, CNY/m3; 0 where it is not stated."""
    used, permit = case.facts["used"], case.facts["permit"]
    handled = np.where(used > 0.0, used, permit)
    return stated(case, "opex", 0.0) / np.where(handled > 0.0, handled, 1.0)


LEASE = Approach(
    "lease", "收益法(租金)", "income by the lease price", SOURCE,
    (*DELIVERY, SELLABLE, price("lease_price", "租赁水价", "lease price"),
     cost("opex_share", "单方运行费", "running cost of one m3", derive=_opex_share), *TERM),
    _by_margin(lambda f: f["lease_price"] - f["opex_share"], "sellable"),
    _steps("b = l − O / q_used", "{lease_price} − {opex_share}", "sellable"),
)  # fmt: skip
INCOME = Approach(
    "income", "收益法(单方净效益)", "income by stated net benefit", SOURCE,
    (*DELIVERY, USABLE, price("price", "单方净效益", "net benefit of one m3", field="unit_margin"), *TERM),
    _by_margin(lambda f: f["price"], "usable"), _steps("b", "{price}"),
)  # fmt: skip
INCOME_ESTIMATE = Approach(
    "income_estimate", "收益法(缺省单方效益)", "income by the rulebook's net benefit", SOURCE,
    (*DELIVERY, USABLE,
     Parameter("price", "单方净效益(按用途)", "net benefit of one m3 by purpose", "CNY/m3", rule=f"{RULES}.unit_margin",
               table_spread=f"{RULES}.estimate_spread"), *TERM),
    _by_margin(lambda f: f["price"], "usable"), _steps("b", "{price}"),
)  # fmt: skip
