"""Loss given default: composed from cure and sale of the collateral, read directly, or by regulation.

Composition (modelling page 4.1, after Loterman et al. 2012):
``LGD = 1 - min(1, cure + (1 - cure) * min(1, LVR * V / EAD + other))`` with V the appraised value,
LVR the part of it a sale brings after time and cost, and ``other`` the recovery from everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eco_credit.core.numbers import Columns, Floats, rows_of
from eco_credit.core.units import units
from eco_credit.risk.calibration import Platt
from eco_credit.risk.checks import defect, mapping, member, real
from eco_credit.risk.conformal import Offsets, ordered
from eco_credit.risk.table_json import table_from_json
from eco_credit.risk.tables import TableModel

if TYPE_CHECKING:
    from eco_credit.rulebook import RuleSet


@units(cure="dimensionless", cover="dimensionless", other="dimensionless", returns="dimensionless")
def composed_lgd(cure: Floats, cover: Floats, other: Floats) -> Floats:
    """Loss given default from its parts.

    ``LGD = 1 - min(1, cure + (1 - cure) * min(1, cover + other))``, ``cover = LVR * V / EAD``.

    Args:
        cure: probability that a default cures without loss, ratio, any shape.
        cover: sale proceeds over exposure, ratio, same shape.
        other: other recovery over exposure, ratio, same shape.

    Returns:
        LGD between 0 and 1, same shape.

    Example:
        >>> round(float(composed_lgd(0.2, 0.5, 0.1)), 12)   # 1 - (0.2 + 0.8 * 0.6)
        0.32
    """
    recovered = np.minimum(1.0, cover + other)
    result: Floats = 1.0 - np.minimum(1.0, cure + (1.0 - cure) * recovered)
    return result


def covered(lvr: Floats, value: Floats, exposure: Floats) -> Floats:
    """Sale proceeds over exposure, ``LVR * V / EAD``; 1 where nothing is exposed. Yuan and ratio, shapes (n,)."""
    owed = exposure > 0.0
    return np.where(owed, lvr * value / np.where(owed, exposure, 1.0), 1.0)


@dataclass(frozen=True, slots=True)
class Band:
    """Three quantile tables and their conformal offsets.

    Attributes:
        low, central, high: tables of the 5 %, central and 95 % value, ratio.
        offsets: conformal offsets.
        most: largest value given out (above 1 for a sale above appraisal); the smallest is 0.
    """

    low: TableModel
    central: TableModel
    high: TableModel
    offsets: Offsets
    most: float

    @classmethod
    def parse(cls, value: Any, known: Sequence[str], where: str) -> Band:
        """Read ``{low, central, high, offsets, most}``; `ModelNotServable` on any defect."""
        data = mapping(value, where)
        low, central, high = (
            table_from_json(member(data, key, where), f"{where}.{key}", known) for key in ("low", "central", "high")
        )
        offsets = Offsets.parse(member(data, "offsets", where), f"{where}.offsets")
        return cls(low, central, high, offsets, real(member(data, "most", where), f"{where}.most", 0.0, 10.0))

    @property
    def tables(self) -> tuple[TableModel, TableModel, TableModel]:
        """The three tables from low to high."""
        return self.low, self.central, self.high

    def quantiles(self, features: Columns, raw: Sequence[Floats]) -> Floats:
        """Floor, low, central and high of each row, shape (4, n), in order and within 0 and ``most``.

        ``floor = q_low - offset_floor`` (one-sided), ``low = q_low - offset_band``, ``high = q_high + offset_band``;
        the three are then sorted and the floor is kept at or below the central value.

        Args:
            features: encoded features, shape (n,) each.
            raw: score of each of `tables`, shape (n,).
        """
        drop, widen = self.offsets.of(features)
        low, central, high = ordered(raw[0] - widen, raw[1], raw[2] + widen)
        floor = np.minimum(raw[0] - drop, central)
        held: Floats = np.minimum(np.maximum(np.array([floor, low, central, high]), 0.0), self.most)
        return held


@dataclass(frozen=True, slots=True)
class LgdEstimate:
    """LGD of each row, ratio, shape (n,) throughout.

    Attributes:
        lgd: central loss given default.
        low: small loss: good sale.
        high: large loss: poor sale.
        value_floor: one-sided conformal floor of the liquidation-value ratio (of ``1 - LGD`` in direct mode).
        value_ratio: central liquidation-value ratio (``1 - LGD`` in direct mode).
    """

    lgd: Floats
    low: Floats
    high: Floats
    value_floor: Floats
    value_ratio: Floats


@dataclass(frozen=True, slots=True)
class LgdHead:
    """The LGD model of a package.

    Attributes:
        mode: ``composition`` (the band is the liquidation-value ratio) or ``direct`` (the band is LGD itself).
        band: quantile tables.
        cure: table of the cure logit, or None for a constant.
        cure_platt: calibration of that table; with a constant cure it is unused.
        cure_rate: constant probability of cure.
        other: other recovery over exposure, ratio.
        least: smallest LGD given out.
    """

    mode: str
    band: Band
    cure: TableModel | None
    cure_platt: Platt | None
    cure_rate: float
    other: float
    least: float

    @classmethod
    def parse(cls, value: Any, known: Sequence[str], where: str = "lgd.json") -> LgdHead:
        """Read ``{mode, band, cure, other, floor}``.

        ``cure`` is a number or ``{table, platt}``; ``cure`` and ``other`` are needed in composition mode only.

        Raises:
            ModelNotServable: on any defect.
        """
        data = mapping(value, where)
        mode = member(data, "mode", where)
        if mode not in ("composition", "direct"):
            raise defect(f"{where}.mode", "composition or direct was expected", "应为 composition 或 direct")
        band = Band.parse(member(data, "band", where), known, f"{where}.band")
        least = real(data.get("floor", 0.0), f"{where}.floor", 0.0, 1.0)
        if mode == "direct":
            return cls(mode, band, None, None, 0.0, 0.0, least)
        cure, other = member(data, "cure", where), real(member(data, "other", where), f"{where}.other", 0.0, 1.0)
        if not isinstance(cure, dict):
            return cls(mode, band, None, None, real(cure, f"{where}.cure", 0.0, 1.0), other, least)
        table = table_from_json(member(cure, "table", where), f"{where}.cure.table", known)
        platt = Platt.parse(member(cure, "platt", where), f"{where}.cure.platt")
        return cls(mode, band, table, platt, 0.0, other, least)

    def estimate(self, features: Columns, value: Floats | None, exposure: Floats | None) -> LgdEstimate:
        """LGD and its range.

        Args:
            features: encoded features, shape (n,) each.
            value: appraised value of the eligible pledges, yuan, shape (n,); needed in composition mode.
            exposure: exposure at default, yuan, shape (n,); needed in composition mode.

        Raises:
            ValueError: value or exposure is missing in composition mode.
        """
        return self.read(features, [table.score(features) for table in self.tables], value=value, exposure=exposure)

    @property
    def tables(self) -> tuple[TableModel, ...]:
        """All tables of the head: those of the band, and the one of the cure if there is one."""
        return self.band.tables if self.cure is None else (*self.band.tables, self.cure)

    def read(
        self, features: Columns, raw: Sequence[Floats], *, value: Floats | None, exposure: Floats | None
    ) -> LgdEstimate:
        """`estimate` from the scores of `tables`, shape (n,) each."""
        bands = self.band.quantiles(features, raw)
        floor, low, central, high = bands
        if self.mode == "direct":
            central, low, high = (np.maximum(part, self.least) for part in (central, low, high))
            return LgdEstimate(central, low, high, value_floor=1.0 - high, value_ratio=1.0 - central)
        if value is None or exposure is None:
            raise ValueError("this model composes LGD from collateral value and exposure: both are needed")
        cure = np.full(rows_of(features), self.cure_rate)
        if self.cure_platt is not None:
            cure = self.cure_platt.probability(raw[3])
        most, least, middle = np.maximum(
            composed_lgd(cure, covered(bands[1:], value, exposure), np.full_like(cure, self.other)), self.least
        )[[0, 2, 1]]
        return LgdEstimate(middle, least, most, value_floor=floor, value_ratio=central)


def regulatory_lgd(exposure: Floats, collateral: Mapping[str, Floats], rules: RuleSet) -> Floats:
    """Foundation-IRB LGD of a partly secured claim (Basel III final text, BCBS d424, IRB paragraphs 70-75 and 83).

    ``LGD* = (LGD_U E_U + sum_c LGD_S,c E_c) / E`` with ``E_c = min(C_c (1 - H_C), what is left of E)``, class after
    class, the lowest LGD_S first; no exposure haircut: loans, not securities; one currency. A class counts where the
    lender has proved it eligible.

    Args:
        exposure: E, yuan, shape (n,).
        collateral: class (``receivables``, ``other_physical``) to its current value C_c, yuan, shape (n,).
        rules: ``risk.regulatory.lgd_unsecured``, ``.lgd_secured``, ``.haircut``, ``.collateral_proved``.

    Returns:
        LGD*, ratio, shape (n,).

    Raises:
        RuleNotInForce: a parameter is not in force on the day of the rules.
    """
    secured, proved = (rules.table(f"risk.regulatory.{name}") for name in ("lgd_secured", "collateral_proved"))
    kept = 1.0 - rules.number("risk.regulatory.haircut")
    classes = sorted((name for name in collateral if proved.get(name) == 1), key=lambda name: (secured[name], name))
    layers = [(float(secured[name]), collateral[name] * kept) for name in classes]
    return lgd_star(exposure, layers, rules.number("risk.regulatory.lgd_unsecured"))


def lgd_star(exposure: Floats, layers: Sequence[tuple[float, Floats]], unsecured: float) -> Floats:
    """``LGD* = (LGD_U E_U + sum LGD_S E_S) / E``, each layer up to what is left; LGD_U where E is not above 0.

    Args:
        exposure: E, yuan, shape (n,).
        layers: LGD_S and the value of the collateral after its haircut, yuan, in the order they are used.
        unsecured: LGD_U.

    Example:
        >>> star = lgd_star(np.array([100.0]), [(0.2, np.array([90.0 * (1.0 - 0.4)]))], 0.4)
        >>> round(float(star[0]), 12)   # (46 * 0.4 + 54 * 0.2) / 100
        0.292
    """
    owed = exposure > 0.0
    whole = np.where(owed, exposure, 1.0)
    left, loss = whole, np.zeros_like(whole)
    for secured, cover in layers:
        part = np.where(owed, np.minimum(np.maximum(cover, 0.0), left), 0.0)
        left, loss = left - part, loss + secured * part
    result: Floats = (unsecured * left + loss) / whole
    return result
