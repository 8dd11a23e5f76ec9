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
# # From your own tape to a promoted model
#
# For the risk team of a lender. You bring a loan tape (贷款台账) with your own column names and units; at the end a model
# trained on it is in service, signed by the person who trained it and by another who approved it, its evaluation is on
# record, and one command takes it back.
#
# The tape of this page is **synthetic** (模拟数据): simulated loans, written the way a bank's system would export them.
# To run the page on your own loans, put your file in the place of `tape_file` and your names into the mapping.

# %%
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

import eco_credit as ec
from eco_credit.contracts import check_columns, contract
from eco_credit.core.errors import ContractError, EcoCreditError
from eco_credit.registry import Store, open_model, promote, rollback, served
from eco_credit.registry.folder import ModelName
from eco_credit.registry.mlflow import attach_report, list_models, reconcile
from eco_credit.registry.promote import Approval
from training.assess import assess
from eco_credit.contracts.mapping import read_mapped, read_mapping
from training.plan import plan_of
from training.simulate import simulate_tape
from training.train import Setting, train

root = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "examples").is_dir())
folder = Path(tempfile.mkdtemp(prefix="tape-to-model-"))

# %% [markdown]
# ## 1. The tape as the bank has it
#
# Amounts in 万元, the loan-to-value in per cent, days written out, 是 and 否, one column that is nobody's business here.

# %%
bank_name = {
    "loan_id": "借据编号", "borrower_id": "客户号", "origination": "放款日期", "exposure": "贷款余额",
    "collateral_value": "押品价值", "ltv": "抵押率", "term_months": "贷款期限", "default_12m": "是否违约",
    "forest_stock": "亩均蓄积",
}  # fmt: skip


def bank_export(loans: int, seed: int, path: Path) -> Path:
    """Simulated loans in the words and units of a bank."""
    tape = simulate_tape(loans, seed=seed)
    labels = {field.name: field.label_zh for field in contract("loan_tape").fields}
    frame = pd.DataFrame({bank_name.get(name, labels[name]): column for name, column in tape.items()})
    frame["贷款余额"] = np.round(tape["exposure"] / 1e4, 4)
    frame["押品价值"] = np.round(tape["collateral_value"] / 1e4, 4)
    frame["抵押率"] = np.round(tape["ltv"] * 100, 6)
    frame["亩均蓄积"] = np.round(tape["forest_stock"] / 15, 6)
    frame["放款日期"] = [f"{day:%Y年%m月%d日}" for day in tape["origination"].tolist()]
    frame["是否违约"] = np.where(tape["default_12m"] > 0, "是", "否")
    frame["客户经理"] = "某某"
    frame.drop(columns=["真实违约概率", "真实违约损失率"]).to_csv(path, index=False, encoding="gb18030")
    return path


tape_file = bank_export(6_000, 31, folder / "贷款台账.csv")
pd.read_csv(tape_file, encoding="gb18030", nrows=3)[["借据编号", "放款日期", "贷款余额", "抵押率", "亩均蓄积", "是否违约", "客户经理", "模拟数据"]]

# %% [markdown]
# ## 2. The mapping: your names, our names, your units
#
# Columns whose header already is a Chinese or English label of the contract need no line. Everything else is mapped or
# dropped by name, so that nothing is lost without a word. The first try forgets a unit and a column, and is told so.

# %%
mapping_file = folder / "mapping.yaml"
lines = {bank_name[name]: name for name in ("loan_id", "borrower_id", "origination", "default_12m", "term_months")}
lines |= {"贷款余额": "exposure", "押品价值": {"field": "collateral_value", "unit": "万元"},
          "抵押率": {"field": "ltv", "unit": "%"}, "亩均蓄积": {"field": "forest_stock", "unit": "m3/亩"}}  # fmt: skip
mapping_file.write_text(yaml.safe_dump({"columns": lines}, allow_unicode=True), encoding="utf-8")
try:
    read_mapped(tape_file, read_mapping(mapping_file))
    refused = []
except ContractError as error:
    refused = [(found.field, found.rule, found.en) for found in error.violations]
assert sorted(rule for _, rule, _ in refused) == ["unit_not_stated", "unmapped_column"]
pd.DataFrame(refused, columns=["column", "rule", "what to do"])

# %%
lines["贷款余额"] = {"field": "exposure", "unit": "万元"}
mapping_file.write_text(yaml.safe_dump({"columns": lines, "drop": ["客户经理"]}, allow_unicode=True), encoding="utf-8")
tape = read_mapped(tape_file, read_mapping(mapping_file))
print(mapping_file.read_text("utf-8"))

# %% [markdown]
# ## 3. The contract check
#
# Every value against the data contract. A negative loan-to-value is found with its row before anything is trained on it.

