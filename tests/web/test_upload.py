"""A workbook fills in the form: values, complaints with their cells, and nothing is decided by it."""

from __future__ import annotations

import io
import logging
import re
from html import unescape

import openpyxl
import pytest
from desk_fakes import NOON, Visitor
from test_one_application import put, workbook

from eco_credit.contracts import pledge_kinds
from eco_credit.contracts.examples import example_application
from serving.batch.one import One
from serving.web.desk import checked
from serving.web.live import spot
from serving.web.paper import read_number, units_of, write_number
from serving.web.upload import form_values

KINDS = pledge_kinds()


def upload(visitor: Visitor, kind: str, content: bytes, lang: str = "zh", name: str = "表.xlsx", **details):
    return visitor.post(f"/apply/{kind}/upload?lang={lang}", files={"file": (name, content)}, **details)


def value_of(page: str, path: str) -> str:
    found = re.search(rf'name="{re.escape(path)}"[^>]* value="([^"]*)"', page)
    assert found is not None, path
    return unescape(found[1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_template_filled_in_and_uploaded_gives_a_form_ready_to_be_sent(visitor, tmp_path, kind):
    blank = visitor.get(f"/apply/{kind}/template.xlsx")
    assert openpyxl.load_workbook(io.BytesIO(blank.content)).sheetnames[0] == kind
    page = upload(visitor, kind, workbook(kind, tmp_path / "a.xlsx").read_bytes())
    assert page.status_code == 200
    assert "已按工作簿填入，尚未提交" in page.text
    assert value_of(page.text, "borrower.borrower_name") == example_application(kind)["borrower"]["borrower_name"]
    assert visitor.pipeline.scored == 0


def test_what_an_upload_shows_is_accepted_when_it_is_sent(visitor, tmp_path):
    page = upload(visitor, "forest_right", workbook("forest_right", tmp_path / "a.xlsx").read_bytes()).text
    raw = dict(re.findall(r'<input id="[^"]*" name="([^"]*)"[^>]* value="([^"]*)"', page))
    raw |= dict(re.findall(r'type="radio" id="[^"]*" name="([^"]*)" value="([^"]*)" checked', page))
    raw |= dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page))
    raw |= dict(re.findall(r'<textarea id="[^"]*" name="([^"]*)"[^>]*>([^<]*)<', page))
    for name, options in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        raw |= {name: chosen[1]} if chosen else {}
    sent = visitor.post("/apply/forest_right", data={name: unescape(text) for name, text in raw.items()})
    assert sent.url.path.startswith("/decisions/d-")


def test_complaints_stand_at_their_fields_with_the_cell(visitor, tmp_path):
    change = put(id_no=939999990000000197, area="很多", annual_rate=0.4)
    page = upload(visitor, "forest_right", workbook("forest_right", tmp_path / "a.xlsx", change).read_bytes())
    assert page.status_code == 422
    said = dict(re.findall(r'id="f-([\w-]+)-said" aria-live="polite"><p class="error">.*?</span>(.*?)</p>', page.text))
    assert said["borrower-id_no"].startswith("编号以数字保存已丢失位数") and said["borrower-id_no"].endswith("G4）")
    assert "不是可识别的数字写法" in said["pledges-0-area"]
    assert said["loan-annual_rate"].startswith("不得大于 36 %（单元格 forest_right!")
    assert value_of(page.text, "pledges[0].area") == "很多"
    assert value_of(page.text, "borrower.id_no") == ""


def test_the_unit_of_the_header_stands_beside_the_number():
    read = One({"pledges": [{"kind": "forest_right", "area": 100 / 15}], "loan": {"amount_requested": 2e6}},
               factors={"pledges[0].area": "1/15", "loan.amount_requested": "1"})
    raw = form_values("forest_right", read, NOON)
    assert (raw["pledges[0].area"], raw["unit:pledges[0].area"]) == ("100", "mu")
    assert (raw["loan.amount_requested"], raw["unit:loan.amount_requested"]) == ("2000000", "yuan")


@pytest.mark.parametrize("typed", ["100", "7", "33.33", "0.1", "94351", "1234567.89"])
def test_a_number_read_from_paper_is_written_back_as_it_was_typed(typed):
    for path in ("pledges[0].area", "loan.amount_requested", "pledges[0].stock_per_area", "loan.annual_rate"):
        for unit in units_of(spot("forest_right", path).one):
            assert write_number(read_number(typed, unit), unit) == typed


def test_a_formula_without_value_is_refused_with_its_cell(visitor, tmp_path):
    page = upload(visitor, "order", workbook("order", tmp_path / "a.xlsx", put(amount="=1+1")).read_bytes(), "en")
    assert page.status_code == 422
    assert re.search(r"<li>[A-Z]+4: a formula has no stored value", page.text)


def test_a_complaint_about_a_list_leads_to_the_list_and_opens_it(visitor, tmp_path):
    flows = {"gep_material_products_cny": 300.0, "gep_pest_control_cny": 100.0, "gep_contracted_cny": 100.0}
    page = upload(visitor, "order", workbook("order", tmp_path / "a.xlsx", put(**flows)).read_bytes()).text
    assert re.search(r'<a href="#f-pledges-0-gep_flows">生态服务流量 order![A-Z]+4</a>：仅部分已签约', page)
    assert re.search(r'<details class="members-fold" open>', page)


def test_several_applications_are_sent_to_the_batch(visitor, tmp_path):
    def change(sheet, place):
        sheet.cell(5, place["application_id"]).value = "OTHER-2"

    page = upload(visitor, "order", workbook("order", tmp_path / "a.xlsx", change, rows=2).read_bytes())
    assert page.status_code == 422 and "多份请用批量测算" in page.text


@pytest.mark.parametrize(("name", "content", "status", "said"), [
    ("a.csv", b"a,b", 400, "只收工作簿"),
    ("a.xlsx", b"a,b", 422, "扩展名是工作簿而内容不是"),
    ("a.xlsx", b"\xd0\xcf\x11\xe0" + b"0" * 99, 422, "文件损坏"),
    ("a.xlsx", b"PK\x03\x04" + b"0" * (3 << 20), 413, "超过 2 MB"),
    ("a.xlsx", b"", 422, "文件为空"),
])
def test_a_file_that_is_no_small_workbook_is_refused_with_the_reason(visitor, name, content, status, said):
    page = upload(visitor, "order", content, name=name)
    assert page.status_code == status
    assert said in page.text


def test_an_upload_without_file_from_elsewhere_or_for_an_unknown_kind_is_refused(visitor):
    assert visitor.post("/apply/order/upload", data={"x": "1"}).status_code == 400
    assert visitor.post("/apply/order/upload", content=b"{}").status_code == 400
    assert upload(visitor, "order", b"x", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert upload(visitor, "house", b"x").status_code == 404
    assert visitor.get("/apply/house/template.xlsx").status_code == 404


def test_nothing_personal_of_a_workbook_reaches_the_log(visitor, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    secret = "939999990000000198"
    upload(visitor, "order", workbook("order", tmp_path / "a.xlsx", put(id_no=secret, amount="x")).read_bytes())
    assert secret not in caplog.text
    assert checked("order", {"borrower.id_no": secret}).violations
