# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How far may the price of a water right fall before it is sold?
#
# An appraisal is true on its day. The lender sells later: after the rest of the term and the time to sell. This page
# sets a price haircut from deals and then checks it the only honest way: with the haircut that was known **before**,
# against the price **after**.
#
# Real sales (permanent water shares, Victoria, Australia; Victorian Water Register) are read when the folder `shared`
# lies beside the repository; they may not be copied into it. Without that folder the page runs on **simulated prices**,
# and every figure is then synthetic.

# %%
from pathlib import Path

import numpy as np
import pandas as pd

from eco_credit.rulebook import load
from eco_credit.valuation import price_risk as pr

root = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "examples").is_dir())
source = root.parent / "shared" / "data" / "water_share_trades_vic" / "water_share_trades_dev.parquet"
synthetic = not source.exists()
policy = pr.price_policy(load().at("2026-11-23"))
policy

# %% [markdown]
# ## 1. Deals
#
# Only recorded sales count, by the day of approval, at 100 AUD per ML and more: zero and token prices are gifts and
# transfers between related parties.


# %%
def real_deals() -> dict[str, pr.Deals]:
    frame = pd.read_parquet(source)
    frame = frame[frame["Reliability"] == "High"]
    named = pd.DataFrame({
        "approved_on": pd.to_datetime(frame["Approved / Refused Date"], format="%d/%m/%Y"),
        "price": frame["Price Per ML ($)"],
        "volume": frame["Volume Traded (ML)"],
        "status": frame["Status"],
        "zone": frame["Trading Zone Source"].str.split().str[0],
    })
    return {zone: pr.read_deals(part, least_price=100.0) for zone, part in named.groupby("zone")}


def simulated_deals(seed: int = 7) -> dict[str, pr.Deals]:
    """Synthetic: 13 years of sales about a driftless price with 15 % volatility a year and trending returns."""
    rng = np.random.default_rng(seed)
    found = {}
    for zone in ("synthetic A", "synthetic B", "synthetic C"):
        shocks = rng.normal(0.0, 0.075 * np.sqrt(1 - 0.2**2), 53)
        returns = np.zeros(53)
        for t in range(1, 53):
            returns[t] = 0.2 * returns[t - 1] + shocks[t]
        level = 2000.0 * np.exp(np.cumsum(returns))
        quarter = np.repeat(np.arange(53), 60)
        first = (np.datetime64("2009-04", "M") + 3 * quarter).astype("datetime64[D]")
        table = {
            "approved_on": first + rng.integers(0, 89, len(quarter)),
            "price": level[quarter] * rng.lognormal(0.0, 0.12, len(quarter)),
        }
        found[zone] = pr.read_deals(table)
    return found


deals = simulated_deals() if synthetic else real_deals()
print("SYNTHETIC prices: no figure below is about a real market" if synthetic else "real sales")
print({zone: f"{len(d.prices):,} deals" for zone, d in deals.items()})

# %% [markdown]
# ## 2. Quarterly median and the largest fall on record

# %%
index = {zone: pr.price_index(d.days, d.prices, least=policy.least_per_period) for zone, d in deals.items()}
peaks = []
for zone, series in index.items():
    fall = pr.maximum_drawdown(series.prices)
    peaks.append((zone, f"{fall.fall:.0%}", series.starts[fall.peak], series.starts[fall.trough]))
pd.DataFrame(peaks, columns=["zone", "largest fall", "peak quarter", "trough quarter"])

# %% [markdown]
# ## 3. The haircut today, method by method
#
# Volatility with autocorrelation, the driftless lognormal price at the end and at the worst moment of the horizon,
# historical simulation, and the expected maximum drawdown. The house takes the largest. Caveats come with it.

# %%
risks = {zone: pr.price_haircut(series, policy=policy) for zone, series in index.items()}
for zone, risk in risks.items():
    print(zone, f"volatility {risk.volatility:.1%} a year,", f"haircut {risk.haircut:.0%} ({risk.chosen});", [c.en for c in risk.caveats])
pd.DataFrame({zone: risk.haircuts for zone, risk in risks.items()}).round(3)

# %% [markdown]
# ## 4. What was known before, and what then happened
#
# At every quarter end only earlier sales are read. Horizons overlap, so the exact interval and the Kupiec test use
# separate horizons only; there are few, and the interval says so.

# %%
run = pr.backtest(deals, policy=policy)
table = pd.DataFrame([{
    "zone": o.series, "origin": o.origin, "months": o.horizon_months, "haircut": o.haircut,
    "worst fall": o.worst_fall, "fall at end": o.fall_at_end, "exceeded": o.exceeded("house"),
} for o in run.origins])
table[(table["months"] == 36) & table["origin"].isin(["2011-04-01", "2012-07-01", "2014-01-01", "2019-07-01"])].round(3)

# %%
lines = [line for line in run.coverage if line.series == "all" and line.method in ("house", "lognormal", "historical_worst")]
pd.DataFrame([{
    "months": line.horizon_months, "method": line.method, "exceeded": f"{line.exceedances} of {line.origins}",
    "separate": f"{line.separate_exceedances} of {line.separate}",
    "rate, 95 % interval": f"{line.low:.0%} to {line.high:.0%}", "Kupiec p": round(line.kupiec_p, 2),
} for line in lines])

# %% [markdown]
# ## 5. What a loan-to-value ceiling survives
#
# A loan at the ceiling is repaid from a sale at market after a fall f when (1 − f)(1 − cost) is at least the ceiling.

# %%
rules = load().at("2026-11-23")
ceiling, cost = rules.number("valuation.water.ltv"), rules.table("valuation.water.sale_cost")["central"]
haircut = rules.number("valuation.price_risk.water_haircut")
print(f"ceiling {ceiling:.0%}: survives a fall of {1 - ceiling / (1 - cost):.0%}; "
      f"house haircut {haircut:.0%} allows {(1 - haircut) * (1 - cost):.0%} at market, "
      f"{(1 - haircut) * (1 - cost) * rules.table('valuation.water.sale_factor')['central']:.0%} in a forced sale")

# %%
assert all(0.0 <= risk.haircut < 1.0 for risk in risks.values())
if not synthetic:
    assert [round(100 * pr.maximum_drawdown(index[zone].prices).fall) for zone in ("1A", "6", "7")] == [46, 49, 42]
    assert run.of("all", 36).exceedances == 0
