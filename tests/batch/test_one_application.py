"""One application from a workbook: what is read, what is refused, and which cell is to blame."""

from __future__ import annotations

import asyncio
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from eco_credit.contracts import contract, excel_template, pledge_kinds
from eco_credit.contracts.applications import to_flat
from eco_credit.contracts.examples import example_application
from eco_credit.core.errors import ContractError
from serving.batch.bounded import read_bounded
from serving.batch.one import One, read_one

KINDS = pledge_kinds()
Change = Callable[[Any, dict[str, int]], None]


def shown(column: str, value: Any) -> Any:
    """A stored value as a person types it into the template."""
    kind = contract("batch_input").field(column).type
    if kind == "boolean":
        return "是" if value else "否"
    return str(value) if kind == "date" else int(value) if kind == "integer" else value


def workbook(kind: str, path: Path, change: Change | None = None, rows: int = 1) -> Path:
    """The template of a kind filled in with its example; ``change`` gets the sheet and the column of each field."""
    excel_template([kind], path)
    book = openpyxl.load_workbook(path)
    sheet = book[kind]
    place = {cell.value: cell.column for cell in sheet[3]}
    flat = to_flat([example_application(kind)])
    for row in range(4, 4 + rows):
        for column, number in place.items():
            value = flat[column][0]
            if value is not None and value == value and column != "gep_contracted_cny":
                sheet.cell(row, number).value = shown(column, value.item() if hasattr(value, "item") else value)
        sheet.cell(row, place["pledge_id"]).value = f"P{row - 3}"
    if change:
        change(sheet, place)
    book.save(path)
    return path


def put(**cells: Any) -> Change:
    """Set cells of the first data row."""
    def change(sheet: Any, place: dict[str, int]) -> None:
        for column, value in cells.items():
            sheet.cell(4, place[column]).value = value
    return change


def read(kind: str, path: Path) -> One:
    return read_one(kind, path)


def rules(error: pytest.ExceptionInfo[ContractError]) -> list[str]:
    return [one.rule for one in error.value.violations]


@pytest.mark.parametrize("kind", KINDS)
def test_a_filled_template_gives_the_application_it_was_filled_in_from(kind, tmp_path):
    found = read(kind, workbook(kind, tmp_path / "a.xlsx"))
    given = example_application(kind)
    given["pledges"] = given["pledges"][:1]  # the file has one row
    flows = [pledge.pop("gep_flows", []) for pledge in given["pledges"]]
    taken = [pledge.pop("gep_flows", []) for pledge in found.application["pledges"]]
    given["pledges"][0]["pledge_id"] = "P1"
    assert found.application == given
    assert found.complaints == []
    # flows of one service are one column of the file
    assert sum(flow["value_cny"] for flow in taken[0]) == pytest.approx(sum(flow["value_cny"] for flow in flows[0]))


def test_a_contracted_sum_that_is_only_a_part_names_no_flow_and_is_asked_about(tmp_path):
    one = {"gep_material_products_cny": 300.0, "gep_pest_control_cny": 100.0}
    blank = {name: None for name in to_flat([example_application("order")]) if name.startswith("gep_")}
    for sum_of, rule in ((400.0, []), (100.0, ["contracted_part"])):
        change = put(**blank | one | {"gep_contracted_cny": sum_of})
        found = read("order", workbook("order", tmp_path / "a.xlsx", change))
        assert [one.rule for one in found.complaints] == rule
        flows = found.application["pledges"][0]["gep_flows"]
        assert [flow.get("contracted", False) for flow in flows] == [not rule] * 2


def test_rows_of_one_application_are_its_pledges(tmp_path):
    found = read("order", workbook("order", tmp_path / "a.xlsx", rows=3))
    assert [pledge["pledge_id"] for pledge in found.application["pledges"]] == ["P1", "P2", "P3"]


def test_rows_that_disagree_about_the_loan_are_complained_about_with_the_cell(tmp_path):
    def change(sheet, place):
        sheet.cell(5, place["loan_purpose" if "loan_purpose" in place else "purpose"]).value = "别的用途"

    found = read("forest_right", workbook("forest_right", tmp_path / "a.xlsx", change, rows=2))
    assert [(one.path, one.rule) for one in found.complaints] == [("loan.purpose", "rows_disagree")]
    assert found.complaints[0].cell.endswith("5")


