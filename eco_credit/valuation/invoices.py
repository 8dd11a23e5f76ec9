"""What a firm's tax invoices say about its trade, and the fields of an order pledge they can fill.

Every feature is known on the day of the application and free of two leaks: the lender's own rating is not
read, and nothing measures how long a firm has traded or how lately, because a firm that has defaulted stops
invoicing. Levels are therefore means over the months from a firm's own first to its own last invoice.
Off the scoring path.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Floats
from eco_credit.valuation.invoice_tables import checked, read_cumcm

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

__all__ = ["FEATURES", "invoice_features", "order_history", "read_cumcm"]

FEATURES: dict[str, tuple[str, str, str]] = {
    "monthly_sales": ("CNY", "月均销项金额", "mean gross sales of a month"),
    "sales_trend": ("ratio", "销售趋势", "ln of mean monthly sales, later half of the months over earlier half"),
    "sales_volatility": ("ratio", "月销售波动", "standard deviation of monthly sales over their mean"),
    "seasonality": ("ratio", "季节性", "highest mean calendar month over the mean of all, less 1; 12 months needed"),
    "idle_month_share": ("ratio", "断月占比", "months without a sale between first and last sale"),
    "invoice_size": ("CNY", "单张金额中位数", "median sale"),
    "void_share": ("ratio", "作废发票占比", "void sales invoices over all sales invoices"),
    "purchase_void_share": ("ratio", "进项作废占比", "void purchase invoices over all purchase invoices"),
    "return_share": ("ratio", "负数发票占比", "red-letter sales invoices over valid sales invoices"),
    "dilution": ("ratio", "稀释率", "returned over gross sales, by amount, at most 1"),
    "buyers": ("count", "月均买方数", "mean number of buyers in a month with sales"),
    "buyer_hhi": ("ratio", "买方集中度", "sum of squared shares of buyers in gross sales"),
    "top_buyer": ("ratio", "最大买方占比", "share of the largest buyer in gross sales"),
    "repeat_buyer_share": ("ratio", "复购买方占比", "part of gross sales to buyers served in two months or more"),
    "suppliers": ("count", "月均供应商数", "mean number of suppliers in a month with purchases"),
    "supplier_hhi": ("ratio", "供应商集中度", "sum of squared shares of suppliers in gross purchases"),
    "top_supplier": ("ratio", "最大供应商占比", "share of the largest supplier in gross purchases"),
    "margin": ("ratio", "进销差率", "1 - net purchases / net sales in the months of the sales, from -1 to 1"),
    "tax_share": ("ratio", "销项税负", "tax over net amount of gross sales"),
}
"""Name to unit, Chinese label and meaning. NaN where a firm's invoices cannot say."""


