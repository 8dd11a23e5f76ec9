"""A small bundle made up by hand, and random table models, for the tests of risk and registry."""

from __future__ import annotations

from typing import Any

import numpy as np

from eco_credit.risk import Grid, PairTable, TableModel, table_to_json
from eco_credit.risk.venn_abers import fit_venn_abers


def random_model(rng: np.random.Generator, features: int = 6, pairs: int = 7, thresholds: int = 9) -> TableModel:
    grids = tuple(Grid(f"f{i}", np.sort(rng.normal(size=int(rng.integers(0, thresholds))))) for i in range(features))
    places = [(a, b) for a in range(features) for b in range(a + 1, features)]
    chosen = sorted(places[k] for k in rng.choice(len(places), size=min(pairs, len(places)), replace=False))
    return TableModel(
        float(rng.normal()),
        grids,
        tuple(rng.normal(size=grid.bins) for grid in grids),
        tuple(PairTable(a, b, rng.normal(size=(grids[a].bins, grids[b].bins))) for a, b in chosen),
    )


def random_rows(rng: np.random.Generator, model: TableModel, rows: int) -> dict[str, Any]:
    columns = {}
    for grid in model.grids:
        values = rng.normal(size=rows)
        # some values sit exactly on a threshold, some are unknown
        if len(grid.thresholds):
            values = np.where(rng.random(rows) < 0.2, rng.choice(grid.thresholds, size=rows), values)
        columns[grid.name] = np.where(rng.random(rows) < 0.1, np.nan, values)
    return columns


def ltv_table() -> TableModel:
    """Logit -3, +0.5 above an LTV of 0.5, -0.4 above a cover of 1.2, and an interaction for high LTV with low cover."""
    pair = np.zeros((3, 3))
    pair[1, 0] = 0.2
    return TableModel(
        -3.0,
        (Grid("ltv", np.array([0.5])), Grid("term_cover", np.array([1.2]))),
        (np.array([-0.25, 0.25, 0.1]), np.array([0.2, -0.2, 0.0])),
        (PairTable(0, 1, pair),),
    )


def level(value: float) -> dict[str, Any]:
    return table_to_json(TableModel(value, (), (), ()))


def bundle_files() -> dict[str, Any]:
    """Decoded JSON of every file a bundle needs."""
    rng = np.random.default_rng(7)
    scores = rng.normal(-3.0, 1.0, 400)
    labels = (rng.random(400) < 1.0 / (1.0 + np.exp(-scores))).astype(float)
    words = {"zh": "特征", "en": "feature"}
    return {
        "features.json": {
            "features": [
                {"name": "ltv", "unit": "ratio", "monotone": 1, "family": "security", **words},
                {"name": "term_cover", "unit": "ratio", "monotone": -1, "family": "right", **words},
                {"name": "forest_stock", "unit": "m3/ha", "monotone": 0, "family": "kind", "applies": "share_forest"}
                | words,
                {"name": "share_forest", "unit": "ratio", "monotone": 0, "family": "kind", **words},
            ],
            "families": {
                "security": {"zh": "押品覆盖", "en": "security"},
                "right": {"zh": "权利期限", "en": "right"},
                "kind": {"zh": "押品种类", "en": "kind"},
            },
        },
        "pd.json": {
            "horizon_months": 12,
            "table": table_to_json(ltv_table()),
            "platt": {"intercept": 0.1, "slope": 1.1, "floor": 0.0005, "ceiling": 0.9999},
            "venn_abers": fit_venn_abers(scores, labels).as_json(),
        },
        "lgd.json": {
            "mode": "composition",
            "cure": 0.2,
            "other": 0.1,
            "floor": 0.05,
            "band": {
                "low": level(0.3),
                "central": level(0.5),
                "high": level(0.8),
                "offsets": {"floor": {"pooled": 0.05, "share_forest": 0.1}, "band": {"pooled": 0.02}},
                "most": 1.5,
            },
        },
        "scale.json": {
            "grades": [{"code": "A", "upper_pd": 0.02}, {"code": "B", "upper_pd": 0.1}, {"code": "C", "upper_pd": 1.0}],
            "points": {"base_points": 600, "base_odds": 50, "points_to_double": 20},
            "least_reason": 0.05,
        },
        "support.json": {
            "features": {
                "ltv": {"low": 0.1, "high": 0.9, "gain": 0.6},
                "term_cover": {"low": 0.5, "high": 5.0, "gain": 0.2},
                "forest_stock": {"low": 0.0, "high": 300.0, "gain": 0.2},
                "share_forest": {"low": 0.0, "high": 1.0, "gain": 0.0},
            },
            "tolerance": 0.1,
            "most_missing": 0.3,
            "joint": {
                "names": ["ltv", "term_cover"],
                "center": [0.5, 2.0],
                "whiten": [[5.0, 0.0], [0.0, 1.0]],
                "distances": [float(d) for d in np.linspace(0.0, 8.0, 199)],
                "refer": 0.05,
                "refuse": 0.01,
            },
        },
        "reference.json": {
            "profile": {"ltv": 0.45, "term_cover": 2.0, "forest_stock": 100.0, "share_forest": 0.5},
        },
    }


def sample_rows() -> dict[str, Any]:
    return {
        "ltv": np.array([0.4, 0.6, 0.55, np.nan, 0.5]),
        "term_cover": np.array([2.0, 1.0, 1.2, 1.5, 3.0]),
        "forest_stock": np.array([100.0, 50.0, np.nan, 20.0, np.nan]),
        "share_forest": np.array([1.0, 1.0, 0.0, 0.6, 0.2]),
    }