@pytest.mark.parametrize("second", ["OTHER-2", None])
def test_several_applications_are_sent_to_the_batch(tmp_path, second):
    def change(sheet, place):
        sheet.cell(5, place["application_id"]).value = second

    with pytest.raises(ContractError) as error:
        read("order", workbook("order", tmp_path / "a.xlsx", change, rows=2))
    assert rules(error) == ["several_applications"]
    assert "batch run" in error.value.violations[0].en and "批量" in error.value.violations[0].zh


def test_a_number_that_lost_digits_is_refused_at_its_cell_and_not_shown(tmp_path):
    found = read("order", workbook("order", tmp_path / "a.xlsx", put(id_no=939999990000000197)))
    assert [(one.path, one.rule, one.text) for one in found.complaints] == [("borrower.id_no", "digits_lost", "")]
    assert "id_no" not in found.application["borrower"]
    assert found.complaints[0].cell == "order!G4"  # seventh column of the template, first data row


def test_cells_that_cannot_be_read_are_each_named_and_the_rest_is_taken(tmp_path):
    change = put(area="很多", contract_to="2026-02-30", insured="也许", planting_year="约1998")
    found = read("forest_right", workbook("forest_right", tmp_path / "a.xlsx", change))
    assert {one.path.split(".")[1]: one.rule for one in found.complaints} == {
        "area": "number_form", "contract_to": "date_impossible", "insured": "yes_no", "planting_year": "number_form"
    }
    assert all(one.cell.startswith("forest_right!") for one in found.complaints)
    assert found.application["pledges"][0]["certificate_no"]


def test_a_number_beyond_all_numbers_and_a_ratio_without_unit_above_one_are_refused_at_their_cells(tmp_path):
    def change(sheet, place):
        sheet.cell(4, place["amount"]).value = "1e999"
        sheet.cell(2, place["annual_rate"]).value = "年利率"
        sheet.cell(3, place["annual_rate"]).value = None
        sheet.cell(4, place["annual_rate"]).value = 4.4

    path = workbook("order", tmp_path / "a.xlsx", change)
    found = {one.path: one.rule for one in bounded(path.read_bytes()).complaints}
    assert found == {"loan.annual_rate": "D01", "pledges[0].amount": "number_form"}


def test_a_money_column_without_unit_costs_its_own_values_only(tmp_path):
    def change(sheet, place):
        sheet.cell(2, place["prior_claims"]).value = "优先受偿金额"
        sheet.cell(3, place["prior_claims"]).value = None

    found = read("order", workbook("order", tmp_path / "a.xlsx", change))
    assert [(one.path, one.rule) for one in found.complaints] == [("pledges[0].prior_claims", "D01")]
    assert found.complaints[0].cell.endswith("2")
    assert found.application["loan"]["amount_requested"] > 0


def test_a_unit_in_the_header_is_kept(tmp_path):
    def change(sheet, place):
        sheet.cell(2, place["area"]).value = "面积(亩)"
        sheet.cell(4, place["area"]).value = 100

    found = read("forest_right", workbook("forest_right", tmp_path / "a.xlsx", change))
    assert found.application["pledges"][0]["area"] == 100 / 15
    assert found.factors["pledges[0].area"] == "1/15"


def test_total_rows_are_left_out_and_unknown_columns_are_named(tmp_path):
    def change(sheet, place):
        sheet.cell(5, 1).value = "合计"
        sheet.cell(2, len(place) + 1).value = "备注栏"

    found = read("order", workbook("order", tmp_path / "a.xlsx", change))
    assert len(found.application["pledges"]) == 1
    assert found.ignored == ["备注栏"]


def test_formulas_without_stored_value_are_refused_with_each_cell(tmp_path):
    with pytest.raises(ContractError) as error:
        read("order", workbook("order", tmp_path / "a.xlsx", put(amount="=1+1", paid="=2+2")))
    assert rules(error) == ["formula_without_value"] * 2
    cells = [one.field.rpartition("!")[2] for one in error.value.violations]
    assert len(set(cells)) == 2 and all(cell.endswith("4") for cell in cells)


