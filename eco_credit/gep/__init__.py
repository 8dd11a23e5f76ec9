"""Gross ecosystem product (生态产品总值): flows of one area and year under one named norm.

The total is public benefit for the most part. It is never a collateral value.
"""

from eco_credit.gep.account import GepAccount, account, combine
from eco_credit.gep.flow import LeftOut, Notice, ServiceFlow
from eco_credit.gep.flows import flows_for, pledge_columns, share
from eco_credit.gep.norms import Norm, norm_of, norms
from eco_credit.gep.parcels import ParcelFlow, Parcels, parcels
from eco_credit.gep.service import Service
from eco_credit.gep.services import services
from eco_credit.gep.uncertainty import Uncertainty, simulate
from eco_credit.gep.vep import VepAccount, vep

__all__ = [
    "GepAccount", "LeftOut", "Norm", "Notice", "ParcelFlow", "Parcels", "Service", "ServiceFlow", "Uncertainty",
    "VepAccount", "account", "combine", "flows_for", "norm_of", "norms", "parcels", "pledge_columns", "services",
    "share", "simulate", "vep",
]
