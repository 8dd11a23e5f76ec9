"""The result of a model bundle, in columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Floats, where_known
from eco_credit.risk.support import SupportResult

NUMBERS = (
    "pd",
    "pd_low",
    "pd_high",
    "pd_margin_a",
    "pd_margin_b",
    "pd_margin_c",
    "pd_with_margin",
    "logit",
    "lgd",
    "lgd_low",
    "lgd_high",
    "value_ratio",
    "value_floor",
    "expected_loss_rate",
    "score",
)


@dataclass(frozen=True, slots=True)
class RiskEstimate:
    """Risk of each row, shape (n,) throughout. A refused row has NaN numbers and no grade.

    Attributes:
        pd, pd_low, pd_high: probability of default within the horizon and its range.
        pd_margin_a, pd_margin_b, pd_margin_c: margins of conservatism on the PD, ratio; NaN without any.
        pd_with_margin: PD with the three, ratio; NaN without any.
        logit: calibrated logit, before floor and ceiling.
        lgd, lgd_low, lgd_high: loss given default and its range (low: good sale), ratio.
        value_ratio: central liquidation-value ratio; ``1 - LGD`` for a package that reads LGD directly.
        value_floor: the ratio that a sale reaches in 95 of 100 cases (one-sided conformal floor).
        expected_loss_rate: PD * LGD.
        score: whole points; more is better.
        grade: grade code; None where refused.
        contributions: feature to its part in the logit against the reference profile; they add up to the difference
            of the logits.
        benchmark: PD of the scorecard beside the model, ratio; NaN without one.
        disagreement: distance of the calibrated logits of the model and of the scorecard beside it; NaN without one.
        tellable: the contributions, zero where the direction contradicts the declared sign; reasons come from these.
        refer: outside the model's support in some way; a person decides.
        refused: so unusual that no PD is given.
        support: what was found, in detail.
    """

    pd: Floats
    pd_low: Floats
    pd_high: Floats
    pd_margin_a: Floats
    pd_margin_b: Floats
    pd_margin_c: Floats
    pd_with_margin: Floats
    logit: Floats
    lgd: Floats
    lgd_low: Floats
    lgd_high: Floats
    value_ratio: Floats
    value_floor: Floats
    expected_loss_rate: Floats
    score: Floats
    grade: npt.NDArray[np.object_]
    contributions: dict[str, Floats]
    benchmark: Floats
    disagreement: Floats
    tellable: dict[str, Floats]
    refer: Bools
    refused: Bools
    support: SupportResult

    @property
    def out_of_scope(self) -> Bools:
        """True where the row lies outside the model's support, referred and refused alike."""
        return self.refer | self.refused

    def wide(self, least: float) -> Bools:
        """Rows whose PD range is wider than ``least`` and than the PD itself, too wide to decide by machine.

        Args:
            least: ``credit.policy.pd_width_refer_max``, ratio.
        """
        width = where_known(self.pd_high - self.pd_low, 0.0)
        return width > np.maximum(least, where_known(self.pd, 1.0))


def blank_refused(estimate: RiskEstimate) -> RiskEstimate:
    """Take every model number away from refused rows, so that nothing downstream can average it in."""
    gone = estimate.refused
    if not gone.any():
        return estimate
    numbers: dict[str, Any] = {name: np.where(gone, np.nan, getattr(estimate, name)) for name in NUMBERS}
    grade = estimate.grade.copy()
    grade[gone] = None
    return replace(
        estimate,
        **numbers,
        grade=grade,
        benchmark=np.where(gone, np.nan, estimate.benchmark),
        disagreement=np.where(gone, np.nan, estimate.disagreement),
        contributions={name: np.where(gone, np.nan, part) for name, part in estimate.contributions.items()},
        tellable={name: np.where(gone, 0.0, part) for name, part in estimate.tellable.items()},
    )
