"""The pages as a browser gets them: complete, escaped, in two languages, without script or outside address."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from desk_fakes import Visitor

from eco_credit.contracts import pledge_kinds
from serving.web.examples import example
from serving.web.form import write_form

KINDS = pledge_kinds()
VOID = {"meta", "link", "input", "br", "hr", "img", "rect", "line"}


class Checked(HTMLParser):
    """Collects what must hold on every page: balanced tags, one id each, labels for controls."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.pointed: set[str] = set()
        self.controls: list[dict[str, str | None]] = []
        self.feed(text)
        self.faults += [f"left open: {tag}" for tag in self.open]

    def handle_startendtag(self, tag, attrs):
        self._note(tag, dict(attrs))

    def handle_starttag(self, tag, attrs):
        self._note(tag, dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"closed without being open: {tag}")

    def _note(self, tag, attrs):
        if attrs.get("id"):
            self.ids.append(attrs["id"])
        if tag == "label":
            self.labelled.add(attrs.get("for", ""))
        for name in ("aria-describedby", "aria-labelledby"):
            self.pointed |= set((attrs.get(name) or "").split())
        if tag in ("input", "select", "textarea") and attrs.get("type") != "hidden":
            self.controls.append(attrs)
        for name, value in attrs.items():
            if name == "style" or name.startswith("on"):
                self.faults.append(f"inline {name}")
            if name in ("href", "src", "action", "formaction") and not re.match(r"(/(?!/)|#)", value or ""):
                self.faults.append(f"outside address {value}")
        if tag in ("script", "style", "iframe"):
            self.faults.append(f"<{tag}>")


def send(visitor: Visitor, kind: str, lang: str = "zh", **changed: str):
    raw = write_form(kind, example(kind)) | changed
    return visitor.post(f"/apply/{kind}?lang={lang}", data=raw)


def all_pages(visitor: Visitor):
    decided = send(visitor, "forest_right").url.path
    addresses = ["/", "/nowhere-near/", "/decisions/d-0", decided, decided + "/memo",
                 decided + "/sheet"]
    addresses += [f"/apply/{kind}{query}" for kind in KINDS for query in ("", "?example=1")]
    for lang in ("zh", "en"):
        for address in addresses:
            page = visitor.get(address, params={"lang": lang} | ({"example": "1"} if "example" in address else {}))
            if page.headers["content-type"].startswith("text/html"):
                yield address, lang, page.text
        yield "errors", lang, visitor.post(f"/apply/order?lang={lang}", data={}).text


