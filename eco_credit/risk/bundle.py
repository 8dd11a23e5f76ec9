"""A model package as plain data: parsed, checked, ready to estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from eco_credit.core.numbers import Columns, Floats
from eco_credit.risk.checks import defect
from eco_credit.risk.estimate import RiskEstimate, blank_refused
from eco_credit.risk.expected_loss import expected_loss_rate
from eco_credit.risk.explain import Reference, consistent
from eco_credit.risk.feature_list import FeatureList
from eco_credit.risk.lgd import LgdHead
from eco_credit.risk.pd import PdHead
from eco_credit.risk.scorecard import Scale
from eco_credit.risk.support import Support, stacked
from eco_credit.risk.tables import TableStack

PARTS = ("features.json", "pd.json", "lgd.json", "scale.json", "support.json", "reference.json")
"""The files a bundle is made of."""


@dataclass(frozen=True)
class ModelBundle:
    """Everything needed to estimate the risk of a loan, without any model library.

    Attributes:
        features: inputs in order.
        pd: PD model.
        lgd: LGD model.
        scale: grades and points.
        support: region of use.
        reference: profiles the reasons compare with.
        base: contribution of each feature of the PD table at each profile, shape (features of the table, profiles).
    """

    features: FeatureList
    pd: PdHead
    lgd: LgdHead
    scale: Scale
    support: Support
    reference: Reference
    base: Floats

    @classmethod
    def parse(cls, files: Mapping[str, Any]) -> ModelBundle:
        """Build a bundle from decoded JSON files, by file name (`PARTS`; other files are left alone).

        Raises:
            ModelNotServable: a file is missing or has any structural defect.
        """
        for name in PARTS:
            if name not in files:
                raise defect(name, "is missing", "缺失")
        features = FeatureList.parse(files["features.json"])
        pd = PdHead.parse(files["pd.json"], features.names)
        reference = Reference.parse(files["reference.json"], features)
        return cls(
            features=features,
            pd=pd,
            lgd=LgdHead.parse(files["lgd.json"], features.names),
            scale=Scale.parse(files["scale.json"]),
            support=Support.parse(files["support.json"], features),
            reference=reference,
            base=pd.estimate(reference.columns()).contributions,
        )

    def estimate(
        self, features: Columns, *, collateral_value: Floats | None = None, exposure: Floats | None = None
    ) -> RiskEstimate:
        """Estimate PD, LGD, points, grade and contributions of each row.

        Args:
            features: at least the inputs of the package, shape (n,) each.
            collateral_value: central appraised value of the eligible pledges, yuan, shape (n,); needed unless the
                package reads LGD directly.
            exposure: exposure at default, yuan, shape (n,); needed likewise.

        Returns:
            Arrays of n rows; a refused row carries NaN instead of any model number.

        Raises:
            ModelNotServable: an input of the package is not among the features.
            ValueError: value or exposure is needed and missing.
        """
        inputs, unseen = self.features.encode(features)
        found = self.support.check(inputs, unseen)
        first, *rest = self._tables.parts(inputs)
        pd = self.pd.read(*first)
        quantiles, beside = rest[: len(self.lgd.tables)], rest[len(self.lgd.tables) :]
        lgd = self.lgd.read(inputs, [score for score, _ in quantiles], value=collateral_value, exposure=exposure)
        scorecard, disagreement = self._beside(pd.logit, beside)
        names, peers, (profiles, signs) = self.pd.table.names, self.reference.of(inputs), self._compared
        shares = pd.contributions - self.base.take(peers, axis=1)
        a, b, c, with_margin = self.pd.margins(pd.pd)
        told = consistent(shares, stacked(inputs, names), profiles.take(peers, axis=1), signs)
        return blank_refused(
            RiskEstimate(
                pd=pd.pd,
                pd_low=pd.low,
                pd_high=pd.high,
                pd_margin_a=a,
                pd_margin_b=b,
                pd_margin_c=c,
                pd_with_margin=with_margin,
                logit=pd.logit,
                lgd=lgd.lgd,
                lgd_low=lgd.low,
                lgd_high=lgd.high,
                value_ratio=lgd.value_ratio,
                value_floor=lgd.value_floor,
                expected_loss_rate=expected_loss_rate(pd.pd, lgd.lgd),
                score=self.scale.points(pd.pd),
                grade=self.scale.grade(pd.pd),
                contributions=dict(zip(names, shares, strict=True)),
                benchmark=scorecard,
                disagreement=disagreement,
                tellable=dict(zip(names, told, strict=True)),
                refer=found.refer,
                refused=found.novel,
                support=found,
            )
        )

    def _beside(self, logit: Floats, beside: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
        """PD of the scorecard, and logits between model and scorecard; NaN where the package carries none."""
        if self.pd.benchmark is None:
            return np.full(len(logit), np.nan), np.full(len(logit), np.nan)
        ((z, _),) = beside
        return self.pd.benchmark.probability(z), self.pd.benchmark.apart(z, logit)

    @cached_property
    def _compared(self) -> tuple[Floats, Floats]:
        """Values at the profiles, shape (features of the table, profiles), and signs, shape (same features, 1)."""
        names, columns = self.pd.table.names, self.reference.columns()
        signs = {feature.name: float(feature.monotone) for feature in self.features.features}
        return stacked(columns, names), np.array([[signs[name]] for name in names])

    @cached_property
    def _tables(self) -> TableStack:
        """The tables of PD, LGD and, where there is one, the scorecard, read in one pass."""
        beside = () if self.pd.benchmark is None else (self.pd.benchmark.table,)
        return TableStack((self.pd.table, *self.lgd.tables, *beside))
