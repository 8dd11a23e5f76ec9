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
# # From a GEP account to a loan limit
#
# A county publishes a gross ecosystem product account; a cooperative brings a stand of fir and asks for a loan.
# This page follows the money: what the account says, which part of it the holder of the right may sell, what the stand
# is worth, and what the lender is advised to do. The borrower is invented (synthetic); the account and the appraisal
# case are published.

# %%
import json
from pathlib import Path

import pandas as pd

import eco_credit as ec

root = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "examples").is_dir())

# %% [markdown]
# ## 1. The account
#
# Garze prefecture 2010 (doi:10.5846/stxb201607011362), 28 rows as printed.

# %%
rows = pd.read_csv(root / "examples" / "garze_2010.csv")
account = ec.account(rows, norm="garze-paper")
print(f"total {account.total / 1e8:,.2f}e8 CNY a year")

# %% [markdown]
# The same rows under the national trial norm of 2022: oxygen release is not on its list, so a quarter of the total leaves.
# The two totals answer different questions and refuse to be added.

# %%
national = ec.account(rows, norm="norm-2022")
print(f"total {national.total / 1e8:,.2f}e8 CNY a year; left out:", sorted({left.service for left in national.left_out}))

# %% [markdown]
# ## 2. The stand, and the part of the flows its holder may sell

# %%
application = json.loads((root / "examples" / "forest_right.json").read_text("utf-8"))
value = ec.appraise(application["pledges"][0], as_of=application["as_of"], term_months=application["loan"]["term_months"])
print(f"may sell {value['gep']['entitled_cny_per_year']:,.0f} CNY a year; "
      f"public benefit {value['gep']['public_benefit_cny_per_year']:,.0f} CNY a year (information only)")
print({name: f"{value['appraisal'][name]:,.0f}" for name in ("low", "central", "high")}, value["appraisal"]["approach"])
pd.DataFrame(value["appraisal"]["steps"])[["en", "value", "unit"]]

# %% [markdown]
# ## 3. From value to limit

# %%
answer = ec.score(application)
print(answer["recommendation"], f"limit {answer['max_loan']:,.0f} CNY,", f"PD {answer['pd']['value']:.2%}, LGD {answer['lgd']['value']:.2%}")
pd.DataFrame(answer["reasons"])[["code", "points", "en", "zh"]]

# %% [markdown]
# The model behind these figures was trained on simulated loans and says so in `provenance`.

# %%
assert answer["provenance"]["synthetic_model"] is True
assert value["appraisal"]["central"] == 5_736_060.0  # the published figure
assert value["gep"]["public_benefit_cny_per_year"] > value["gep"]["entitled_cny_per_year"]
