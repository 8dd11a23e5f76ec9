"""The one pipeline behind API, batch, command line and notebook."""

from eco_credit.scoring.pipeline import appraise_applications
from eco_credit.scoring.reasons import ReasonCode, reason_codes
from eco_credit.scoring.score import Scored, pledge_answers, score_applications

__all__ = ["ReasonCode", "Scored", "appraise_applications", "pledge_answers", "reason_codes", "score_applications"]
