"""Figures of a portfolio of scored loans: guarantee, who bears what, loss, concentration, capital.

Pure formulas take numbers or arrays; the terms of a guarantee are data; every number of law or
policy comes from the rulebook (``portfolio.*``).
"""

from eco_credit.portfolio.balances import Balances, balances_of
from eco_credit.portfolio.book import Exposures, exposures_of
from eco_credit.portfolio.cascade import Borne, Waterfall
from eco_credit.portfolio.company import Company, asset_view
from eco_credit.portfolio.concentration import effective_number, hhi, top_share
from eco_credit.portfolio.experience import experience
from eco_credit.portfolio.factors import FactorModel
from eco_credit.portfolio.figures import PortfolioFigures, portfolio_figures
from eco_credit.portfolio.guarantee import (
    break_even_fee,
    expected_payout,
    guarantee_caps,
    guarantee_weights,
    leverage,
    net_loss,
    present_recovery,
)
from eco_credit.portfolio.limits import Plan, plan_limits
from eco_credit.portfolio.loss import expected_excess, expected_tranche_loss, loss_quantile, pool_quantile
from eco_credit.portfolio.outlook import portfolio_outlook
from eco_credit.portfolio.prudential import prudential_view
from eco_credit.portfolio.relief import relief_view
from eco_credit.portfolio.simulation import LossDistribution, simulate_losses
from eco_credit.portfolio.solvency import limits_of
from eco_credit.portfolio.stress import Scenario, read_scenarios, run_stress
from eco_credit.portfolio.tails import Tail, tail_of
from eco_credit.portfolio.terms import GuaranteeTerms, read_terms
from eco_credit.portfolio.waterfall import Shares, fill_layers, split_loss, tranche_loss

__all__ = [
    "Balances",
    "Borne",
    "Company",
    "Exposures",
    "FactorModel",
    "GuaranteeTerms",
    "LossDistribution",
    "Plan",
    "PortfolioFigures",
    "Scenario",
    "Shares",
    "Tail",
    "Waterfall",
    "asset_view",
    "balances_of",
    "break_even_fee",
    "effective_number",
    "expected_excess",
    "experience",
    "expected_payout",
    "expected_tranche_loss",
    "exposures_of",
    "fill_layers",
    "guarantee_caps",
    "guarantee_weights",
    "hhi",
    "leverage",
    "limits_of",
    "loss_quantile",
    "net_loss",
    "plan_limits",
    "pool_quantile",
    "portfolio_figures",
    "portfolio_outlook",
    "present_recovery",
    "prudential_view",
    "read_scenarios",
    "read_terms",
    "relief_view",
    "run_stress",
    "simulate_losses",
    "split_loss",
    "tail_of",
    "top_share",
    "tranche_loss",
]
