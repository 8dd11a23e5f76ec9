"""The house's settings of price risk, read from the rulebook."""

from __future__ import annotations

from dataclasses import dataclass

from eco_credit.rulebook import RuleSet

METHODS = ("lognormal", "lognormal_worst", "historical", "historical_worst", "expected_drawdown")


@dataclass(frozen=True, slots=True)
class PricePolicy:
    """How the price haircut is set.

    Attributes:
        alpha: chance that the fall is larger, above 0 and below 0.5.
        horizon_months: rest of the loan term and time to sell.
        floor: least haircut.
        unmeasured: least haircut where the deals are too few to measure one.
        least_deals: deals needed for a measurement.
        least_periods: periods of the index needed for a measurement.
        least_per_period: deals needed for the median of one period.
        decay: weight of a month against the month after it in the exponentially weighted volatility.
        methods: names of the methods whose largest haircut is taken.
    """

    alpha: float
    horizon_months: float
    floor: float
    unmeasured: float
    least_deals: float
    least_periods: float
    least_per_period: int
    decay: float
    methods: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing.

        Raises:
            ValueError: alpha, decay, floor or a method is outside its range.
        """
        if not (0.0 < self.alpha < 0.5 and 0.0 < self.decay <= 1.0 and self.horizon_months > 0.0):
            raise ValueError("alpha must be within (0, 0.5), decay within (0, 1] and the horizon above 0")
        if not (0.0 <= self.floor < 1.0 and 0.0 <= self.unmeasured < 1.0):
            raise ValueError("floors must be within [0, 1)")
        if not self.methods or set(self.methods) - set(METHODS):
            raise ValueError(f"methods must be some of {', '.join(METHODS)}")


def price_policy(rules: RuleSet) -> PricePolicy:
    """Read the settings of a day.

    Args:
        rules: rule set with ``valuation.price_risk.*``.

    Returns:
        The policy.
    """

    def number(key: str) -> float:
        return rules.number(f"valuation.price_risk.{key}")

    return PricePolicy(
        alpha=number("alpha"),
        horizon_months=number("horizon_months"),
        floor=number("floor"),
        unmeasured=number("unmeasured"),
        least_deals=number("least_deals"),
        least_periods=number("least_periods"),
        least_per_period=int(number("least_per_period")),
        decay=number("decay"),
        methods=tuple(str(name) for name in rules["valuation.price_risk.methods"]),
    )