# %%
assert check_columns(contract("loan_tape"), tape) == []
spoiled = tape | {"ltv": np.where(np.arange(len(tape["ltv"])) == 7, -0.6, tape["ltv"])}
[(broken.field, broken.rule, int(np.argmax(broken.rows)) + 1) for broken in check_columns(contract("loan_tape"), spoiled)]

# %% [markdown]
# ## 4. Training by a plan
#
# The plan says everything that decides the model: windows in time, parameters, bars. It is small here, so that the page
# runs in seconds. `li.wei` trains and signs; the package becomes `challenger`.

# %%
store = Store(folder / "home")
plan = {
    "name": "eco-credit",
    "about": "Notebook of the risk team on a synthetic tape",
    "split": {"start": "2014-01-01", "stop": "2020-01-01", "calibrate": "2021-07-01", "evaluate": "2023-07-01", "end": "2025-11-01"},
    "pd": {"rounds": 60, "patience": 10, "max_bin": 15, "min_rows": 40},
    "lgd": {"rounds": 20, "min_rows": 10, "max_bin": 7},
    "bars": [{"statistic": "proof.violations", "at_most": 0}, {"statistic": "pd.auc.low", "at_least": 0.55}],
}  # fmt: skip
first = train(plan_of(plan), tape, Setting(store, trainer="li.wei"))
print(first.gate["status"], dict(first.counts), "package", first.digest[:12])
pd.DataFrame(first.gate["gates"])[["gate", "statistic", "value", "green", "light"]]

# %% [markdown]
# The run in the registry holds the same: a metric per gate, the digest of the tape, the seed, the evaluation and the
# card. No row of the tape is in it. What a person must still write stands blank in the card.

# %%
print((first.folder / "card.md").read_text("utf-8")[:900])

# %% [markdown]
# ## 5. Evaluation on loans the model has not seen, and its report

# %%
newer = read_mapped(bank_export(1_500, 77, folder / "新台账.csv"), read_mapping(mapping_file))
found = assess(store, "eco-credit@challenger", newer)
report = folder / "evaluation.json"
report.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
attach_report(store, ModelName("eco-credit", alias="challenger"), report)
area = found["statistics"]["pd"]["auc"]
print(f"AUC {area['value']:.3f} (95 % {area['low']:.3f} to {area['high']:.3f}) on {found['data']['rows']} loans")

# %% [markdown]
# ## 6. Promotion by a second person
#
# Whoever trained a model cannot approve it, and an approval needs a reason. Red gates need a waiver besides, in the approver's
# words. Gates that are not green are written into the record, which the approver signs.

# %%
store.enrol("wang.fang", "approver")
for who, why in (("li.wei", "my own model"), ("wang.fang", "")):
    try:
        promote(store, "eco-credit@challenger", Approval(who, why))
        raise SystemExit("four eyes were not asked for")
    except EcoCreditError as error:
        print(f"{who}: {error.en}")
reason, waiver = "evaluation of the new tape read; amber gates accepted", "red gates accepted for a pilot on synthetic loans; nothing is lent"
if first.gate["red_gates"]:
    try:
        promote(store, "eco-credit@challenger", Approval("wang.fang", reason))
        raise SystemExit("red gates passed without a waiver")
    except EcoCreditError as error:
        print(error.en)
record = promote(store, "eco-credit@challenger", Approval("wang.fang", reason, waiver))
print(f"version {record.version}: trained by {record.proposer}, approved by {record.approver}; not green: {record.waived or 'none'}")

# %% [markdown]
# ## 7. One score from the promoted model
#
# The service reads the signed pointer, not the registry's alias, and verifies both signatures and every file before it
# parses anything.

# %%
application = json.loads((root / "examples" / "water_right.json").read_text("utf-8"))
answer = ec.score(application, home=store.home)
print(answer["recommendation"], f"limit {answer['max_loan']:,.0f} CNY; PD {answer['pd']['value']}; LGD {answer['lgd']['value']}")
assert answer["provenance"]["synthetic_model"] is True

# %% [markdown]
# ## 8. A second model, and back again
#
# A new model is trained and promoted. Then the branches complain. `rollback` needs one call (or `eco-credit rollback eco-credit`), no
# registry, and leaves a record.

# %%
second = train(plan_of(plan | {"seed": 8}), tape, Setting(store, trainer="li.wei"))
promote(store, "eco-credit/2", Approval("wang.fang", "second vintage", waiver))
assert served(store, "eco-credit").digest == second.digest
back = rollback(store, "eco-credit", Approval("wang.fang", "complaints from two branches"))
assert served(store, "eco-credit").digest == open_model(store, "eco-credit@champion").digest == first.digest
assert reconcile(store, "eco-credit") == "same"
print(back.action, "to version", back.version)
pd.DataFrame(list_models(store))[["version", "aliases", "gate", "trainer", "approver", "synthetic"]]
