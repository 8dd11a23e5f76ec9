"""The parameters and steps the water methods share: volume delivered, term, renewal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eco_credit.core.numbers import Floats, where_known
from eco_credit.valuation.approach import VALUE, CashFlow, Figures, Step
from eco_credit.valuation.case import Case
from eco_credit.valuation.kinds.water_right.facts import RULES, YEARS, filing_missed, front_and_width
from eco_credit.valuation.methods.water import renewal_value, term_income_value
from eco_credit.valuation.methods.water_delivery import (
    delivered_volume,
    mean_share,
    share_by_guarantee,
    share_by_rank,
)
from eco_credit.valuation.parameter import Parameter, Read

ANNUITY = "(1 − (1 + {rate}) ^ (−%s)) ÷ {rate}"
"""Working of an annuity factor for the years named."""


def fact(name: str, zh: str, en: str, unit: str) -> Parameter:
    """A figure the kind has worked out; certain."""
    return Parameter(name, zh, en, unit, derive=lambda case: case.facts[name])


def price(name: str, zh: str, en: str, *, field: str | None = None, unit: str = "CNY/m3") -> Parameter:
    """A stated price; all prices of a method move together."""
    return Parameter(name, zh, en, unit, field=field or name, spread=f"{RULES}.margin_spread", driver="price")


def cost(name: str, zh: str, en: str, *, unit: str = "CNY/m3", derive: Read | None = None) -> Parameter:
    """A stated cost; all costs of a method move together."""
    return Parameter(
        name, zh, en, unit, field=None if derive else name, derive=derive, spread=f"{RULES}.cost_spread", driver="cost"
    )


def stated(case: Case, name: str, default: float) -> Floats:
    """A field where it is known, else a default, shape (n,)."""
    return where_known(case.number(name), default)


def _renewal(case: Case) -> Floats:
    """Chance of a renewal that is filed, 0 where the day to file went by; NaN where the usual chance holds."""
    filed = np.where(case.yes("renewal_filed"), case.rules.number(f"{RULES}.renewal_chance_filed"), np.nan)
    return np.where(filing_missed(case), 0.0, filed)


def _allocation(year: int) -> Parameter:
    return Parameter(
        f"allocation_{year}", f"前{year}年配水比例", f"allocation {year} years ago", "ratio",
        derive=lambda case: case.facts[f"allocation_{year}"], spread=f"{RULES}.allocation_spread",
        driver="allocation", lowest=0.0, highest=1.0,
    )  # fmt: skip


DELIVERY = (
    fact("permit", "年许可取水量", "permitted volume", "m3/year"),
    *(_allocation(year) for year in YEARS),
    fact("senior", "优先权", "senior right", "boolean"),
    fact("junior", "次位权", "junior right", "boolean"),
    Parameter("senior_share", "优先权占比", "senior part of the rights in the source", "ratio",
              rule=f"{RULES}.senior_share"),
    Parameter("guarantee", "保证率", "guarantee rate", "ratio", lowest=0.0, highest=1.0,
              derive=lambda case: stated(case, "guarantee_rate", 1.0)),
    Parameter("dry_share", "破坏年供水比例", "share delivered in a year below the guarantee", "ratio",
              rule=f"{RULES}.dry_share"),
)  # fmt: skip
TERM = (
    fact("years_left", "剩余有效年限", "years left of the permit", "year"),
    Parameter("rate", "折现率 r", "real discount rate r", "ratio", rule=f"{RULES}.discount_rate", lowest=0.001),
    Parameter("renewal", "延续概率 ρ", "chance of renewal ρ", "ratio", derive=_renewal, rule=f"{RULES}.renewal_chance",
              spread=f"{RULES}.renewal_spread", lowest=0.0, highest=1.0),
    Parameter("renewal_years", "延续年限 R", "years granted by a renewal R", "year",
              derive=lambda case: np.array([case.rules.number(f"{RULES}.renewal_years")])),
)  # fmt: skip
USABLE = fact("usable", "实际取水与计划较小者", "use within the plan", "m3/year")
SELLABLE = fact("sellable", "可转让水量", "volume that may be transferred", "m3/year")


def shares(f: Figures) -> Figures:
    """Part of the source served first, share of each year, and the share to expect as ``allocation``."""
    front, width = front_and_width(f["senior"], f["junior"], f["senior_share"])
    yearly = {f"share_{y}": share_by_rank(f[f"allocation_{y}"], front=front, width=width) for y in YEARS}
    mean = mean_share(*yearly.values())
    expected = np.minimum(mean, share_by_guarantee(f["guarantee"], f["dry_share"]))
    return {"front": front, "width": width, **yearly, "allocation": expected}


def delivered(f: Figures, limit: str) -> Figures:
    """The shares and the volume that counts, no more than the limit named."""
    found = shares(f)
    return found | {"volume": delivered_volume(f["permit"], found["allocation"], limit=f[limit])}


def valued(f: Figures, income: Floats) -> Figures:
    """Income of a year turned into the value of the term granted and of one renewal by its chance."""
    granted = term_income_value(income, rate=f["rate"], years=f["years_left"])
    renewed = renewal_value(
        income, probability=f["renewal"], rate=f["rate"], years=f["years_left"], renewed=f["renewal_years"]
    )
    return {"net_income": income, "granted_value": granted, "renewal_value": renewed, VALUE: granted + renewed}


SHARE_STEPS = (
    Step("front", "先于本权供水的占比", "part of the rights served first", "ratio", "f = j s",
         "{junior} × {senior_share}"),
    Step("width", "同位次权利占比", "part of the rights of this rank", "ratio", "w = 1 − k (1 − s) − j s",
         "1 − {senior} × (1 − {senior_share}) − {junior} × {senior_share}"),
    *(Step(f"share_{y}", f"前{y}年本权配水比例", f"share of this right, year −{y}", "ratio",
           "min(1, max(0, (a − f) / w))", f"min(1, max(0, ({{allocation_{y}}} − {{front}}) ÷ {{width}}))")
      for y in YEARS),
    Step("allocation", "期望配水比例 E[a]", "share to expect E[a]", "ratio", "min(Σ a_t / 3, g + (1 − g) d)",
         "min(({share_1} + {share_2} + {share_3}) ÷ 3, {guarantee} + (1 − {guarantee}) × {dry_share})"),
)  # fmt: skip


def volume_step(limit: str) -> Step:
    """The step of the volume that counts."""
    return Step("volume", "计价水量", "volume counted", "m3/year", "q = min(W E[a], q_max)",
                f"min({{permit}} × {{allocation}}, {{{limit}}})")  # fmt: skip


INCOME_STEP = Step("net_income", "年净收益", "net income of a year", "CNY/year", "B = q b", "{volume} × {unit_value}")
VALUE_STEPS = (
    Step("years_left", "剩余有效年限", "years left of the permit", "year"),
    Step("granted_value", "有效期内价值", "value over the term granted", "CNY", "B [1 − (1+r)^−T] / r",
         "{net_income} × " + ANNUITY % "{years_left}"),
    Step("renewal_value", "延续期价值(计概率)", "value of one renewal by its chance", "CNY",
         "ρ B [1 − (1+r)^−R] / r (1+r)^−T",
         "{renewal} × {net_income} × " + ANNUITY % "{renewal_years}" + " × (1 + {rate}) ^ (−{years_left})"),
    Step("right_value", "水权价值", "value of the water right", "CNY", "V = V_T + V_R",
         "max(0, {granted_value} + {renewal_value})"),
)  # fmt: skip


def yearly_cash(f: Mapping[str, float]) -> list[CashFlow]:
    """The income of every year granted, and after it that of one renewal, by its chance."""
    income, granted = f["net_income"], f["years_left"]
    return [
        CashFlow(1.0, income, "年净收益", "net income of a year", granted),
        CashFlow(
            1.0 + granted, f["renewal"] * income, "延续期年净收益(计概率)", "income after a renewal, by its chance",
            f["renewal_years"],
        ),
    ]  # fmt: skip
