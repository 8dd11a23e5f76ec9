"""Why the score is what it is: families of features, compared with a stored reference profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Columns, Floats, number
from eco_credit.risk.checks import defect, mapping, member, real
from eco_credit.risk.feature_list import FeatureList

MOST_FAMILIES = 4
"""At most this many adverse, and this many favourable, families are named."""


@dataclass(frozen=True, slots=True)
class FamilyReason:
    """One family's part in a score.

    Attributes:
        family: reason family.
        contribution: logits of PD against the reference profile; above 0 is adverse.
        features: the features behind it, the strongest first.
    """

    family: str
    contribution: float
    features: tuple[str, ...]


def reference_profile(value: Any, features: FeatureList, where: str = "reference.json") -> dict[str, float]:
    """Read ``{profile: {feature: number or null}}``: the profile of the approved portfolio.

    Returns:
        Feature to value, NaN for null; every feature of the list.

    Raises:
        ModelNotServable: a feature of the list is not in the profile, or one is unknown.
    """
    data = mapping(member(mapping(value, where), "profile", where), where)
    if set(data) != set(features.names):
        raise defect(where, "the profile does not fit the feature list", "参照轮廓与特征清单不符")
    return {
        name: float("nan") if data[name] is None else real(data[name], f"{where}.{name}") for name in features.names
    }


def consistent(contribution: Floats, value: Floats, reference: Floats | float, sign: npt.ArrayLike) -> Floats:
    """Contribution where its direction agrees with the declared sign of its feature, else 0.

    A feature that may only raise the PD is no adverse reason when its value is at or below the
    reference. Interactions can shift credit that way; such a share is not told. An unknown value, an
    unknown reference and a feature without a sign are passed through.

    Args:
        contribution: logits against the reference, shape (n,), or (features, n).
        value: value of the feature, same shape.
        reference: its value in the reference profile; shape (features, 1) for several.
        sign: +1, -1 or 0; likewise.
    """
    direction = np.asarray(sign) * (value - reference)
    agrees = np.isnan(direction) | np.equal(sign, 0) | (contribution * direction > 0.0)
    return np.where(agrees, contribution, 0.0)


def tellable(
    contributions: Mapping[str, Floats], columns: Columns, reference: Mapping[str, float], features: FeatureList
) -> dict[str, Floats]:
    """The sign-consistent part of each feature's contribution; arguments by feature, shape (n,) each."""
    if not contributions:
        return {}
    names, signs = list(contributions), {feature.name: feature.monotone for feature in features.features}
    told = consistent(
        np.array(list(contributions.values())),
        np.array([number(columns, name) for name in names]),
        np.array([[reference[name]] for name in names]),
        np.array([[signs[name]] for name in names]),
    )
    return dict(zip(names, told, strict=True))


def by_family(shares: Mapping[str, Floats], features: FeatureList) -> dict[str, Floats]:
    """Sum the features of each family, one by one in the order of the list; shape (n,) each."""
    sums: dict[str, Floats] = {}
    for feature in features.features:
        if feature.name in shares:
            share = shares[feature.name]
            sums[feature.family] = sums[feature.family] + share if feature.family in sums else share
    return sums


def top_families(
    families: Mapping[str, Floats], direction: int, *, least: float, most: int = MOST_FAMILIES
) -> tuple[npt.NDArray[np.intp], Floats]:
    """The strongest families of every row.

    Args:
        families: contribution of each family, logits, shape (n,).
        direction: +1 for adverse, -1 for favourable.
        least: contributions up to this many logits are not worth a sentence.
        most: how many to name.

    Returns:
        Position of the family among the keys, shape (k, n), the strongest first, -1 where there is none above
        ``least``; and its contribution, shape (k, n), 0 where there is none. A tie goes to the first key.
    """
    table = direction * np.array(list(families.values()))
    table = np.where(np.isnan(table), 0.0, table)
    order = np.argsort(-table, axis=0, kind="stable")[:most]
    strength = np.take_along_axis(table, order, axis=0)
    told = strength > least
    return np.where(told, order, -1), np.where(told, direction * strength, 0.0)


def row_reasons(
    shares: Mapping[str, Floats], features: FeatureList, row: int, *, direction: int, least: float
) -> tuple[FamilyReason, ...]:
    """The families to name for one row: at most four above ``least`` logits, the strongest first.

    Args:
        shares: sign-consistent contributions by feature, shape (n,), from `tellable`.
        features: the feature list.
        row: row number.
        direction: +1 for adverse, -1 for favourable.
        least: smallest contribution worth a sentence, logits.
    """
    one = {name: share[row : row + 1] for name, share in shares.items()}
    families = by_family(one, features)
    places, strengths = top_families(families, direction, least=least)
    names = list(families)
    return tuple(
        FamilyReason(names[place], float(strength), _strongest(one, features, names[place], direction))
        for place, strength in zip(places[:, 0], strengths[:, 0], strict=True)
        if place >= 0
    )


def _strongest(one: Mapping[str, Floats], features: FeatureList, family: str, direction: int) -> tuple[str, ...]:
    within: Sequence[tuple[float, str]] = [
        (direction * float(one[item.name][0]), item.name)
        for item in features.features
        if item.family == family and item.name in one
    ]
    return tuple(name for strength, name in sorted(within, key=lambda pair: -pair[0]) if strength > 0.0)
