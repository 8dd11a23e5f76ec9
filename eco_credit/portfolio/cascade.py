"""Who bears each layer of a loss: uncovered part, first-loss pools, shares, payout cap; whole cents, conserved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ConservationError
from eco_credit.core.numbers import rounded
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.portfolio.waterfall import SHARE_BASE, Shares, split_by, split_loss, whole_cents

BANK = "bank"
"""The party that keeps the uncovered part of a loan and all loss above the payout cap."""
Cents = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Borne:
    """A loss by layer and by party, cents, int64, shape (k,) each.

    Attributes:
        layers: ``uncovered``, ``pool:<party>``, ``shared``, ``above_cap`` to cents; they add up to the loss.
        parties: party to cents; they add up to the loss.
    """

    layers: Mapping[str, Cents]
    parties: Mapping[str, Cents]


@dataclass(frozen=True)
class Waterfall:
    """The order in which a loss is borne.

    1. the bank keeps the uncovered part ``1 − g``;
    2. first-loss pools pay in their order until they are empty;
    3. what is left is split by shares;
    4. what the parties beside the bank would pay beyond the payout cap goes back to the bank.

    Attributes:
        cover: guaranteed part of a loan, parts of ten thousand.
        pools: party and size in cents, first loss first.
        shares: the agreement.
        cap: the most the parties beside the bank pay in a year after the pools, cents; None is without a cap.
    """

    cover: int
    pools: tuple[tuple[str, int], ...]
    shares: Shares
    cap: int | None

    @classmethod
    def of(cls, terms: GuaranteeTerms, balance: float) -> Waterfall:
        """The waterfall of terms over a portfolio balance.

        Args:
            terms: cover, pools, shares and cap, ratios of the covered balance.
            balance: principal of the portfolio, yuan.
        """
        covered = balance * terms.cover
        return cls(
            cover=int(rounded(terms.cover * SHARE_BASE, 0)),
            pools=tuple((party, _cents(covered * size)) for party, size in terms.pools),
            shares=terms.split,
            cap=_cents(covered * terms.payout_cap),
        )

    def borne(self, loss: npt.ArrayLike) -> Borne:
        """Who bears each loss.

        Args:
            loss: yearly losses of the portfolio, whole cents, not negative, shape (k,) or one.

        Returns:
            Layers and parties; both add up to each loss exactly.

        Raises:
            ConservationError: a loss is negative or too large, or the parts do not add up to it.
        """
        whole = whole_cents(loss)
        covered = split_by(whole, {"in": self.cover, "out": SHARE_BASE - self.cover})
        layers: dict[str, Cents] = {"uncovered": covered["out"]}
        parties: dict[str, Cents] = {BANK: covered["out"]}
        left = covered["in"]
        for party, size in self.pools:
            paid = np.minimum(left, size)
            left = left - paid
            _add(layers, f"pool:{party}", paid)
            _add(parties, party, paid)
        above = self._share(left, parties)
        layers |= {"shared": left - above, "above_cap": above}
        for parts in (layers, parties):
            conserve(parts, whole)
        return Borne(layers, parties)

    def _share(self, left: Cents, parties: dict[str, Cents]) -> Cents:
        """Split what is left among the parties, the payout held at the cap; returns what goes back to the bank."""
        split = split_loss(left, self.shares)
        system = {party: part for party, part in self.shares.parts.items() if party != BANK and part > 0}
        asked = left - split.get(BANK, np.zeros_like(left))
        paid = asked if self.cap is None else np.minimum(asked, self.cap)
        capped = split_by(paid, system) if system else {}
        for party, cents in split.items():
            again = capped.get(party, cents)
            _add(parties, party, np.where(paid < asked, again, cents))
        back = asked - paid
        _add(parties, BANK, back)
        return back


def conserve(parts: Mapping[str, Cents], whole: Cents) -> None:
    """Raise ConservationError where parts (each shape (k,)) do not add up to the whole, cent by cent."""
    total = np.zeros_like(whole)
    for part in parts.values():
        total = total + part
    if any((part < 0).any() for part in parts.values()) or (total != whole).any():
        raise ConservationError("the layers of a loss do not add up to it", "损失分层之和不等于损失")


def _cents(yuan: float) -> int:
    return int(rounded(yuan * 100.0, 0))


def _add(parties: dict[str, Cents], party: str, cents: Cents) -> None:
    parties[party] = parties.get(party, np.zeros_like(cents)) + cents
