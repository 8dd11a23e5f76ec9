"""A lender's own tape becomes a tape by the contract, or is refused with the column and the row named."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from small_plan import SMALL
from typer import Typer
from typer.testing import CliRunner

from eco_credit.contracts import contract
from eco_credit.contracts.lender_cells import number
from eco_credit.contracts.mapping import apply_mapping, mapping_of, read_mapped, read_mapping
from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from serving.cli import build
from training.cli import register
from training.datasets import check, columns_digest
from training.simulate import simulate_tape

MAPPING = {
    "columns": {
        "借据编号": "loan_id",
        "合同金额": {"field": "exposure", "unit": "万元"},
        "抵押率": {"field": "ltv", "unit": "%"},
        "期限": {"field": "term_months", "unit": "年"},
        "是否违约": {"field": "default_12m", "codes": {"坏": True, "好": False}},
    },
    "drop": ["客户经理"],
    "constant": {"synthetic": True},
}


def table(**changes: list[Any]) -> Columns:
    columns: dict[str, list[Any]] = {
        "借据编号": ["007", "008", "009"],
        "合同金额": ["12.5", "1,234", "０.３"],
        "抵押率": ["30", "", "70.5"],
        "期限": ["1", "2.5", None],
        "是否违约": ["坏", "好", ""],
        "发放日": ["2026年3月1日", "20260302", "2026/3/3"],
        "不良记录": ["是", "否", "-"],
        "押品评估值（元）": ["1000000", "2e6", ""],
        "客户经理": ["甲", "乙", "丙"],
    }
    return {name: np.array(cells, dtype=object) for name, cells in (columns | changes).items()}


def refused(mapping: dict[str, Any], columns: Columns | None = None) -> list[tuple[str, str, int | None]]:
    with pytest.raises(ContractError) as caught:
        apply_mapping(table() if columns is None else columns, mapping_of(mapping))
    return [(v.field, v.rule, v.row) for v in caught.value.violations]


def test_names_units_and_words_of_a_lender_become_those_of_the_contract() -> None:
    found = apply_mapping(table(), mapping_of(MAPPING))
    assert found["loan_id"].tolist() == ["007", "008", "009"]
    # 12.5 万元 = 12.5 * 10 000 yuan
    np.testing.assert_array_equal(found["exposure"], [125_000.0, 12_340_000.0, 3_000.0])
    np.testing.assert_array_equal(found["ltv"], [0.3, np.nan, 0.705])
    # 2.5 years = 30 months
    np.testing.assert_array_equal(found["term_months"], [12.0, 30.0, np.nan])
    np.testing.assert_array_equal(found["default_12m"], [1.0, 0.0, np.nan])
    assert found["origination"].astype(str).tolist() == ["2026-03-01", "2026-03-02", "2026-03-03"]
    np.testing.assert_array_equal(found["bad_record"], [1.0, 0.0, np.nan])
    np.testing.assert_array_equal(found["collateral_value"], [1e6, 2e6, np.nan])
    np.testing.assert_array_equal(found["synthetic"], [1.0, 1.0, 1.0])
    order = [field.name for field in contract("loan_tape").fields if field.name in found]
    assert list(found) == order and "客户经理" not in found


def change(**columns: Any) -> dict[str, Any]:
    return MAPPING | {"columns": MAPPING["columns"] | columns}  # type: ignore[operator]


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        (change(没有="ltv_2"), [("没有", "unknown_column", None), ("没有", "unknown_field", None)]),
        (change(合同金额="exposure"), [("合同金额", "unit_not_stated", None)]),
        (change(合同金额={"field": "exposure", "unit": "亩"}), [("合同金额", "unit_not_convertible", None)]),
        (change(借据编号={"field": "loan_id", "unit": "元"}), [("借据编号", "unit_not_convertible", None)]),
        (change(期限="ltv"), [("期限", "two_columns", None)]),
        (
            change(抵押率="collateral_value"),
            [("抵押率", "unit_not_stated", None), ("押品评估值（元）", "two_columns", None)],
        ),
        (MAPPING | {"drop": []}, [("客户经理", "unmapped_column", None)]),
        (MAPPING | {"drop": ["客户经理", "经理"]}, [("经理", "unknown_column", None)]),
        (MAPPING | {"constant": {"ltv": 0.5}}, [("constant.ltv", "two_columns", None)]),
        (MAPPING | {"constant": {"colour": 1}}, [("constant.colour", "unknown_field", None)]),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_by_header(mapping: dict[str, Any], expected: list[Any]) -> None:
    assert sorted(refused(mapping)) == sorted(expected)


@pytest.mark.parametrize(
    ("header", "cells", "row"),
    [
        ("合同金额", ["1", "12..5", "3"], 2),
        ("合同金额", ["1", "2", "十万"], 3),
        ("合同金额", ["1,23", "2", "3"], 1),
        ("发放日", ["2026-02-30", "2026-03-01", ""], 1),
        ("是否违约", ["好", "坏", "未知"], 3),
        ("不良记录", ["是", "2", ""], 2),
    ],
)
def test_a_cell_that_cannot_be_read_is_named_by_row_and_never_shown(header: str, cells: list[str], row: int) -> None:
    with pytest.raises(ContractError) as caught:
        apply_mapping(table(**{header: cells}), mapping_of(MAPPING))
    (violation,) = caught.value.violations
    assert (violation.field, violation.rule, violation.row) == (header, "type", row)
    assert cells[row - 1] not in violation.en + violation.zh


@pytest.mark.parametrize("content", [{"column": {}}, {"columns": {"a": {"unit": "元"}}}, {"columns": []}, None, "x"])
def test_a_file_that_is_no_mapping_is_refused(content: Any) -> None:
    with pytest.raises(ContractError):
        mapping_of(content)


@given(st.decimals(min_value=-10**9, max_value=10**9, places=6))
def test_a_converted_number_is_the_exact_product_rounded_once(value: Any) -> None:
    for ratio in (Fraction(10_000), Fraction(1, 100), Fraction(1, 15)):
        assert number(f"{value:f}", ratio) == float(Fraction(value) * ratio)


def as_a_lender_writes(tape: Columns) -> pd.DataFrame:
    """The tape with labels for headers, amounts in 万元, ratios of the loan in %, days as in a letter."""
    fields = {field.name: field for field in contract("loan_tape").fields}
    frame = pd.DataFrame({fields[name].label_zh: column for name, column in tape.items()})
    frame["敞口"] = [repr(float(value) / 1e4) for value in tape["exposure"]]
    frame["发放日"] = [f"{day.year}年{day.month}月{day.day}日" for day in tape["origination"].tolist()]
    frame["12个月内违约"] = np.where(tape["default_12m"] > 0.0, "是", "否")
    headers = {"敞口": "余额", "押品评估值": "押品评估值（元）", "每公顷蓄积": "每公顷蓄积（m3/公顷）"}
    return frame.rename(columns=headers)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_simulated_tape_written_as_a_lender_would_comes_back_as_it_was(ending: str, tmp_path: Path) -> None:
    tape = simulate_tape(300, seed=5)
    frame, path = as_a_lender_writes(tape), tmp_path / f"tape.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False, encoding="gb18030")
    elif ending == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    found = read_mapped(path, mapping_of({"columns": {"余额": {"field": "exposure", "unit": "万元"}}}))
    check(contract("loan_tape"), found)
    assert list(found) == list(tape)
    for name, column in tape.items():
        if name == "exposure" or (ending == "xlsx" and column.dtype.kind == "f"):
            # divided and multiplied again; a workbook is written with 16 digits
            np.testing.assert_allclose(found[name], column, rtol=2e-15)
        elif column.dtype.kind == "f":
            np.testing.assert_array_equal(found[name], column, err_msg=name)
        else:
            assert found[name].astype(str).tolist() == column.astype(found[name].dtype).astype(str).tolist(), name


def test_the_commands_train_and_evaluate_on_a_mapped_tape(tape: Columns, tmp_path: Path) -> None:
    app = Typer()
    register(app)
    as_a_lender_writes(tape).to_csv(tmp_path / "own.csv", index=False)
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(SMALL))
    (tmp_path / "map.yaml").write_text("columns: {余额: {field: exposure, unit: 万元}}\n", encoding="utf-8")
    data, mapping = str(tmp_path / "own.csv"), ["--mapping", str(tmp_path / "map.yaml")]
    home = ["--home", str(tmp_path / "home"), "--json"]
    run = CliRunner()
    plan = str(tmp_path / "plan.yaml")
    assert run.invoke(app, ["train", plan, *mapping, *home]).exit_code == 2
    plain = run.invoke(app, ["train", plan, "--data", data, *home])
    assert plain.exit_code == 3
    made = run.invoke(app, ["train", plan, "--data", data, *mapping, *home])
    assert made.exit_code == 0, made.output
    found = run.invoke(app, ["evaluate", "small@challenger", data, *mapping, *home])
    assert found.exit_code == 0, found.output
    own = columns_digest(read_mapped(tmp_path / "own.csv", read_mapping(tmp_path / "map.yaml")))
    assert json.loads(found.stdout.splitlines()[-1])["data"]["digest"] == own


def checked(path: Path, mapping: dict[str, Any]) -> list[dict[str, Any]]:
    """Findings of `contracts check --mapping`, by the command itself."""
    named = path.with_suffix(".yaml")
    named.write_text(yaml.safe_dump(mapping, allow_unicode=True), encoding="utf-8")
    words = ["contracts", "check", "loan_tape", str(path), "--mapping", str(named), "--json"]
    done = CliRunner().invoke(build(), words)
    found: list[dict[str, Any]] = json.loads(done.stdout)["violations"]
    assert done.exit_code == (3 if found else 0)
    return found


def test_a_tape_is_checked_by_its_mapping_without_training(tape: Columns, tmp_path: Path) -> None:
    file = tmp_path / "tape.csv"
    frame = pd.DataFrame({name: column[:40] for name, column in tape.items()})
    frame["合同金额（万元）"] = frame.pop("exposure") / 10_000.0
    frame["抵押率"] = frame.pop("ltv") * 100.0
    frame.to_csv(file, index=False)
    columns = {
        "合同金额（万元）": {"field": "exposure", "unit": "万元"}, "抵押率": {"field": "ltv", "unit": "%"},
        "collateral_value": {"field": "collateral_value", "unit": "元"},
        "forest_stock": {"field": "forest_stock", "unit": "m3/公顷"},
    }  # fmt: skip
    mapping = {"columns": columns}
    assert checked(file, mapping) == []
    frame.loc[3, "合同金额（万元）"], frame.loc[7, "抵押率"] = -1.0, 1e12
    frame.loc[9, "loan_id"] = "#9"
    frame.drop(columns=["basin"]).to_csv(file, index=False)
    found = checked(file, mapping)
    assert [(line["row"], line["field"], line["column"], line["rule"]) for line in found] == [
        (None, "basin", None, "missing_column"), (4, "exposure", "合同金额（万元）", "minimum"),
        (8, "ltv", "抵押率", "maximum"), (10, "loan_id", "loan_id", "pattern"),
    ]  # fmt: skip
    # a bound is told in the unit of their column
    most = contract("loan_tape").field("ltv").maximum
    assert most is not None and found[2]["en"].startswith(f"give at most {100.0 * most:.15g} %")
    assert found[1]["en"] == "give at least 0 万元" and "#9" not in json.dumps(found)


def test_a_mapping_that_does_not_fit_or_is_for_another_contract_is_refused_by_the_check(tmp_path: Path) -> None:
    file, named = tmp_path / "tape.csv", tmp_path / "m.yaml"
    file.write_text("借据编号,余额\n007,3\n", encoding="utf-8")
    found = checked(file, {"columns": {"借据编号": "loan_id", "余额": {"field": "exposure", "unit": "亩"}}})
    assert [(line["column"], line["rule"]) for line in found] == [("余额", "unit_not_convertible")]
    named.write_text("contract: lender_book\n", encoding="utf-8")
    done = CliRunner().invoke(build(), ["contracts", "check", "loan_tape", str(file), "--mapping", str(named)])
    assert isinstance(done.exception, ContractError) and "lender_book" in done.exception.en


def test_a_tape_of_an_unknown_kind_of_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tape.txt"
    file.write_text("x")
    with pytest.raises(ContractError, match=r"xlsx or \.parquet"):
        read_mapped(file, mapping_of(MAPPING))
