"""What the reports about a model read of its package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eco_credit.registry import Package
from eco_credit.risk import FeatureList, FeatureSpec, Scale, TableModel

Plain = Mapping[str, Any]


@dataclass(frozen=True)
class ModelFacts:
    """A model on paper.

    Attributes:
        name: registered name.
        version: version in the registry, or the first digits of the digest.
        digest: SHA-256 of the manifest of the package.
        synthetic: True when trained on synthetic data.
        trainer: who signed as trainer; empty where nobody did.
        approver: who signed as approver; empty where nobody did.
        manifest: manifest of the package.
        gate: record of the gates at training: ``status``, ``gates``, ``statistics``.
        plan: the training plan; empty where the package holds none.
        features: inputs with labels, units and signs.
        table: the PD model as tables, in logits.
        slope: logits of the calibrated PD for one of the table.
        scale: grades and points.
        ranges: feature to ``low``, ``high`` of training and ``gain``, its part in the model.
        horizon: horizon of the PD, months.
    """

    name: str
    version: str
    digest: str
    synthetic: bool
    trainer: str
    approver: str
    manifest: Plain
    gate: Plain
    plan: Plain
    features: FeatureList
    table: TableModel
    slope: float
    scale: Scale
    ranges: Mapping[str, Plain]
    horizon: int

    @classmethod
    def of(cls, package: Package) -> ModelFacts:
        """Read a verified package."""
        bundle = package.bundle
        return cls(
            name=package.name, version=str(package.version), digest=package.digest, synthetic=package.synthetic,
            trainer=package.trainer, approver=package.approver, manifest=package.manifest, gate=package.gate,
            plan=json.loads(package.files.get("plan.json", b"{}")),
            features=bundle.features, table=bundle.pd.table, slope=bundle.pd.platt.slope, scale=bundle.scale,
            ranges=json.loads(package.files["support.json"])["features"], horizon=bundle.pd.horizon_months,
        )  # fmt: skip

    @property
    def points_per_logit(self) -> float:
        """Score points for one logit of the table: ``-b D / ln 2``, b the slope of the calibration."""
        return -self.slope * self.scale.points_per_logit

    def used(self) -> list[FeatureSpec]:
        """The inputs the PD model uses, the one with the largest part in the model first."""
        known = [spec for spec in self.features.features if spec.name in self.table.names]
        return sorted(known, key=lambda spec: -self.gain(spec.name))

    def gain(self, name: str) -> float:
        """Part of a feature in the model, a ratio; 0 where the package does not say."""
        return float(self.ranges.get(name, {}).get("gain", 0.0))


def label(spec: FeatureSpec, lang: str) -> str:
    """Name of a feature in words.

    Example:
        >>> label(FeatureSpec("ltv", "ratio", 1, "security", "抵质押率", "Loan to value"), "zh")
        '抵质押率'
    """
    return spec.zh if lang == "zh" else spec.en