def test_every_page_is_well_formed_labelled_and_free_of_script_style_and_outside_addresses(visitor):
    seen = 0
    for address, lang, text in all_pages(visitor):
        page = Checked(text)
        assert page.faults == [], (address, lang)
        assert len(page.ids) == len(set(page.ids)), (address, lang)
        assert page.pointed <= set(page.ids), (address, lang)
        for control in page.controls:
            assert control.get("aria-label") or control.get("id") in page.labelled, (address, control)
        assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in text
        seen += 1
    assert seen == 2 * (5 + 2 * len(KINDS) + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_an_application_of_each_kind_is_decided_and_shown(visitor, kind):
    page = send(visitor, kind)
    assert page.status_code == 200
    assert page.url.path.startswith("/decisions/d-")
    assert "同意或有条件同意" in page.text
    assert "80.00" in page.text  # 800 000 yuan in 万元
    assert "¥800,000.00" in page.text  # and in yuan on hover
    assert "模型结果仅供参考" in page.text


def test_the_same_decision_reads_in_english(visitor):
    page = visitor.get(send(visitor, "forest_right").url.path, params={"lang": "en"})
    assert "Approve, or approve with conditions" in page.text
    assert "Debt high against cash flow" in page.text
    assert "Model results are for reference only" in page.text


def test_the_page_of_a_decision_reads_in_the_officers_order(visitor):
    text = send(visitor, "forest_right").text
    places = [text.index(f'id="{name}-title"') for name in
              ("gates", "verdict", "request", "value", "risk", "reasons", "conditions", "steps", "provenance")]
    assert places == sorted(places)


def test_a_disputed_right_shows_a_closed_gate_and_no_money(visitor):
    page = send(visitor, "forest_right", **{"pledges[0].disputed": "yes"})
    assert "权属有争议" in page.text
    assert "gate-closed" in page.text
    assert "否决" in page.text


def test_a_broken_field_keeps_the_values_and_says_what_is_wrong_at_the_field(visitor):
    page = send(visitor, "forest_right", **{"pledges[0].area": "many", "loan.annual_rate": "50"})
    assert page.status_code == 422
    assert '<a href="#f-pledges-0-area">面积</a>' in page.text
    assert 'value="many"' in page.text
    assert "不得大于 36 %" in page.text
    assert 'aria-invalid="true"' in page.text
    assert visitor.pipeline.scored == 0


def test_an_empty_form_names_every_required_field_in_the_language_of_the_page(visitor):
    page = visitor.post("/apply/water_right?lang=en", data={})
    assert page.status_code == 422
    assert "please fill in" in page.text
    assert "请填写" not in page.text


def test_markup_in_a_name_is_shown_as_text_everywhere(visitor):
    page = send(visitor, "order", **{"borrower.borrower_name": "<script>alert(1)</script>"})
    memo = visitor.get(page.url.path + "/memo")
    again = send(visitor, "order", **{"borrower.borrower_name": '"><script>x', "loan.annual_rate": "99"})
    for text in (page.text, memo.text, again.text):
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_sending_a_sheet_twice_decides_once(visitor):
    sheet = write_form("order", example("order")) | {"form_id": "b" * 32}
    first = visitor.post("/apply/order", data=sheet)
    second = visitor.post("/apply/order", data=sheet)
    assert first.url.path == second.url.path
    assert len(visitor.app.state.service.journal.records("demo")) == 1


def test_a_decision_can_be_found_by_its_number(visitor):
    path = send(visitor, "order").url.path
    found = visitor.get("/decisions", params={"decision_id": path.rpartition("/")[2]})
    assert found.url.path == path
    assert visitor.get("/decisions", params={"decision_id": "../../etc"}).status_code == 404


def test_the_language_follows_the_address_then_the_browser_then_chinese(visitor):
    assert '<html lang="zh-CN">' in visitor.get("/").text
    assert '<html lang="en">' in visitor.get("/", headers={"accept-language": "en-GB,en;q=0.8,zh;q=0.2"}).text
    assert '<html lang="zh-CN">' in visitor.get("/", headers={"accept-language": "fr"}).text
    assert '<html lang="zh-CN">' in visitor.get("/?lang=zh", headers={"accept-language": "en"}).text
    assert '<html lang="zh-CN">' in visitor.get("/?lang=%3Cscript%3E").text


def test_a_form_from_another_site_is_refused(visitor):
    answer = visitor.post("/apply/order", data={}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert visitor.pipeline.scored == 0


def test_a_form_that_is_too_large_is_refused(visitor):
    answer = visitor.post("/apply/order", content=b"a=" + b"x" * 300_000)
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"\xff\xfe", b"a=%ff%fe", b"&".join(b"a%d=1" % n for n in range(5000))])
def test_a_body_that_is_no_form_is_refused(visitor, body):
    assert visitor.post("/apply/order", content=body).status_code == 400


def test_pages_are_not_stored_on_the_way_and_files_are(visitor):
    assert visitor.get("/apply/order").headers["cache-control"] == "no-store"
    style = visitor.get("/static/desk.css")
    assert "immutable" in style.headers["cache-control"]
    assert visitor.get("/static/routes.py").status_code == 404


def test_the_content_policy_allows_no_inline_script_or_style(visitor):
    policy = visitor.get("/").headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "default-src 'self'" in policy or "default-src 'none'" in policy


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_appraisal_report_of_a_decision_is_one_click_away(visitor, lang):
    page = visitor.post("/apply/forest_right", data=write_form("forest_right", example("forest_right")))
    decision = re.search(r"/decisions/(d-[0-9a-f]+)/appraisal", page.text)
    assert decision is not None
    report = visitor.get(f"{decision[0]}?lang={lang}")
    assert report.status_code == 200
    assert report.headers["cache-control"] == "no-store"
    assert {"zh": "押品估值报告", "en": "Collateral appraisal report"}[lang] in report.text
    assert "¥1,234,550.00" in report.text
    assert Checked(report.text).faults == []
    style = re.search(r'href="(/static/appraisal.css[^"]*)"', report.text)
    assert style is not None and visitor.get(style[1]).status_code == 200


def test_there_is_no_appraisal_report_of_a_decision_that_does_not_exist(visitor):
    assert visitor.get("/decisions/d-" + "1" * 26 + "/appraisal").status_code == 404
