"""Who bears a loss: fixed shares and layers, in integer cents, nothing lost and nothing made.

Source: 4-3-2-1 and 2-8 modes (collateral notes F), tranche loss (notes G).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ConservationError, ContractError, Violation
from eco_credit.core.numbers import Floats

SHARE_BASE = 10_000
"""Shares are kept in parts of ten thousand: 0.01 percent is the finest share."""
_MOST_CENTS = 2**62 // SHARE_BASE


@dataclass(frozen=True)
class Shares:
    """Loss shares by party in parts of ten thousand, in the order of the agreement."""

    parts: Mapping[str, int]

    @classmethod
    def of(cls, ratios: Mapping[str, float]) -> Shares:
        """Read shares written as ratios.

        Args:
            ratios: party to share, ratio; they must add up to one exactly.

        Raises:
            ContractError: a share is negative or finer than 0.01 percent (``share``), or the shares
                do not add up to one (``G01``).

        Example:
            >>> dict(Shares.of({"system": 0.8, "bank": 0.2}).parts)
            {'system': 8000, 'bank': 2000}
        """
        exact = {party: Decimal(str(ratio)) * SHARE_BASE for party, ratio in ratios.items()}
        if any(not part.is_finite() or part < 0 or part != int(part) for part in exact.values()):
            raise ContractError(
                [
                    Violation(
                        "split", "share", "a share is negative or finer than 0.01 percent", "分险比例为负或细于0.01%"
                    )
                ]
            )
        if sum(exact.values()) != SHARE_BASE:
            raise ContractError(
                [Violation("split", "G01", "shares do not add up to 100 percent", "分险比例不等于100%")]
            )
        return cls({party: int(part) for party, part in exact.items()})

    def ratio(self, party: str) -> float:
        """Share of one party as a ratio; zero for a party that is not named."""
        return self.parts.get(party, 0) / SHARE_BASE


def split_loss(cents: npt.ArrayLike, shares: Shares) -> dict[str, npt.NDArray[np.int64]]:
    """Split losses among parties by shares.

    Each party takes ``floor(loss · share)``; the cents left over go one by one to the parties with
    the largest remainders, equal remainders in the order of the agreement.

    Args:
        cents: losses in whole cents (int64, not negative), shape (n,) or a single loss.
        shares: the agreement.

    Returns:
        Party to cents, int64, shape (n,); the parties add up to the loss exactly.

    Raises:
        ConservationError: a loss is negative, too large to split exactly, or the parts do not add up.

    Example:
        >>> parts = split_loss([5], Shares.of({"a": 0.5, "b": 0.25, "c": 0.25}))
        >>> {party: part.tolist() for party, part in parts.items()}
        {'a': [3], 'b': [1], 'c': [1]}
    """
    return split_by(whole_cents(cents), shares.parts)


def whole_cents(cents: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Losses as whole cents, shape (n,); a negative one or one too large to split exactly is a ConservationError."""
    loss = np.atleast_1d(np.asarray(cents, dtype=np.int64))
    if ((loss < 0) | (loss > _MOST_CENTS)).any():
        raise ConservationError("a loss to split is negative or beyond exact cents", "待分摊损失为负或超出精确范围")
    return loss


def split_by(loss: npt.NDArray[np.int64], parts: Mapping[str, int]) -> dict[str, npt.NDArray[np.int64]]:
    """Split whole cents in proportion to whole parts, largest remainders first; see `split_loss`.

    Args:
        loss: cents as `whole_cents` reads them, shape (n,).
        parts: party to its part, not negative, at most ``SHARE_BASE`` together and above zero.
    """
    base_of_all = sum(parts.values())
    scaled = np.array([loss * part for part in parts.values()])
    base, rest = scaled // base_of_all, scaled % base_of_all
    left = loss - base.sum(axis=0)
    order = np.argsort(-rest, axis=0, kind="stable")
    rank = np.argsort(order, axis=0, kind="stable")
    borne = base + (rank < left)
    if (borne.sum(axis=0) != loss).any():
        raise ConservationError("the shares of a loss do not add up to it", "损失分摊之和不等于损失")
    return {party: borne[i] for i, party in enumerate(parts)}


def fill_layers(cents: int, layers: Sequence[tuple[str, int | None]]) -> dict[str, int]:
    """Fill layers from the first loss upwards.

    Args:
        cents: the loss, whole cents, not negative.
        layers: party and size of its layer in cents, first loss first; None is without limit.

    Returns:
        Party to cents; a party named twice takes the sum of its layers.

    Raises:
        ConservationError: the layers cannot hold the loss, or the loss or a layer is negative.

    Example:
        >>> fill_layers(130, [("reserve", 100), ("bank", None)])
        {'reserve': 100, 'bank': 30}
    """
    if cents < 0 or any(size is not None and size < 0 for _, size in layers):
        raise ConservationError("a loss or a layer is negative", "损失或分层为负")
    left, borne = cents, dict.fromkeys((party for party, _ in layers), 0)
    for party, size in layers:
        taken = left if size is None else min(left, size)
        borne[party] += taken
        left -= taken
    if left:
        raise ConservationError("the layers do not hold the whole loss", "分层不足以覆盖全部损失")
    return borne


def tranche_loss(loss: npt.ArrayLike, attach: float, detach: float) -> Floats:
    """Part of a tranche that is lost: ``clip((L − a) / (d − a), 0, 1)``.

    Args:
        loss: loss of the pool as a part of the pool, any shape.
        attach: where the tranche starts to lose, ratio.
        detach: where it is gone, ratio, above ``attach``.

    Returns:
        Ratio 0-1, same shape.

    Example:
        >>> tranche_loss([0.0, 0.10, 0.30], 0.05, 0.25).tolist()
        [0.0, 0.25, 1.0]
    """
    result: Floats = np.clip((np.asarray(loss, np.float64) - attach) / (detach - attach), 0.0, 1.0)
    return result
