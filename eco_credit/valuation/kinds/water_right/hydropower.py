"""Hydropower: energy of the water through the turbine, no more than was metered, sold at the feed-in price."""

from __future__ import annotations

import numpy as np

from eco_credit.valuation.approach import Approach, Figures, Step
from eco_credit.valuation.kinds.water_right.facts import RULES
from eco_credit.valuation.kinds.water_right.inputs import (
    DELIVERY,
    SHARE_STEPS,
    TERM,
    USABLE,
    VALUE_STEPS,
    cost,
    delivered,
    fact,
    price,
    stated,
    valued,
    volume_step,
)
from eco_credit.valuation.kinds.water_right.margin import SOURCE
from eco_credit.valuation.methods.water import energy_per_cubic_metre, energy_within_capacity, hydropower_income
from eco_credit.valuation.parameter import Parameter


def _has(field: str, zh: str, en: str) -> Parameter:
    return Parameter(f"has_{field}", zh, en, "boolean", derive=lambda case: np.where(case.known(field), 1.0, 0.0))


def _energy(f: Figures, found: Figures) -> Figures:
    """Energy by head and volume, by the meter and by the capacity; the smallest of those that are known."""
    by_head = found["volume"] * energy_per_cubic_metre(f["efficiency"], f["head"])
    # the meter reads a year of the shares behind it: drier years make less
    dry = np.equal(f["share"], 0.0)
    wet = np.where(dry, 0.0, found["allocation"] / np.where(dry, 1.0, f["share"]))
    metered = f["energy"] * wet
    theoretical = np.where(f["has_head"] > 0.0, by_head, metered)
    energy = np.where(f["has_energy"] > 0.0, np.minimum(theoretical, metered), theoretical)
    within = energy_within_capacity(energy, capacity=f["installed_kw"])
    power = np.where(f["has_installed_kw"] > 0.0, within, energy)
    return {"metered": metered, "theoretical": theoretical, "water_energy": energy,
            "power": power}  # fmt: skip


def _hydropower(f: Figures) -> Figures:
    found = delivered(f, "usable")
    found |= _energy(f, found)
    income = hydropower_income(
        found["power"], f["feed_in_price"], tax_rate=f["tax"], cost_rate=f["cost"], opex=f["opex"]
    )
    still = np.equal(found["volume"], 0.0)
    unit = np.where(still, 0.0, income / np.where(still, 1.0, found["volume"]))
    return found | {"unit_value": unit} | valued(f, income)


_ENERGY_STEPS = (
    Step("theoretical", "理论年发电量", "energy of a year by head and volume", "kWh/year", "9.81 η H q / 3600",
         "9.81 × {efficiency} × {head} × {volume} ÷ 3600", when="has_head"),
    Step("metered", "计量年发电量", "metered energy of a year", "kWh/year", "E_m E[a] / a₀",
         "{energy} × {allocation} ÷ {share}", when="metered"),
    Step("water_energy", "来水可发电量", "the smaller of the two", "kWh/year", "min(E_t, E_m)",
         "min({theoretical}, {metered})", when="has_energy"),
    Step("power", "计价年发电量", "energy counted", "kWh/year", "min(E, N × 8760)",
         "min({water_energy}, {installed_kw} × 8760)", when="has_installed_kw"),
    Step("net_income", "年净收益", "net income of a year", "CNY/year", "E p (1 − t − c) − O",
         "{power} × {feed_in_price} × max(0, 1 − {tax} − {cost}) − {opex}"),
    Step("unit_value", "单方净收益(年)", "net value of one m3 in a year", "CNY/m3", "B / q", "{net_income} ÷ {volume}",
         when="volume"),
)  # fmt: skip

HYDROPOWER = Approach(
    "hydropower", "水电收益法", "hydropower income", SOURCE,
    (*DELIVERY, USABLE, fact("share", "基准配水比例 a₀", "share behind the meter a₀", "ratio"),
     Parameter("efficiency", "水电综合效率 η", "efficiency η", "ratio", field="efficiency", rule=f"{RULES}.efficiency",
               highest=1.0),
     _has("head", "水头已知", "head known"),
     Parameter("head", "水头 H", "head H", "m", derive=lambda case: stated(case, "head", 0.0)),
     _has("energy", "计量电量已知", "metered energy known"),
     Parameter("energy", "计量年发电量 E_m", "metered energy E_m", "kWh/year",
               derive=lambda case: stated(case, "energy", 0.0)),
     _has("installed_kw", "装机已知", "capacity known"),
     Parameter("installed_kw", "装机容量 N", "installed capacity N", "kW",
               derive=lambda case: stated(case, "installed_kw", 0.0)),
     price("feed_in_price", "上网电价", "feed-in price", unit="CNY/kWh"),
     Parameter("tax", "税费率 t", "taxes on revenue t", "ratio", rule=f"{RULES}.hydropower_tax"),
     Parameter("cost", "运行成本率 c", "running cost on revenue c", "ratio", rule=f"{RULES}.hydropower_cost",
               derive=lambda case: np.where(case.known("opex"), 0.0, np.nan)),
     cost("opex", "年运行费 O", "running cost of a year O", unit="CNY/year",
          derive=lambda case: stated(case, "opex", 0.0)),
     *TERM),
    _hydropower, (*SHARE_STEPS, volume_step("usable"), *_ENERGY_STEPS, *VALUE_STEPS),
)  # fmt: skip
