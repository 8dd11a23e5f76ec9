"""Why a price haircut deserves less trust, in both languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caveat:
    """One reason to trust a haircut less: stable code, and words in both languages."""

    code: str
    zh: str
    en: str


CAVEATS = (
    Caveat(
        "few_deals",
        "成交笔数不足，按无法计量处理",
        "too few deals: held to the haircut of an unmeasured price",
    ),
    Caveat(
        "few_periods",
        "价格序列过短，按无法计量处理",
        "series too short: held to the haircut of an unmeasured price",
    ),
    Caveat(
        "few_windows",
        "不重叠窗口太少，历史分位数没有尾部信息",
        "too few separate windows: the historical quantile knows no tail",
    ),
    Caveat(
        "no_window",
        "序列短于期限，历史法不可用",
        "series shorter than the horizon: no historical method",
    ),
    Caveat(
        "carried_periods",
        "部分期次成交不足，沿用上期价格，波动偏低",
        "thin periods carry the price before them: volatility reads low",
    ),
    Caveat(
        "bouncing",
        "价格环比负相关，多为中位数噪声，波动可能偏高",
        "returns bounce, mostly noise of the median: volatility may read high",
    ),
    Caveat(
        "floor_applied",
        "低于下限，按下限取值",
        "measured below the floor: the floor is taken",
    ),
)
"""All caveats, in the order they are shown."""