def invoice_features(
    sales: pd.DataFrame, purchases: pd.DataFrame, *,
    until: str | dt.date | None = None, entity: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Features of each firm from its invoices.

    Args:
        sales: invoices issued, columns of `eco_credit.valuation.invoice_tables.COLUMNS`; amounts in CNY.
        purchases: invoices received, same columns.
        until: only invoices before this day are read; without it, all.
        entity: firms wanted, in this order; without it, every firm of either table, sorted.

    Returns:
        Index ``entity``, one column per name of `FEATURES`, float64.

    Raises:
        ContractError: a table breaks its rules (see `checked`), ``not_a_date`` for ``until``.
    """
    import pandas as pd

    sold, bought = _before(checked(sales, kind="sale"), until), _before(checked(purchases, kind="purchase"), until)
    firms = sorted({*sold["entity"], *bought["entity"]}) if entity is None else list(entity)
    of_sales, of_purchases = dict(list(sold.groupby("entity"))), dict(list(bought.groupby("entity")))
    rows = [_features(of_sales.get(firm, sold[:0]), of_purchases.get(firm, bought[:0])) for firm in firms]
    return pd.DataFrame(rows, index=pd.Index(firms, name="entity"), columns=list(FEATURES), dtype="float64")


def order_history(sales: pd.DataFrame, *, until: str | dt.date) -> pd.DataFrame:
    """Trade of each firm with each of its buyers in the twelve months before a day, as an order pledge asks for it.

    Args:
        sales: invoices issued, columns of `eco_credit.valuation.invoice_tables.COLUMNS`; amounts in CNY.
        until: day of the application; the invoices of the twelve months before it count.

    Returns:
        One row per ``entity`` and ``buyer_id``, sorted: ``sales_12m`` and ``returns_12m`` (CNY, tax included, as the
        contract ``order`` has them), ``dilution`` (returns over sales, at most 1; NaN without sales),
        ``buyer_share`` (of the firm's sales), ``top_buyer`` (share of the firm's largest buyer) and
        ``months_traded`` (months of the twelve with a sale to that buyer). An invoice shows no payment, so
        ``past_due`` and a share paid on time cannot be filled from it.

    Raises:
        ContractError: the table breaks its rules, or ``until`` is not a date.
    """
    import pandas as pd

    table, end = checked(sales, kind="sale"), _date(until)
    table = table[(table["status"] == "valid") & (table["issued_on"] < end)]
    table = table[table["issued_on"] >= end - pd.DateOffset(years=1)]
    gross, month = table["net"] + table["tax"], _months(table)
    parts = pd.DataFrame({
        "entity": table["entity"], "buyer_id": table["counterparty"], "sales_12m": gross.clip(lower=0.0),
        "returns_12m": (-gross).clip(lower=0.0), "month": np.where(gross > 0.0, month, np.nan),
    })
    found = parts.groupby(["entity", "buyer_id"]).agg(
        sales_12m=("sales_12m", "sum"), returns_12m=("returns_12m", "sum"), months_traded=("month", "nunique"))
    found = found.reset_index()
    whole = found.groupby("entity")["sales_12m"].transform("sum")
    found["dilution"] = (found["returns_12m"] / found["sales_12m"].where(found["sales_12m"] > 0.0)).clip(upper=1.0)
    found["buyer_share"] = found["sales_12m"] / whole.where(whole > 0.0)
    found["top_buyer"] = found.groupby("entity")["buyer_share"].transform("max")
    return found[["entity", "buyer_id", "sales_12m", "returns_12m", "dilution", "buyer_share", "top_buyer",
                  "months_traded"]]


def _date(value: str | dt.date) -> pd.Timestamp:
    import pandas as pd

    found = pd.to_datetime(str(value), errors="coerce")
    if pd.isna(found):
        raise ContractError([Violation("until", "not_a_date", "write a day as yyyy-mm-dd", "应为 yyyy-mm-dd 日期")])
    return found


def _before(table: pd.DataFrame, until: str | dt.date | None) -> pd.DataFrame:
    return table if until is None else table[table["issued_on"] < _date(until)]


def _months(table: pd.DataFrame) -> Floats:
    """Months since year 0, one number per row."""
    day = table["issued_on"].dt
    return np.asarray(day.year * 12 + day.month - 1, dtype=np.float64)


def _features(sold: pd.DataFrame, bought: pd.DataFrame) -> dict[str, float]:
    found = {
        "void_share": _share(sold["status"] == "void"), "purchase_void_share": _share(bought["status"] == "void"),
    }
    sold, bought = sold[sold["status"] == "valid"], bought[bought["status"] == "valid"]
    good, goods_in = sold[sold["net"] > 0.0], bought[bought["net"] > 0.0]
    found["return_share"] = _share(sold["net"] < 0.0)
    found["suppliers"], found["supplier_hhi"], found["top_supplier"] = _partners(goods_in)
    if good.empty:
        return found
    found["buyers"], found["buyer_hhi"], found["top_buyer"] = _partners(good)
    gross, month = good["net"].to_numpy(dtype=np.float64), _months(good)
    found |= _rhythm(gross, month)
    found["invoice_size"] = float(np.median(gross))
    found["tax_share"] = float(good["tax"].sum() / gross.sum())
    found["dilution"] = min(1.0, float((-sold["net"]).clip(lower=0.0).sum() / gross.sum()))
    found["repeat_buyer_share"] = _repeated(good, month)
    inside = bought[(_months(bought) >= month.min()) & (_months(bought) <= month.max())]
    net = float(sold["net"].sum())
    found["margin"] = float(np.clip(1.0 - inside["net"].sum() / net, -1.0, 1.0)) if net > 0.0 else np.nan
    return found


def _share(flags: pd.Series[bool]) -> float:
    return float(flags.mean()) if len(flags) else np.nan


def _rhythm(gross: Floats, month: Floats) -> dict[str, float]:
    """Level, trend and spread of the monthly sales, from the firm's first month to its last."""
    first = int(month.min())
    by_month = np.bincount((month - first).astype(np.intp), weights=gross)
    months, mean = len(by_month), float(by_month.mean())
    half = months // 2
    found = {
        "monthly_sales": mean,
        "sales_volatility": float(by_month.std() / mean),
        "idle_month_share": float((by_month == 0.0).mean()),
        "sales_trend": float(np.log(by_month[months - half:].mean() / by_month[:half].mean())) if half else np.nan,
        "seasonality": np.nan,
    }
    if months >= 12:
        calendar = (first + np.arange(months)) % 12
        means = np.bincount(calendar, weights=by_month) / np.bincount(calendar)
        found["seasonality"] = float(means.max() / means.mean() - 1.0)
    return found


def _partners(invoices: pd.DataFrame) -> tuple[float, float, float]:
    """Mean number of partners in a month, HHI and largest share by amount."""
    if invoices.empty:
        return np.nan, np.nan, np.nan
    amount = invoices.groupby("counterparty")["net"].sum().to_numpy(dtype=np.float64)
    share = amount / amount.sum()
    a_month = invoices["counterparty"].groupby(_months(invoices)).nunique().mean()
    return float(a_month), float((share * share).sum()), float(share.max())


def _repeated(good: pd.DataFrame, month: Floats) -> float:
    """Part of sales to buyers served in two months or more; NaN where there is one month only."""
    if month.min() == month.max():
        return np.nan
    months_of_buyer = good.assign(month=month).groupby("counterparty")["month"].transform("nunique")
    return float(good["net"].where(months_of_buyer >= 2.0, 0.0).sum() / good["net"].sum())
