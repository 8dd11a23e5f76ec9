"""Invoice history: what is refused, each feature by hand, no leak of length or lateness, and the real firms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import pandas as pd
import pytest

from eco_credit.contracts import contract
from eco_credit.core.errors import ContractError
from eco_credit.valuation.invoice_tables import COLUMNS, checked
from eco_credit.valuation.invoices import FEATURES, invoice_features, order_history, read_cumcm

ROOT = Path(__file__).resolve().parents[2]


def invoices(*rows: tuple[str, str, float], kind: str = "sale", status: str = "valid") -> pd.DataFrame:
    """Invoices of firm F: (day, other side, net amount), 10 % tax."""
    return pd.DataFrame({
        "entity": "F", "counterparty": [r[1] for r in rows], "issued_on": [r[0] for r in rows],
        "net": [r[2] for r in rows], "tax": [0.1 * r[2] for r in rows], "status": status, "kind": kind,
    }, columns=list(COLUMNS))


SALES = pd.concat([
    invoices(("2024-01-10", "A", 300.0), ("2024-01-20", "B", 100.0), ("2024-03-05", "A", 150.0),
             ("2024-03-06", "A", -50.0), ("2024-04-01", "C", 50.0)),
    invoices(("2024-02-02", "A", 999.0), ("2024-04-02", "C", 70.0), status="void"),
], ignore_index=True)
PURCHASES = invoices(("2023-12-31", "X", 500.0), ("2024-01-05", "X", 200.0), ("2024-03-05", "Y", 75.0), kind="purchase")


def features(sales: pd.DataFrame = SALES, purchases: pd.DataFrame = PURCHASES, **options: Any) -> pd.Series:
    return invoice_features(sales, purchases, **options).loc["F"]


def test_every_feature_of_one_firm_by_hand() -> None:
    """Months January to April sell 400, 0, 150, 50: mean 150, deviations 250, -150, 0, -100 -> sd sqrt(23750)."""
    expected = {
        "monthly_sales": 150.0,
        "sales_trend": np.log(100.0 / 200.0),  # mean of March and April over mean of January and February
        "sales_volatility": np.sqrt(95_000 / 4) / 150.0,
        "idle_month_share": 1 / 4,
        "invoice_size": 125.0,  # median of 300, 100, 150, 50
        "void_share": 2 / 7,
        "purchase_void_share": 0.0,
        "return_share": 1 / 5,
        "dilution": 50 / 600,
        "buyers": (2 + 1 + 1) / 3,
        "buyer_hhi": (450**2 + 100**2 + 50**2) / 600**2,
        "top_buyer": 450 / 600,
        "repeat_buyer_share": 450 / 600,  # A alone bought in two months
        "suppliers": 1.0,
        "supplier_hhi": (700**2 + 75**2) / 775**2,
        "top_supplier": 700 / 775,
        "margin": 1 - 275 / 550,  # the purchase of December is before the first sale
        "tax_share": 0.1,
    }
    found = features()
    assert set(expected) | {"seasonality"} == set(FEATURES) == set(found.index)
    assert np.isnan(found["seasonality"])  # four months are not a year
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_seasonality_is_the_best_calendar_month_over_the_mean() -> None:
    year = [(f"2024-{month:02d}-15", "A", 300.0 if month == 6 else 100.0) for month in range(1, 13)]
    assert features(invoices(*year))["seasonality"] == pytest.approx(300 / (1400 / 12) - 1)


def test_the_middle_month_of_an_odd_number_takes_no_side_in_the_trend() -> None:
    three = invoices(("2024-01-15", "A", 100.0), ("2024-02-15", "A", 900.0), ("2024-03-15", "A", 200.0))
    assert features(three)["sales_trend"] == pytest.approx(np.log(200 / 100))


def test_a_void_invoice_counts_in_the_void_share_only() -> None:
    alone = features(SALES[SALES["status"] == "valid"])
    with_voids = features()
    assert alone["void_share"] == 0.0
    pd.testing.assert_series_equal(alone.drop("void_share"), with_voids.drop("void_share"))


def test_only_invoices_before_the_day_are_read() -> None:
    pd.testing.assert_series_equal(
        features(until="2024-03-06"), features(SALES[SALES["issued_on"] < "2024-03-06"], PURCHASES))
    assert features(until="2024-03-05")["monthly_sales"] == 400.0


def test_a_firm_without_invoices_is_answered_with_unknowns_and_the_order_of_firms_is_kept() -> None:
    table = invoice_features(SALES, PURCHASES, entity=["nobody", "F"])
    assert list(table.index) == ["nobody", "F"] and table.loc["nobody"].isna().all()
    assert list(table.columns) == list(FEATURES)


def year_of_sales(first_year: int, years: int) -> pd.DataFrame:
    months = [(month, amount) for month, amount in ((1, 100.0), (2, 40.0), (5, 250.0), (9, 80.0), (12, 60.0))]
    return invoices(*[
        (f"{first_year + year}-{month:02d}-10", buyer, amount + extra)
        for year in range(years) for month, amount in months for buyer, extra in (("A", 0.0), ("B", 25.0))
    ])


def test_no_feature_knows_how_long_a_firm_has_traded() -> None:
    """A firm that trades the same year twice looks the same, but for its trend, which the seasons do not bend."""
    short, long = (features(year_of_sales(2020, years), year_of_sales(2020, years).assign(kind="purchase"))
                   for years in (2, 4))
    pd.testing.assert_series_equal(short, long)
    assert long["sales_trend"] == pytest.approx(0.0)


def test_no_feature_knows_how_long_ago_a_firm_stopped() -> None:
    early, late = features(year_of_sales(2014, 3), PURCHASES), features(year_of_sales(2020, 3), PURCHASES)
    pd.testing.assert_series_equal(early.drop("margin"), late.drop("margin"))
    assert early.equals(features(year_of_sales(2014, 3), PURCHASES, until="2030-01-01"))


@pytest.mark.parametrize("share", [0.5, 10.0])
def test_shares_do_not_depend_on_the_size_of_the_firm(share: float) -> None:
    def scaled(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(net=table["net"] * share, tax=table["tax"] * share)

    money = [name for name, (unit, *_) in FEATURES.items() if unit == "CNY"]
    one, other = features(), features(scaled(SALES), scaled(PURCHASES))
    pd.testing.assert_series_equal(one.drop(money), other.drop(money))
    assert (other[money] / one[money]).tolist() == pytest.approx([share] * len(money))


# --- what is refused ----------------------------------------------------------------------------------------------


def with_cell(name: str, value: Any) -> pd.DataFrame:
    table = SALES.astype({name: object})
    table.loc[2, name] = value
    return table


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("net", np.nan, "not_a_number"),
        ("net", "1,000", "not_a_number"),
        ("tax", np.inf, "not_finite"),
        ("issued_on", "2024-02-30", "not_a_date"),
        ("issued_on", 45_292, "not_a_date"),  # the serial day of a spreadsheet
        ("issued_on", None, "not_a_date"),
        ("status", "cancelled", "unknown_status"),
        ("status", None, "unknown_status"),
        ("kind", "purchase", "wrong_kind"),
        ("entity", "  ", "blank"),
        ("counterparty", None, "blank"),
    ],
)
def test_a_bad_cell_is_refused_by_column_rule_and_row_without_its_value(name: str, value: Any, rule: str) -> None:
    with pytest.raises(ContractError) as caught:
        checked(with_cell(name, value), kind="sale")
    (found,) = caught.value.violations
    assert (found.field, found.rule, found.row) == (f"sales.{name}", rule, 3)
    assert name == "kind" or value is None or str(value) not in found.en + found.zh  # the value is never echoed


@pytest.mark.parametrize("name", COLUMNS)
def test_a_missing_column_is_named(name: str) -> None:
    with pytest.raises(ContractError) as caught:
        invoice_features(SALES, PURCHASES.drop(columns=name))
    assert [(v.field, v.rule) for v in caught.value.violations] == [(f"purchases.{name}", "missing_column")]


def test_one_violation_stands_for_all_bad_rows_of_a_column() -> None:
    with pytest.raises(ContractError, match=r"row 1 and 6 more"):
        checked(SALES.assign(net=np.nan), kind="sale")


def test_a_day_that_is_no_day_is_refused() -> None:
    with pytest.raises(ContractError, match="until"):
        order_history(SALES, until="soon")


def test_a_row_exported_twice_counts_once_where_invoices_have_numbers() -> None:
    numbered = SALES.assign(invoice_no=[str(n) for n in range(len(SALES))])
    twice = pd.concat([numbered, numbered])
    pd.testing.assert_series_equal(features(twice), features(numbered))
    assert features(pd.concat([SALES, SALES]))["monthly_sales"] == 300.0  # without a number nobody can tell


# --- filling a pledge ---------------------------------------------------------------------------------------------


def test_the_history_of_a_buyer_is_what_the_order_contract_asks_for() -> None:
    history = order_history(SALES, until="2025-01-11").set_index("buyer_id")
    # from 2024-01-11 on: A sold 165 and took back 55 with tax, B 110, C 55; the invoice of 10 January is too old
    assert history["sales_12m"].to_dict() == pytest.approx({"A": 165.0, "B": 110.0, "C": 55.0})
    assert history["returns_12m"].to_dict() == pytest.approx({"A": 55.0, "B": 0.0, "C": 0.0})
    assert history["dilution"].to_dict() == pytest.approx({"A": 1 / 3, "B": 0.0, "C": 0.0})
    assert history["buyer_share"]["B"] == pytest.approx(1 / 3)
    assert history["top_buyer"].tolist() == pytest.approx([0.5] * 3)
    assert history["months_traded"].tolist() == [1, 1, 1]
    known_at = {field.name: field.known_at for field in contract("order").fields}
    assert known_at["sales_12m"] == known_at["returns_12m"] == "origination"


def test_the_day_of_the_application_is_outside_and_the_same_day_a_year_before_is_inside() -> None:
    edge = invoices(("2024-06-01", "A", 100.0), ("2025-06-01", "A", 7.0))
    assert order_history(edge, until="2025-06-01")["sales_12m"].tolist() == pytest.approx([110.0])


def test_a_buyer_with_returns_only_has_no_dilution_to_state() -> None:
    history = order_history(invoices(("2024-06-01", "A", -100.0)), until="2024-07-01")
    assert history["returns_12m"].tolist() == pytest.approx([110.0]) and history["dilution"].isna().all()


# --- readers and the real firms -----------------------------------------------------------------------------------


def test_the_reader_trims_the_status_and_leaves_an_unknown_one_to_be_refused(tmp_path: Path) -> None:
    columns = ["企业代号", "发票号码", "开票日期", "购方单位代号", "金额", "税额", "价税合计", "发票状态"]
    states = (" 作废发票", "有效发票")
    rows = [["E1", "1", pd.Timestamp("2019-01-01"), "B1", 10.0, 1.0, 11.0, state] for state in states]
    pd.DataFrame(rows, columns=columns).to_parquet(tmp_path / "labelled_output_invoices.parquet")
    pd.DataFrame(rows, columns=columns).rename(columns={"购方单位代号": "销方单位代号"}).assign(
        发票状态="红冲").to_parquet(tmp_path / "labelled_input_invoices.parquet")
    sales, purchases = read_cumcm(tmp_path)
    assert sales["status"].tolist() == ["void", "valid"]
    with pytest.raises(ContractError, match="status"):
        checked(purchases, kind="purchase")
    with pytest.raises(ContractError, match="lacks this file"):
        read_cumcm(tmp_path, labelled=False)


def run_notebook(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.chdir(ROOT)
    scope: dict[str, Any] = {"__name__": "__main__"}
    for cell in jupytext.read(ROOT / "notebooks" / "invoice_history.py", fmt="py:percent").cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, "invoice_history", "exec"), scope)
    return scope


def test_the_page_runs_on_synthetic_firms_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ECO_CREDIT_SHARED", str(tmp_path))
    assert run_notebook(monkeypatch)["real"] is False
    assert "SYNTHETIC firms 48 defaults 12" in capsys.readouterr().out


@pytest.mark.shared
def test_real_firms_rank_as_documented_without_rating_or_recency(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Documented: 0.888 (0.79 to 0.96) logistic, 0.854 LightGBM, by leaving one firm out; shuffled labels 0.46."""
    monkeypatch.setenv("ECO_CREDIT_SHARED", str(shared))
    scope = run_notebook(monkeypatch)
    results, single = scope["results"], scope["single"]
    assert scope["real"] and len(scope["y"]) == 123 and scope["y"].sum() == 27
    small = results.loc["logistic, 5 features"]
    assert small.to_dict() == pytest.approx({"auc": 0.888, "low": 0.79, "high": 0.96}, abs=0.02)
    assert results.loc["LightGBM, 5 features", "auc"] == pytest.approx(0.854, abs=0.03)
    # the signs hold for the five, and the three that go against theory are known
    assert (np.sign(scope["signs"]) == single.loc[scope["SMALL"], "expected"]).all()
    assert single.index[single["agrees"] == "no"].tolist() == ["purchase_void_share", "return_share", "dilution"]
    assert scope["caught"] == ["rating (value)", "rating (level)"] and scope["passed"] == []
    assert abs(scope["shuffled"].mean() - 0.5) < 0.1 < small["low"] - scope["shuffled"].mean()
