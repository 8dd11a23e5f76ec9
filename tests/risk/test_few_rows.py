"""A few rows are added up in one call, many in a loop: the bytes are the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.risk.tables import FEW_ROWS, Grid, PairTable, TableModel


@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([0.0, 0.3, 1.0]))
@settings(max_examples=60, deadline=None)
def test_few_rows_give_the_bytes_of_many_whatever_the_pairs_and_the_signs_of_zeros(
    seed: int, features: int, zeros: float
) -> None:
    rng = np.random.default_rng(seed)
    grids = tuple(Grid(f"x{i}", np.sort(rng.choice(50, rng.integers(1, 5), False)) / 10.0) for i in range(features))

    def table(*shape: int) -> np.ndarray:
        values = rng.normal(size=shape)
        return np.where(rng.random(shape) < zeros, -0.0, values)

    mains = tuple(table(grid.bins) for grid in grids)
    pairs = tuple(
        PairTable(a, b, table(grids[a].bins, grids[b].bins))
        for a in range(features) for b in range(a + 1, features) if rng.random() < 0.5
    )  # fmt: skip
    model = TableModel(-0.0, grids, mains, pairs)
    rows = 3 * FEW_ROWS
    columns = {g.name: np.where(rng.random(rows) < 0.2, np.nan, rng.uniform(0, 5, rows)) for g in grids}
    score, parts = model.parts(columns)
    for few in (1, FEW_ROWS):
        some, shares = model.parts({name: column[:few] for name, column in columns.items()})
        assert some.tobytes() == score[:few].tobytes()
        assert np.ascontiguousarray(shares).tobytes() == np.ascontiguousarray(parts[:, :few]).tobytes()
