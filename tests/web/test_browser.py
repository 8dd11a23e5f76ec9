"""A person with a real browser: fills in, sends, reads, switches the language. Skips without Chromium."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_fakes import served, service
from test_one_application import put, workbook

from eco_credit.reports import appraisal_report
from eco_credit.rulebook import load
from serving.cli.demo import example_path
from serving.pipeline import House

pytest.importorskip("playwright.sync_api", reason="needs the extra test-browser")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app, _ = service(tmp_path_factory.mktemp("home"))
    with served(app) as found:
        yield found


def tab(browser, *, width: int = 1200, script: bool = True):
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN", java_script_enabled=script)
    page = context.new_page()
    page.said = []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    return page


def send(page) -> None:
    page.get_by_role("button", name="提交测算").last.click()
    page.wait_for_url("**/decisions/**")


def test_an_officer_fills_in_sends_reads_and_switches_the_language(browser, address, tmp_path: Path):
    page = tab(browser, script=False)
    page.goto(address)
    page.get_by_role("link", name=re.compile("用示例填写.*林权")).click()
    page.get_by_label("借款人名称").fill("王某(合成)")
    send(page)
    assert "王某" in page.locator("h1").inner_text()
    assert page.locator(".verdict .word").inner_text() == "同意或有条件同意"
    assert page.locator(".limit .money").get_attribute("title") == "¥800,000.00"
    page.get_by_role("link", name="English").click()
    assert page.locator(".verdict .word").inner_text() == "Approve, or approve with conditions"
    assert all(url.startswith(address) for url in page.asked)


def test_the_keyboard_alone_reaches_the_main_part_and_the_first_field(browser, address):
    page = tab(browser)
    page.goto(f"{address}/apply/order")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_wrong_field_is_reached_from_the_summary(browser, address):
    page = tab(browser)
    page.goto(f"{address}/apply/forest_right?example=1")
    page.locator("#f-pledges-0-area").fill("很多")
    page.get_by_role("button", name="提交测算").last.click()
    page.locator("#errors").get_by_role("link", name="面积").click()
    assert page.evaluate("document.activeElement.id") == "f-pledges-0-area"
    assert page.locator("#f-pledges-0-area").input_value() == "很多"


@pytest.mark.parametrize("width", [390, 1200])
@pytest.mark.parametrize("path", ["/", "/apply/forest_right?example=1", "/apply/water_right?lang=en"])
def test_a_page_fits_its_window_and_the_browser_has_nothing_to_say(browser, address, width, path):
    page = tab(browser, width=width)
    page.goto(address + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.said == []


def test_a_decision_and_its_papers_fit_a_phone(browser, address):
    page = tab(browser, width=390)
    page.goto(f"{address}/apply/water_right?example=1")
    send(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    decision = page.url
    for link, place, title in (("打印授信调查报告", "memo", "授信调查报告"), ("打印审批意见表", "sheet", "审批意见表")):
        page.goto(decision)
        page.get_by_role("link", name=link).click()
        page.wait_for_url(f"**/{place}?**")
        assert page.locator("h1").inner_text() == title
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", ["forest_right", "water_right", "order"])
def test_an_appraisal_report_prints_on_two_pages_and_fits_a_phone(browser, kind, lang):
    application = json.loads(example_path(kind).read_text("utf-8"))
    page = tab(browser, width=390)
    page.set_content(appraisal_report(House().appraise(application, load(), None), application, lang=lang))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
    assert page.asked == []


def test_a_field_is_checked_when_it_is_left_and_the_complaint_goes_when_it_is_mended(browser, address):
    page = tab(browser)
    page.goto(f"{address}/apply/water_right?example=1")
    valid_to, said = page.locator("#f-pledges-0-valid_to"), page.locator("#f-pledges-0-valid_from-said")
    valid_to.fill("1999-01-01")
    page.keyboard.press("Tab")
    said.get_by_text("起始日不得晚于终止日").wait_for()
    page.locator("#f-pledges-0-valid_from[aria-invalid=true]").wait_for()
    assert said.get_attribute("aria-live") == "polite"
    valid_to.fill("2031-01-01")
    page.keyboard.press("Tab")
    said.get_by_text("起始日").wait_for(state="detached")
    page.locator("#f-pledges-0-valid_from:not([aria-invalid])").wait_for()
    assert page.said == []
    assert all(url.startswith(address) for url in page.asked)


def test_the_check_of_a_field_sends_that_field_and_those_tied_to_it_alone(browser, address):
    page = tab(browser)
    page.goto(f"{address}/apply/forest_right?example=1")
    with page.expect_request("**/check?**") as asked:
        page.locator("#f-loan-annual_rate").fill("99")
        page.locator("[name='unit:loan.annual_rate']").focus()
    assert asked.value.post_data == "loan.annual_rate=99&unit%3Aloan.annual_rate=percent"
    page.locator("#f-loan-annual_rate-said").get_by_text("不得大于 36 %").wait_for()


def test_typing_is_not_disturbed_by_an_answer_that_comes_late(browser, address):
    page = tab(browser)
    page.goto(f"{address}/apply/order?example=1")
    page.route("**/check?**", lambda route: (time.sleep(0.3), route.continue_()))
    page.locator("#f-loan-term_months").fill("x")
    page.keyboard.press("Tab")
    page.locator("#f-loan-term_months").fill("24")
    page.locator("#f-loan-term_months-said .error").wait_for()
    assert page.locator("#f-loan-term_months").input_value() == "24"


def test_an_answer_from_another_page_is_not_put_below_a_field(browser, address):
    page = tab(browser)
    page.goto(f"{address}/apply/order?example=1")
    page.route("**/check?**", lambda route: route.fulfill(status=303, headers={"location": "/"}))
    with page.expect_response(f"{address}/"):
        page.locator("#f-loan-term_months").fill("x")
        page.keyboard.press("Tab")
    page.wait_for_timeout(200)
    assert page.locator("#f-loan-term_months-said").inner_html() == ""


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_workbook_fills_in_the_form_and_its_mistakes_are_reached_from_the_summary(browser, address, tmp_path, script):
    path = workbook("forest_right", tmp_path / "a.xlsx", put(area="很多"))
    page = tab(browser, width=375, script=script)
    page.goto(f"{address}/apply/forest_right")
    page.locator("summary", has_text="用 Excel 填写").click()
    page.get_by_label("填好的工作簿").set_input_files(path)
    page.get_by_role("button", name="上传并填入表单").click()
    page.locator("#errors").get_by_role("link", name="面积").click()
    page.get_by_label("面积").first.fill("300")
    send(page)
    assert page.locator(".verdict .word").inner_text() == "同意或有条件同意"
