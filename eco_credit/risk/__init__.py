"""Risk at predict time, in plain numbers: tables, calibration, ranges, LGD, points, reasons.

Training writes the tables; nothing here needs a model library.
"""

from eco_credit.risk.bundle import PARTS, ModelBundle
from eco_credit.risk.cells import CellEvidence
from eco_credit.risk.estimate import RiskEstimate
from eco_credit.risk.feature_list import FeatureList, FeatureSpec
from eco_credit.risk.lgd import regulatory_lgd
from eco_credit.risk.loan_features import features, main_kind
from eco_credit.risk.monotone import monotone_violations
from eco_credit.risk.scorecard import Scale, scale_from_rules
from eco_credit.risk.table_json import table_from_json, table_to_json
from eco_credit.risk.tables import Grid, PairTable, TableModel

__all__ = [
    "PARTS",
    "CellEvidence",
    "FeatureList",
    "FeatureSpec",
    "Grid",
    "ModelBundle",
    "PairTable",
    "RiskEstimate",
    "Scale",
    "TableModel",
    "features",
    "main_kind",
    "monotone_violations",
    "regulatory_lgd",
    "scale_from_rules",
    "table_from_json",
    "table_to_json",
]
