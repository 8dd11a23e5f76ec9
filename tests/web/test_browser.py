"""A person with a real browser: fills in, sends, reads, switches the language. Skips without Chromium."""

from __future__ import annotations

import json
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_fakes import service

from eco_credit.reports import appraisal_report
from eco_credit.rulebook import load
from serving.cli.demo import example_path
from serving.pipeline import House

playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra test-browser")
uvicorn = pytest.importorskip("uvicorn")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a system Chromium")

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app, _ = service(tmp_path_factory.mktemp("home"))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=QUIET)
        yield started
        started.close()


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
