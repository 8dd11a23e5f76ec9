"""Mutated model files: refused by name or harmless, never a crash of another kind."""

from __future__ import annotations

import copy
import math
import random
from typing import Any

import numpy as np
import pytest
from risk_samples import bundle_files, sample_rows

from eco_credit.core.errors import ModelNotServable
from eco_credit.risk import ModelBundle

JUNK = [None, True, 0, -1, 1e308, -1e308, 10**400, math.nan, "", "x", "9" * 300, [], {}, [[]], {"a": 1}, [1, "x"], 0.5]


def spots(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(spot for key, child in children for spot in spots(child, (*way, key)))]


def mutate(files: dict[str, Any], rng: random.Random) -> None:
    # the long lists of numbers would otherwise take nearly every mutation
    way = rng.choice([spot for spot in spots(files) if spot and (len(spot) < 4 or rng.random() < 0.05)])
    parent = files
    for step in way[:-1]:
        parent = parent[step]
    if rng.random() < 0.3:
        del parent[way[-1]]
    else:
        parent[way[-1]] = copy.deepcopy(rng.choice(JUNK))


@pytest.mark.parametrize("seed", range(3))
def test_a_mutant_is_refused_or_estimates(seed: int) -> None:
    rng, whole, value = random.Random(seed), bundle_files(), np.full(5, 100.0)
    refused = 0
    for _ in range(60):
        files = copy.deepcopy(whole)
        mutate(files, rng)
        try:
            found = ModelBundle.parse(files).estimate(sample_rows(), collateral_value=value, exposure=value)
        except ModelNotServable:
            refused += 1
            continue
        known = found.pd[~np.isnan(found.pd)]
        assert ((known > 0.0) & (known < 1.0)).all()
    assert refused > 20
