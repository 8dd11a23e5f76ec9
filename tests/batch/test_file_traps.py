"""What an importer must survive in headers and cells: each habit of real files has a test of its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch_rows import (
    BY_NAME,
    NAMES,
    ROWS,
    cells,
    one,
    opened,
    read,
    rules,
    with_cell,
    write_csv,
    write_parquet,
    write_xlsx,
)

from eco_credit.contracts import contract, excel_template
from eco_credit.contracts.paper_units import NEEDS_UNIT, factor, split_label
from eco_credit.contracts.template import header
from serving.batch.chunk import join

# --- headers and units


def test_a_header_below_title_rows_is_found_and_its_unit_is_taken(tmp_path: Path) -> None:
    head, lines = with_cell("amount_requested", 12.34, header="申请金额\n（万元）")
    path = write_xlsx(tmp_path / "a.xlsx", {"台账": [["2026年台账"], [None, "单位：见表头"], head, *lines]})
    source = opened(path)
    assert join(list(source.blocks())).columns["amount_requested"][0] == 123_400.0  # 12.34 · 10 000, exactly
    assert source.notes["sheets"][0]["units"] == {"amount_requested": "万元"}
    assert source.notes["sheets"][0]["header_row"] == 3


@pytest.mark.parametrize(("name", "header"), [("amount_requested", "申请金额"), ("prior_claims", "优先受偿金额")])
def test_a_money_column_under_a_label_without_unit_is_refused(tmp_path: Path, name: str, header: str) -> None:
    head, lines = with_cell(name, 5, header=header)
    assert rules(write_csv(tmp_path / "a.csv", head, lines)) == {(name, "D01")}


def test_an_area_in_mu_becomes_hectares(tmp_path: Path) -> None:
    assert one(tmp_path, "area", 300, header="面积（亩）") == 20.0  # 300 / 15


def test_stock_per_mu_becomes_stock_per_hectare(tmp_path: Path) -> None:
    assert one(tmp_path, "stock_per_area", 8, header="每公顷蓄积(m3/亩)") == 120.0  # 8 · 15


def test_yuan_and_ten_thousand_yuan_may_stand_in_one_table(tmp_path: Path) -> None:
    head, lines = with_cell("amount_requested", 50, header="申请金额(万元)")
    head = ["优先受偿金额(元)" if each == "prior_claims" else each for each in head]
    lines[0][NAMES.index("prior_claims")] = 50
    found = read(write_csv(tmp_path / "a.csv", head, lines)).columns
    assert (found["amount_requested"][0], found["prior_claims"][0]) == (500_000.0, 50.0)


def test_a_unit_that_does_not_fit_its_field_is_refused(tmp_path: Path) -> None:
    head, lines = with_cell("amount_requested", 5, header="申请金额(亩)")
    assert rules(write_csv(tmp_path / "a.csv", head, lines)) == {("amount_requested", "unit_mismatch")}


@pytest.mark.parametrize(
    ("name", "header", "typed", "stored"),
    [
        ("bamboo_culms", "立竹量(株/亩)", 150, 2_250.0),  # 150 * 15
        ("stems_per_area", "MEI_GQ_ZS(株/公顷)", 2_400, 2_400.0),
        ("work_days", "第一年造林用工(工日/亩)", 4, 60.0),  # 4 * 15
        ("day_wage", "日工资(元/工日)", 180, 180.0),
        ("annual_income", "单位面积年净收入(元/亩/年)", 900, 13_500.0),  # 900 * 15
        ("stock", "总蓄积(立方米)", 7_200, 7_200.0),
    ],
)
def test_numbers_of_a_stand_become_numbers_per_hectare(
    tmp_path: Path, name: str, header: str, typed: float, stored: float
) -> None:
    lines = [[*line, typed] for line in cells(ROWS)]
    assert read(write_csv(tmp_path / "a.csv", [*NAMES, header], lines)).columns[name][0] == stored


@pytest.mark.parametrize("header", ["公顷株数", "每公顷立竹量", "第一年造林用工", "年发电量"])
def test_a_density_or_an_energy_without_its_unit_is_refused(tmp_path: Path, header: str) -> None:
    lines = [[*line, 1] for line in cells(ROWS)]
    assert {rule for _, rule in rules(write_csv(tmp_path / "a.csv", [*NAMES, header], lines))} == {"D01"}


def test_a_day_of_water_in_ten_thousand_cubic_metres_becomes_cubic_metres() -> None:
    # 7.48 m3/s * 8.64 = 64.6272 万m3 a day
    assert factor("万m3/日", "m3/day") == 10_000
    assert factor("万立方米/d", "m3/day") == 10_000


def test_the_template_states_every_unit_the_reader_asks_for_in_a_word_it_knows() -> None:
    stated = {f.column: (split_label(header(f))[1], f.unit) for f in contract("batch_input").fields if f.is_number}
    asked = {name: pair for name, pair in stated.items() if pair[1] in NEEDS_UNIT}
    assert {"stems_per_area", "daily_max", "energy", "stock"} <= set(asked)
    assert {name: factor(word or "", unit) for name, (word, unit) in asked.items()} == dict.fromkeys(asked, 1)


def test_two_columns_never_lead_to_one_field(tmp_path: Path) -> None:
    lines = [[*line, 1.0] for line in cells(ROWS)]
    path = write_csv(tmp_path / "a.csv", [*NAMES, "贷款金额(元)"], lines)
    assert ("amount_requested", "two_columns") in rules(path)


def test_a_missing_required_column_is_named(tmp_path: Path) -> None:
    columns = {name: column for name, column in ROWS.items() if name != "as_of"}
    assert rules(write_parquet(tmp_path / "a.parquet", columns)) == {("as_of", "missing_column")}


def test_column_order_does_not_matter_and_unknown_columns_are_listed(tmp_path: Path) -> None:
    lines = [[*reversed(line), "x"] for line in cells(ROWS)]
    source = opened(write_csv(tmp_path / "a.csv", [*reversed(NAMES), "备用"], lines))
    assert source.notes["columns_ignored"] == ["备用"]
    np.testing.assert_array_equal(join(list(source.blocks())).columns["area"], ROWS["area"])


def test_percent_in_the_header_divides_by_a_hundred(tmp_path: Path) -> None:
    assert one(tmp_path, "annual_rate", "4.35", header="年利率（%）") == 0.0435


def test_percent_in_the_cell_is_a_ratio(tmp_path: Path) -> None:
    assert one(tmp_path, "annual_rate", "4.35%", header="年利率") == 0.0435


def test_a_ratio_column_with_thirty_and_no_unit_is_refused_whole(tmp_path: Path) -> None:
    head, lines = with_cell("guarantee_cover", 30, header="担保分担比例")
    assert rules(write_csv(tmp_path / "a.csv", head, lines)) == {("guarantee_cover", "D01")}


def test_the_template_comes_back_as_it_was_filled_in(tmp_path: Path) -> None:
    import openpyxl

    path = tmp_path / "template.xlsx"
    excel_template(["forest_right"], path)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    names = [cell.value for cell in sheet[3]]
    for place, name in enumerate(names, start=1):
        value = cells({name: ROWS[name]})[0][0] if name in ROWS else None
        boolean = BY_NAME[name].type == "boolean" and value is not None
        sheet.cell(row=4, column=place, value=("是" if value else "否") if boolean else value)
    book.save(path)
    found = read(path)
    assert not found.broken and len(found) == 1
    for name in set(names) & set(ROWS):
        np.testing.assert_array_equal(found.columns[name][0], ROWS[name][0])


def test_a_file_without_a_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,2,3\n4,5,6\n", encoding="utf-8")
    assert rules(path) == {("header", "header_not_found")}


def test_a_bracket_that_is_no_unit_belongs_to_the_label() -> None:
    assert split_label("分险比例（直担）") == ("分险比例(直担)", None)
    assert factor("元/亩", "CNY/ha") == 15 and factor("万m3", "m3/year") == 10_000


# --- cells


@pytest.mark.parametrize("text", ["1,234.50 ", "１２３４．５", "￥1,234.5", "¥ 1234.50", "'1234.5", "1234.5"])
def test_numbers_written_as_text_are_read(tmp_path: Path, text: str) -> None:
    assert one(tmp_path, "amount_requested", text) == 1234.5


@pytest.mark.parametrize("text", ["壹仟元", "12,34", "1.234,5", "约100", "1_000", "inf", "1e999x", "10-20"])
def test_other_ways_to_write_a_number_are_rejected(tmp_path: Path, text: str) -> None:
    assert rules(write_csv(tmp_path / "a.csv", *with_cell("amount_requested", text))) == {
        ("amount_requested", "number_form")
    }


@pytest.mark.parametrize("word", ["", "nan", "<NULL>", "NULL", "—", "N/A", " - "])
def test_words_for_unknown_are_unknown(tmp_path: Path, word: str) -> None:
    assert np.isnan(one(tmp_path, "stock_per_area", word))


@pytest.mark.parametrize("word", ["无", "/"])
def test_none_is_zero_for_a_debt_and_not_unknown(tmp_path: Path, word: str) -> None:
    assert one(tmp_path, "other_debt", word) == 0.0


@pytest.mark.parametrize(
    "text", ["2026-11-23", "2026.11.23", "2026/11/23", "20261123", "2026年11月23日", "2026-11-23 00:00:00"]
)
def test_days_in_the_known_forms_are_read(tmp_path: Path, text: str) -> None:
    assert one(tmp_path, "as_of", text) == np.datetime64("2026-11-23")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2026-02-30", "date_impossible"),
        ("26-11-23", "date_form"),
        ("23/11/2026", "date_form"),
        ("2026-11/23", "date_form"),
    ],
)
def test_impossible_days_and_two_digit_years_are_rejected(tmp_path: Path, text: str, rule: str) -> None:
    assert rules(write_csv(tmp_path / "a.csv", *with_cell("as_of", text))) == {("as_of", rule)}


def test_an_open_end_is_unknown_and_never_a_far_year(tmp_path: Path) -> None:
    lines = [[*line, "长期"] for line in cells(ROWS)]
    found = read(write_csv(tmp_path / "a.csv", [*NAMES, "insured_to"], lines))
    assert np.isnat(found.columns["insured_to"]).all() and not found.broken


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("是", 1.0),
        ("否", 0.0),
        ("Y", 1.0),
        ("n", 0.0),
        ("1", 1.0),
        ("0", 0.0),
        ("TRUE", 1.0),
        ("False", 0.0),
        ("有", 1.0),
        ("无", 0.0),
    ],
)
def test_yes_and_no_in_many_words(tmp_path: Path, word: str, value: float) -> None:
    assert one(tmp_path, "registered", word) == value


def test_another_word_for_yes_is_rejected(tmp_path: Path) -> None:
    assert rules(write_csv(tmp_path / "a.csv", *with_cell("registered", "大概"))) == {("registered", "yes_no")}


def test_an_identifier_kept_as_a_number_is_rejected_because_digits_are_lost(tmp_path: Path) -> None:
    head, lines = with_cell("id_no", 939999990000000197)
    assert rules(write_xlsx(tmp_path / "a.xlsx", {"s": [head, *lines]})) == {("id_no", "digits_lost")}


def test_an_identifier_with_a_leading_apostrophe_is_accepted(tmp_path: Path) -> None:
    assert one(tmp_path, "id_no", "'939999990000000197") == "939999990000000197"


def test_a_code_with_a_float_tail_a_lost_zero_or_its_text_is_the_code(tmp_path: Path) -> None:
    for written in ("21", "021", "21.0", "０２１"):
        assert one(tmp_path, "forest_class", written) == "021"
    assert one(tmp_path, "borrower_kind", "农户") == "farmer"


def test_totals_footers_and_blank_rows_are_dropped_and_counted(tmp_path: Path) -> None:
    lines = cells(ROWS)
    blank: list[Any] = [None] * len(NAMES)
    total, footer = ["合计", *blank[1:]], ["制表人：某某", *blank[1:]]
    source = opened(write_csv(tmp_path / "a.csv", NAMES, [*lines, blank, total, footer]))
    assert source.survey().rows == 3 and source.survey().dropped == {"blank": 1, "total_or_footer": 2}


def test_a_row_with_more_cells_than_the_header_is_rejected(tmp_path: Path) -> None:
    lines = cells(ROWS)
    lines[1] = [*lines[1], "extra"]
    assert rules(write_csv(tmp_path / "a.csv", NAMES, lines)) == {("row", "row_shape")}
