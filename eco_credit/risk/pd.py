"""Probability of default within the horizon, with the range the calibration evidence leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Columns, Floats
from eco_credit.risk.calibration import Platt, VennAbers
from eco_credit.risk.checks import defect, mapping, member, real, word
from eco_credit.risk.margin import Margin
from eco_credit.risk.table_json import table_from_json
from eco_credit.risk.tables import TableModel


@dataclass(frozen=True, slots=True)
class PdEstimate:
    """PD of each row, shape (n,) throughout.

    Attributes:
        pd: calibrated probability of default within the horizon.
        low: lower end, ``min(p0, pd)``.
        high: upper end, ``max(p1, pd)``.
        logit: calibrated logit ``a + b z`` before floor and ceiling.
        contributions: shape (features of the table, n): part of each feature in the calibrated logit.
    """

    pd: Floats
    low: Floats
    high: Floats
    logit: Floats
    contributions: Floats


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A plain scorecard beside the model; where the two are far apart, a person decides (layer 6 of the policy).

    Attributes:
        table: raw score of the scorecard, a logit; main tables only.
        platt: its calibration.
    """

    table: TableModel
    platt: Platt

    @classmethod
    def parse(cls, value: Any, known: Sequence[str], where: str) -> Benchmark:
        """Read ``{table, platt}``; `ModelNotServable` on any defect."""
        data = mapping(value, where)
        return cls(
            table=table_from_json(member(data, "table", where), f"{where}.table", known),
            platt=Platt.parse(member(data, "platt", where), f"{where}.platt"),
        )

    def probability(self, z: Floats) -> Floats:
        """Calibrated PD of the scorecard, ratio, shape (n,)."""
        return self.platt.probability(z)

    def apart(self, z: Floats, logit: Floats) -> Floats:
        """``abs(a + b z - logit)``: distance of the calibrated logits of scorecard and model, logits, shape (n,)."""
        return np.abs(self.platt.line(z) - logit)


@dataclass(frozen=True, slots=True)
class PdHead:
    """The PD model of a package.

    Attributes:
        table: raw score, a logit.
        platt: calibration.
        venn_abers: interval, or None when the package carries none; the range is then the point.
        horizon_months: horizon of the PD.
        benchmark: scorecard beside the model, or None when the package carries none.
        margin: margins of conservatism beside the best estimate, or None when the package carries none.
        flag: mark every answer carries, such as ``expert-anchored``, or None.
    """

    table: TableModel
    platt: Platt
    venn_abers: VennAbers | None
    horizon_months: int
    benchmark: Benchmark | None = None
    margin: Margin | None = None
    flag: str | None = None

    @classmethod
    def parse(cls, value: Any, known: Sequence[str], where: str = "pd.json") -> PdHead:
        """Read ``{horizon_months, table, platt, venn_abers, benchmark, margin, tier}``; the last four may be null.

        Raises:
            ModelNotServable: on any defect.
        """
        data = mapping(value, where)
        table = table_from_json(member(data, "table", where), f"{where}.table", known)
        if not table.grids:
            raise defect(where, "the model uses no feature", "模型未使用任何特征")
        interval, beside, added = (data.get(name) for name in ("venn_abers", "benchmark", "margin"))
        flag = mapping(data.get("tier") or {}, f"{where}.tier").get("flag")
        return cls(
            table=table,
            platt=Platt.parse(member(data, "platt", where), f"{where}.platt"),
            venn_abers=None if interval is None else VennAbers.parse(interval, f"{where}.venn_abers"),
            horizon_months=int(real(member(data, "horizon_months", where), f"{where}.horizon_months", 1, 600)),
            benchmark=None if beside is None else Benchmark.parse(beside, known, f"{where}.benchmark"),
            margin=None if added is None else Margin.parse(added, f"{where}.margin"),
            flag=None if flag is None else word(flag, f"{where}.tier.flag"),
        )

    def margins(self, pd: Floats) -> Floats:
        """Margins A, B, C and the PD with all three, shape (4, n); NaN where the package carries none."""
        return np.full((4, len(pd)), np.nan) if self.margin is None else self.margin.of(pd)

    def estimate(self, features: Columns) -> PdEstimate:
        """PD, range and contributions of encoded features, shape (n,) each."""
        return self.read(*self.table.parts(features))

    def read(self, z: Floats, shares: Floats) -> PdEstimate:
        """PD, range and contributions from what `TableModel.parts` of the table gave."""
        pd = self.platt.probability(z)
        low, high = (pd, pd) if self.venn_abers is None else self.venn_abers.interval(z)
        low, high = self.platt.held(low), self.platt.held(high)
        return PdEstimate(pd, np.minimum(low, pd), np.maximum(high, pd), self.platt.line(z), self.platt.slope * shares)
