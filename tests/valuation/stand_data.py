"""Real stands for the growth tests: which stand, age in years, stock; one array each."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eco_credit.core.numbers import Floats

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
CUBIC_FEET_PER_ACRE = 0.028316846592 / 0.40468564224
"""1 ft3/acre in m3/ha."""


class Stands(NamedTuple):
    stand: Any
    age: Floats
    stock: Floats

    def where(self, rows: Any) -> Stands:
        return Stands(self.stand[rows], self.age[rows], self.stock[rows])


def eucalyptus() -> Stands:
    """exfm17 of forestmangr: 35 plots measured up to six times, 2.2 to 5.7 years, m3/ha."""
    with (FIXTURES / "forestmangr_exfm17.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    number = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    plots = (number["stratum"] * 1000 + number["plot"]).astype(int)
    return Stands(plots, number["age_months"] / 12.0, number["volume_m3_per_ha"])


def gutten(shared: Path, site: int | None = None) -> Stands:
    """Guttenberg's spruces by stem analysis: single trees, dm3, from 20 years on; of one site class or all."""
    table = _read(shared, "FAwR_gutten").dropna(subset=["Volume"])
    table = table[(table["Volume"] > 0) & (table["Age.base"] >= 20) & ((table["Site"] == site) | (site is None))]
    tree = table["Site"].astype(str) + "-" + table["Location"].astype(str) + "-" + table["Tree"].astype(str)
    return Stands(np.unique(tree, return_inverse=True)[1], _floats(table["Age.base"]), _floats(table["Volume"]))


def birch(shared: Path) -> Stands:
    """Birch and broadleaf stands in China (forestat), each measured once, m3/ha."""
    table = _read(shared, "forestat_forestData")
    return Stands(np.asarray(table["ID"]), _floats(table["AGE"]), _floats(table["V_ha"]))


def inventory(shared: Path, conditions: str, trees: str) -> Stands:
    """US inventory plots that hold one forest condition: live net volume, m3/ha, by stand age."""
    stands, stems = _read(shared, conditions), _read(shared, trees)
    whole = (stands["COND_STATUS_CD"] == 1) & (stands["CONDPROP_UNADJ"] > 0.999) & (stands["STDAGE"] > 0)
    stems = stems[stems["STATUSCD"] == 1]
    volume = (stems["VOLCFNET"].fillna(0.0) * stems["TPA_UNADJ"]).groupby(stems["PLT_CN"]).sum()
    stands = stands[whole].assign(stock=stands["PLT_CN"].map(volume).fillna(0.0) * CUBIC_FEET_PER_ACRE)
    stands = stands[stands["stock"] > 0.0]
    return Stands(np.arange(len(stands)), _floats(stands["STDAGE"]), _floats(stands["stock"]))


def _floats(column: Any) -> Floats:
    return np.asarray(column, dtype=np.float64)


def _read(shared: Path, name: str) -> Any:
    import pandas as pd

    return pd.read_parquet(shared / "data" / "forest_inventory" / f"{name}.parquet")
