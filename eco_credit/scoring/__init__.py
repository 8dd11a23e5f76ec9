"""The one pipeline behind API, batch, command line and notebook."""

from eco_credit.scoring.pipeline import appraise_applications
from eco_credit.scoring.pledge_answer import pledge_answers
from eco_credit.scoring.reasons import ReasonCode, reason_codes
from eco_credit.scoring.score import Scored, score_applications

__all__ = ["ReasonCode", "Scored", "appraise_applications", "pledge_answers", "reason_codes", "score_applications"]