def test_a_workbook_of_another_kind_is_refused(tmp_path):
    path = workbook("order", tmp_path / "a.xlsx")
    with pytest.raises(ContractError) as error:
        read("water_right", path)
    assert rules(error)[0] in ("header_not_found", "other_kind_of_file")


def test_a_blank_template_has_no_row(tmp_path):
    excel_template(["order"], tmp_path / "a.xlsx")
    with pytest.raises(ContractError) as error:
        read("order", tmp_path / "a.xlsx")
    assert rules(error) == ["no_rows"]


def bounded(content: bytes) -> One:
    return asyncio.run(read_bounded("order", content))


def packed(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def minimal(sheet: str) -> bytes:
    """A workbook with one sheet of the given XML."""
    office = "http://schemas.openxmlformats.org/"
    main = f'xmlns="{office}spreadsheetml/2006/main"'
    kind = f"{office}officeDocument/2006/relationships"
    return packed({
        "[Content_Types].xml": b"<Types/>",
        "_rels/.rels": (f'<Relationships xmlns="{office}package/2006/relationships"><Relationship Id="r1" '
                        f'Type="{kind}/officeDocument" Target="xl/workbook.xml"/></Relationships>').encode(),
        "xl/workbook.xml": (f'<workbook {main} xmlns:r="{kind}"><sheets><sheet name="a" sheetId="1" r:id="r1"/>'
                            "</sheets></workbook>").encode(),
        "xl/_rels/workbook.xml.rels": (f'<Relationships xmlns="{office}package/2006/relationships"><Relationship '
                                       f'Id="r1" Type="{kind}/worksheet" Target="worksheets/sheet1.xml"/>'
                                       "</Relationships>").encode(),
        "xl/worksheets/sheet1.xml": f"<worksheet {main}>{sheet}</worksheet>".encode(),
    })


def test_a_workbook_is_decoded_in_a_process_of_its_own_with_the_same_result(tmp_path):
    path = workbook("order", tmp_path / "a.xlsx", put(paid="x"))
    assert bounded(path.read_bytes()) == read("order", path)


HOSTILE = {
    "empty_file": b"",
    "not_a_workbook": b"a,b\n1,2\n",
    "unreadable": b"PK\x03\x04" + b"\x00" * 600,
    "too_large": b"PK\x03\x04" + b"\x00" * (2 << 20),
}


@pytest.mark.parametrize("rule", HOSTILE)
def test_a_file_that_is_no_small_workbook_is_refused_before_it_is_decoded(rule):
    with pytest.raises(ContractError) as error:
        bounded(HOSTILE[rule])
    assert rules(error) == [rule]


BOMBS = {
    "expansion": packed({"xl/workbook.xml": b" " * (30 << 20)}),
    "members": packed({"xl/workbook.xml": b"x", **{f"xl/{n}": b"" for n in range(500)}}),
    "rows declared": minimal('<dimension ref="A1:A1048576"/><sheetData/>'),
    "a far cell": minimal('<sheetData><row r="9000"><c r = "XFD9000"><v>1</v></c></row></sheetData>'),
    "a long list of members": b"PK\x03\x04" + bytes(300) + b"PK\x05\x06" + struct.pack("<I2H2I2x", 0, 9, 9, 1 << 24, 0),
}


@pytest.mark.parametrize("name", BOMBS)
def test_an_archive_that_claims_too_much_is_refused(name):
    with pytest.raises(ContractError) as error:
        bounded(BOMBS[name])
    assert rules(error) == ["unsafe_archive"]


def test_a_tiny_file_that_makes_the_reader_ask_for_much_memory_ends_its_own_process_only():
    # two cells, the second in the last corner of a sheet, its place written so that a look at the text misses it:
    # 17 billion cells once the area is built
    cells = ('<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row><c r="&#88;FD1048576"><v>1</v></c></row>'
             "</sheetData>")
    content = minimal(cells)
    assert len(content) < 2_000
    with pytest.raises(ContractError) as error:
        bounded(content)
    assert rules(error)[0] in ("reader_stopped", "unreadable")
