"""Expected loss: one audited product."""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units


@units(pd="dimensionless", lgd="dimensionless", returns="dimensionless")
def expected_loss_rate(pd: Floats, lgd: Floats) -> Floats:
    """Expected loss over exposure, ``EL = PD * LGD``; ratio, any shape; NaN where either is unknown.

    Example:
        >>> expected_loss_rate(0.02, 0.5)
        0.01
    """
    return pd * lgd


@units(pd="dimensionless", lgd="dimensionless", exposure="CNY", returns="CNY")
def expected_loss(pd: Floats, lgd: Floats, exposure: Floats) -> Floats:
    """Expected loss in yuan over the horizon of the PD, ``PD * LGD * EAD``; any shape."""
    return pd * lgd * exposure
