"""Tables as people write them: Chinese headers with units, the template, and refusals that name the mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import python_calamine
import typer
from typer.testing import CliRunner

from eco_credit.contracts.lists import code_list
from eco_credit.gep import measure, services
from serving.cli.gep import register
from serving.gep_table import read_rows
from serving.gep_template import PHYSICAL_UNITS, PRICE_UNITS, fields, template

GARZE = Path(__file__).parents[2] / "examples" / "garze_2010.csv"
ZH = """甘孜州生态产品清单,,,,,,,
核算年度,指标,产品项,功能量（万t）,单价（元/t）,价值量（亿元）,数据来源,类别
2010,固碳,,,,117.35,统计局,调节服务
2010,水源涵养,涵养量,,,"2,269.71",水利局,调节服务

2010,土壤保持,减少氮面源污染,1437.94,875,,农业局,调节服务
合计,,,,,2512.88,,
"""


@pytest.fixture
def app() -> typer.Typer:
    """A root with only this group."""
    made = typer.Typer()
    register(made)
    return made


def run(app: typer.Typer, *words: object) -> Any:
    """Call the command line."""
    return CliRunner().invoke(app, ["gep", *map(str, words)])


def refused(app: typer.Typer, tmp_path: Path, text: str) -> list[tuple[str, str, int | None]]:
    """Field, rule and row of each refusal of a csv, and proof that nothing was written."""
    source = tmp_path / "in.csv"
    source.write_text(text, encoding="utf-8")
    done = run(app, "account", source, tmp_path / "out.csv", "--report", tmp_path / "out.html", "--json")
    assert done.exit_code == 3, done.output
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
    return [(e["field"], e["rule"], e.get("row")) for e in json.loads(done.stdout)["errors"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_chinese_table_with_a_title_units_in_brackets_and_a_total_row(
    app: typer.Typer, tmp_path: Path, encoding: str
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.json"
    source.write_text(ZH, encoding=encoding)
    done = run(app, "account", source, target, "--json")
    assert done.exit_code == 0, done.output
    made = json.loads(target.read_text(encoding="utf-8"))
    values = [row["value_cny"] for row in made["rows"]]
    # 117.35e8 ; 2269.71e8 ; 1437.94e4 t * 875 CNY/t = 125.81975e8
    assert values == pytest.approx([117.35e8, 2269.71e8, 125.81975e8], rel=1e-12)
    assert made["rows"][2]["item"] == "nonpoint_n"
    assert made["account_year"] == 2010
    assert "total and footer rows not read: 1" in done.stderr


def test_a_refusal_counts_rows_below_the_header_blank_rows_included(app: typer.Typer, tmp_path: Path) -> None:
    text = "指标,价值量（万元）\n固碳,3\n\n不知道,4\n"
    assert refused(app, tmp_path, text) == [("service", "service_unknown", 3)]


@pytest.mark.parametrize(
    ("text", "field", "rule"),
    [
        ("service,value_cny\nnothing,3\n", "service", "service_unknown"),
        ("service,physical,physical_unit,price,price_unit\ncarbon,3,stone,1,CNY/tCO2\n", "physical_unit",
         "unit_unknown"),
        ("service,physical,physical_unit,price,price_unit\ncarbon,3,tC,1,CNY/tCO2\n", "price_unit",
         "carbon_not_carbon_dioxide"),
        ("service,physical,physical_unit,price\ncarbon,3,tCO2,100\n", "price_unit", "unit_not_stated"),
        ("service,item,soil_retained_t,nutrient_content\nsoil_retention,nonpoint_n,1000,0.37\n", "nutrient_content",
         "percent_for_fraction"),
        ("service,item,npp_dry_t,carbon_content\ncarbon,co2,1000,44.45\n", "carbon_content", "percent_for_fraction"),
        ("指标,价值量\n固碳,3\n", "value_cny", "D01"),
        ("指标,价值量（亩）\n固碳,3\n", "value_cny", "unit_mismatch"),
        ("指标,价值量（万元）\n固碳释氧,3\n", "service", "carbon_and_oxygen"),
        ("指标,价值量（万元）\n固碳,abc\n", "value_cny", "number_form"),
        ("指标,价值量（万元）,价值量（元）\n固碳,1,2\n", "value_cny", "two_columns"),
        ("指标,价值量（万元）,附注\n固碳,1,2\n", "附注", "unknown_column"),
        ("a,b\n1,2\n", "header", "header_not_found"),
    ],
)
def test_each_mistake_has_a_name_exits_3_and_writes_nothing(
    app: typer.Typer, tmp_path: Path, text: str, field: str, rule: str
) -> None:
    assert (field, rule) in [found[:2] for found in refused(app, tmp_path, text)]


def test_a_percent_sign_in_a_cell_is_a_part_of_one(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("service,nutrient_content\nsoil_retention,0.37%\n", encoding="utf-8")
    assert read_rows(source).rows[0]["nutrient_content"] == 0.0037


def test_a_value_may_have_its_unit_in_a_column_of_its_own(app: typer.Typer, tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.json"
    source.write_text("指标,价值量,价值量单位\n固碳,3,亿元\n释氧,2,万元\n", encoding="utf-8")
    assert run(app, "account", source, target, "--norm", "tech-guide-2020").exit_code == 0
    assert [row["value_cny"] for row in json.loads(target.read_text(encoding="utf-8"))["rows"]] == [3e8, 2e4]


def test_the_input_is_never_written_over(app: typer.Typer, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(GARZE.read_bytes())
    assert run(app, "account", source, source).exit_code == 3
    assert source.read_bytes() == GARZE.read_bytes()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_report_is_written_beside_the_account(app: typer.Typer, tmp_path: Path, lang: str) -> None:
    report = tmp_path / "out.html"
    done = run(app, "account", GARZE, tmp_path / "out.csv", "--report", report, "--lang", lang, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["report"] == str(report)
    assert ("生态产品总值核算报告" in report.read_text(encoding="utf-8")) is (lang == "zh")
    assert run(app, "account", GARZE, tmp_path / "b.csv", "--report", tmp_path / "b.pdf").exit_code == 3
    assert not (tmp_path / "b.csv").exists()


def test_a_workbook_carries_totals_what_was_left_out_and_warnings(app: typer.Typer, tmp_path: Path) -> None:
    target = tmp_path / "out.xlsx"
    assert run(app, "account", GARZE, target).exit_code == 0
    sheets = pd.read_excel(target, sheet_name=None, engine="calamine")
    assert list(sheets) == ["gep_account", "totals", "left_out", "warnings", "about"]
    total = sheets["totals"].loc[0, "CNY/year"]
    assert total == pytest.approx(sheets["gep_account"].query("counted")["value_cny"].sum(), rel=1e-12)
    assert set(sheets["left_out"]["code"]) == {"oxygen", "pest_control"}
    assert len(read_rows(target).rows) == 28


def test_the_columns_of_the_result_are_the_tidy_table(app: typer.Typer, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    assert run(app, "account", GARZE, target).exit_code == 0
    columns = list(pd.read_parquet(target).columns)
    tidy = ["service", "item", "physical", "physical_unit", "price", "price_unit", "value_cny", "low", "high",
            "method", "source", "counted"]
    assert columns[-len(tidy):] == tidy


@pytest.mark.parametrize("ending", [".csv", ".xlsx", ".parquet", ".json"])
def test_draws_add_percentiles_and_the_file_can_be_read_again(app: typer.Typer, tmp_path: Path, ending: str) -> None:
    target = tmp_path / f"out{ending}"
    words = ("--uncertainty", "64", "--seed", "7", "--report", tmp_path / "out.html", "--json")
    done = run(app, "account", GARZE, target, *words)
    assert done.exit_code == 0, done.output
    total = json.loads(done.stdout)["uncertainty"]["total"]
    assert total["p10"] < total["p50"] < total["p90"]
    assert "P10" in (tmp_path / "out.html").read_text(encoding="utf-8")
    rows = read_rows(target).rows
    assert len(rows) == 28 and "p10" not in rows[0]
    if ending == ".csv":
        frame = pd.read_csv(target)
        assert (frame["p10"] < frame["p90"]).all()


def test_a_number_of_draws_that_does_not_fit_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    done = run(app, "account", GARZE, tmp_path / "out.csv", "--uncertainty", "100", "--json")
    assert done.exit_code == 3
    assert [e["rule"] for e in json.loads(done.stdout)["errors"]] == ["samples"]
    assert not (tmp_path / "out.csv").exists()


def test_a_template_filled_in_chinese_is_read_back(app: typer.Typer, tmp_path: Path) -> None:
    out, target = tmp_path / "t.xlsx", tmp_path / "out.json"
    assert run(app, "template", out).exit_code == 0
    book = python_calamine.CalamineWorkbook.from_path(str(out))
    assert book.sheet_names == ["gep_account", "说明", "指标", "单位", "计算列", "核算规范"]
    head = book.get_sheet_by_name("gep_account").to_python(skip_empty_area=False)
    assert head[2] == [field.name for field in fields()]
    blank = dict.fromkeys(head[2])
    row = blank | {"account_year": 2025, "service": "水源涵养", "physical": 2, "physical_unit": "万立方米", "price": 6,
                   "price_unit": "元/立方米", "price_kind": "现价"}
    filled = tmp_path / "filled.xlsx"
    pd.DataFrame([head[1], head[2], list(row.values())]).to_excel(filled, header=False, index=False)
    done = run(app, "account", filled, target)
    assert done.exit_code == 0, done.output
    made = json.loads(target.read_text(encoding="utf-8"))
    assert (made["total_cny"], made["price_kind"]) == (120_000.0, "current")  # 2e4 m3 * 6 CNY/m3


def test_a_template_is_an_xlsx_file_and_an_empty_one_is_refused(app: typer.Typer, tmp_path: Path) -> None:
    assert run(app, "template", tmp_path / "t.csv").exit_code == 3
    assert run(app, "template", tmp_path / "t.xlsx", "--json").exit_code == 0
    done = run(app, "account", tmp_path / "t.xlsx", tmp_path / "out.csv", "--json")
    assert [e["rule"] for e in json.loads(done.stdout)["errors"]] == ["no_rows"]
    assert template() == template()


def test_every_unit_of_the_drop_downs_is_on_the_list() -> None:
    assert all(measure.quantity(unit).size > 0 for unit in PHYSICAL_UNITS)
    assert all(measure.price(unit)[0] > 0 for unit in PRICE_UNITS)


def test_services_are_called_as_the_contract_calls_them() -> None:
    texts = code_list("gep_service").texts
    assert {code: (texts[code]["zh"], texts[code]["en"]) for code in texts} == {
        code: (service.zh, service.en) for code, service in services().items()
    }
