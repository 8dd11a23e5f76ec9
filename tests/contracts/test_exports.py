"""The forms a contract is exported to work where they are read."""

from __future__ import annotations

import ast
import sqlite3
from pathlib import Path

import openpyxl
import pytest
from contract_rows import random_row
from python_calamine import CalamineWorkbook

from eco_credit import contracts
from eco_credit.contracts import (
    contract,
    contract_names,
    create_table,
    excel_template,
    json_schema,
    markdown,
    pandera_schema,
    pledge_kinds,
    record_model,
)
from eco_credit.contracts.template import sheet_fields

PLAIN = [name for name in contract_names() if contract(name).plain]


@pytest.mark.parametrize("name", PLAIN)
def test_the_sqlite_table_takes_rows_the_contract_accepts(name: str) -> None:
    base = sqlite3.connect(":memory:")
    base.execute(create_table(contract(name)))
    columns = [field.column for field in contract(name).fields]
    taken = 0
    for seed in range(80):
        row = random_row(contract(name), seed, 0)
        try:
            record_model(name).model_validate(row)
        except ValueError:
            continue
        marks = ", ".join("?" * len(columns))
        base.execute(f'INSERT INTO "{name}" VALUES ({marks})', [row.get(column) for column in columns])
        taken += 1
    assert taken > 0


@pytest.mark.parametrize(("field", "value"), [("service", "x"), ("value_cny", 2e12), ("value_cny", "much"),
                                              ("value_cny", None), ("norm", ""), ("contracted", 2)])
def test_the_sqlite_table_refuses_what_the_contract_refuses(field: str, value: object) -> None:
    base = sqlite3.connect(":memory:")
    base.execute(create_table(contract("gep_flow")))
    row = {"service": "carbon", "value_cny": 5.0} | {field: value}
    with pytest.raises(sqlite3.IntegrityError):
        marks = ", ".join("?" * len(row))
        base.execute(f"INSERT INTO gep_flow ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def test_the_postgresql_table_checks_patterns() -> None:
    text = create_table(contract("batch_input"), "postgresql")
    assert """"area_code" ~ '^[0-9]{6}([0-9]{6})?$'""" in text
    assert '"as_of" date NOT NULL' in text


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "application.xlsx"
    excel_template(["application"], path)
    return path


def test_a_template_has_a_sheet_per_kind_then_notes_and_codes(book: Path) -> None:
    assert CalamineWorkbook.from_path(str(book)).sheet_names == [*pledge_kinds(), "说明", "代码表"]


@pytest.mark.parametrize("kind", pledge_kinds())
def test_a_sheet_has_title_header_with_unit_and_field_names(book: Path, kind: str) -> None:
    rows = CalamineWorkbook.from_path(str(book)).get_sheet_by_name(kind).to_python()
    fields = sheet_fields(contract(kind))
    assert rows[0][0] == contract(kind).label_zh
    assert rows[2] == [field.column for field in fields]
    assert rows[1][rows[2].index("amount_requested")] == "申请金额(元)"
    assert len(rows) == 3


def test_a_template_has_text_cells_drop_downs_and_bounds(book: Path) -> None:
    sheet = openpyxl.load_workbook(book)["forest_right"]
    names = [cell.value for cell in sheet[3]]
    column = {name: openpyxl.utils.get_column_letter(i + 1) for i, name in enumerate(names)}
    place = names.index("id_no") + 1
    formats = [d.number_format for d in sheet.column_dimensions.values() if d.min <= place <= d.max]
    assert formats == ["@"]
    rules = {str(rule.sqref).split(":")[0]: rule for rule in sheet.data_validations.dataValidation}
    assert rules[f"{column['species']}4"].type == "list"
    assert "代码表" in rules[f"{column['species']}4"].formula1
    bounds = rules[f"{column['term_months']}4"]
    assert (float(bounds.formula1), float(bounds.formula2)) == (1, 360)
    assert not sheet.merged_cells.ranges


def test_a_drop_down_points_at_the_words_of_its_list(book: Path) -> None:
    loaded = openpyxl.load_workbook(book)
    sheet, codes = loaded["water_right"], loaded["代码表"]
    place = [cell.value for cell in sheet[3]].index("permit_state") + 1
    cell = f"{openpyxl.utils.get_column_letter(place)}4"
    rule = next(r for r in sheet.data_validations.dataValidation if str(r.sqref).startswith(cell + ":"))
    listed = [c[0].value for c in codes[rule.formula1.split("!")[1].replace("$", "")]]
    assert listed == ["有效", "到期", "注销", "吊销"]


def test_the_same_template_is_written_twice_to_the_same_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.xlsx", "b.xlsx")]
    for path in paths:
        excel_template(["loan_tape", "order"], path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("name", contract_names())
def test_a_page_names_every_field_of_its_contract(name: str) -> None:
    page = markdown(contract(name))
    assert all(f"`{field.name}`" in page for field in contract(name).fields)
    assert contract(name).digest[:16] in page


def test_a_nested_contract_is_no_table() -> None:
    for make in (create_table, pandera_schema):
        with pytest.raises(ValueError, match="not a flat table"):
            make(contract("decision"))
    with pytest.raises(ValueError, match="neither"):
        sheet_fields(contract("decision"))


def test_the_nested_schema_names_each_kind() -> None:
    assert set(json_schema(contract("application"))["$defs"]) == set(pledge_kinds())


GENERATORS = ("models", "schema", "tables", "ddl", "template", "markdown")


def code_lines(name: str) -> int:
    """Lines of a module that are neither blank, comment, docstring nor import."""
    source = (Path(contracts.__file__).parent / f"{name}.py").read_text("utf-8")
    aside: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if text or isinstance(node, ast.Import | ast.ImportFrom):
            aside |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(1 for place, line in lines if line.strip() and not line.strip().startswith("#") and place not in aside)


def test_the_generators_stay_under_three_hundred_lines_of_code() -> None:
    assert sum(code_lines(name) for name in GENERATORS) < 300
