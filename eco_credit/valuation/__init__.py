"""What a right is worth, what may be lent on it, and what a sale under stress brings."""

from eco_credit.valuation.book import EMPTY, LenderBook, lender_book
from eco_credit.valuation.kind import Kind
from eco_credit.valuation.kinds import kinds
from eco_credit.valuation.pledge import PledgeValues, appraise_pledges

__all__ = ["EMPTY", "Kind", "LenderBook", "PledgeValues", "appraise_pledges", "kinds", "lender_book"]
