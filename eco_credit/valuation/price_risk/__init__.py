"""Price risk of a right or a product: how far its market price may fall before the pledge is sold.

A market value is true on its day. Between the appraisal and the money from a sale lie the rest of the loan
term and the time to sell; `price_haircut` says which fall of the market price is not exceeded in that time at
a stated confidence, measured on deals of the past, and `backtest` says how often it would have been wrong.
It works on one series at a time, for a study or for setting a rule, and is not called when a loan is scored.
"""

from eco_credit.valuation.price_risk.backtest import Backtest, Coverage, Origin, backtest
from eco_credit.valuation.price_risk.caveats import Caveat
from eco_credit.valuation.price_risk.coverage import exact_interval, kupiec
from eco_credit.valuation.price_risk.drawdown import Drawdown, drawdowns, fall_at, maximum_drawdown, worst_fall
from eco_credit.valuation.price_risk.index import Deals, PriceIndex, adjusted_prices, price_index, read_deals
from eco_credit.valuation.price_risk.measure import PriceRisk, price_haircut
from eco_credit.valuation.price_risk.policy import PricePolicy, price_policy

__all__ = [
    "Deals", "PriceIndex", "read_deals", "price_index", "adjusted_prices",
    "Drawdown", "drawdowns", "maximum_drawdown", "worst_fall", "fall_at",
    "PricePolicy", "price_policy", "PriceRisk", "Caveat", "price_haircut",
    "Backtest", "Origin", "Coverage", "backtest", "kupiec", "exact_interval",
]  # fmt: skip
