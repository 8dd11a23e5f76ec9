"""Why the score is what it is: contributions compared with a stored profile, told only where the sign agrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Columns, Floats, number
from eco_credit.risk.checks import defect, mapping, member, real
from eco_credit.risk.feature_list import FeatureList


@dataclass(frozen=True, slots=True)
class Reference:
    """Whom a loan is compared with: the usual loan of the tape, or of its own kind of pledge where one was kept.

    Attributes:
        shares: share features whose kind has a profile of its own, in order.
        profiles: feature to value; the whole tape first, then one for each share. NaN for none.
    """

    shares: tuple[str, ...]
    profiles: tuple[Mapping[str, float], ...]

    @classmethod
    def parse(cls, value: Any, features: FeatureList, where: str = "reference.json") -> Reference:
        """Read ``{profile: {feature: number or null}, peers: {share feature: profile}}``; ``peers`` may be missing.

        Raises:
            ModelNotServable: a profile does not name every feature of the list, or a share is not on it.
        """
        data = mapping(value, where)
        peers = mapping(data.get("peers", {}), f"{where}.peers")
        if not set(peers) <= set(features.names):
            raise defect(f"{where}.peers", "unknown share feature", "未知的占比特征")
        read = [_profile(member(data, "profile", where), features, where)]
        read += [_profile(peer, features, f"{where}.peers.{share}") for share, peer in peers.items()]
        return cls(tuple(peers), tuple(read))

    def columns(self) -> Columns:
        """The profiles as rows of a table."""
        return {name: np.array([profile[name] for profile in self.profiles]) for name in self.profiles[0]}

    def of(self, inputs: Columns) -> npt.NDArray[np.intp]:
        """Profile of each row, shape (n,): that of the kind that makes up more than half of the value, else 0."""
        found = np.zeros(len(next(iter(inputs.values()))), dtype=np.intp)
        for place, share in enumerate(self.shares, start=1):
            found[number(inputs, share) > 0.5] = place
        return found


def _profile(value: Any, features: FeatureList, where: str) -> dict[str, float]:
    data = mapping(value, where)
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
