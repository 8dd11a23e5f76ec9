"""No page breaks a rule of axe-core, at desk and phone width, in both languages. Skips without Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_browser import address, tab  # noqa: F401
from test_one_application import put, workbook

from eco_credit.contracts import pledge_kinds

KINDS = pledge_kinds()
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
PAGES = ["/", *(f"/apply/{kind}" for kind in KINDS), *(f"/papers/{kind}" for kind in KINDS), "/decisions/d-0"]


def broken(page) -> list[str]:
    """Rules of axe-core that the page breaks, all folds open; read past the content policy of the page."""
    page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
    page.evaluate(AXE.read_text("utf-8") + "; null")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]} ({len(one['nodes'])})" for one in found]


@pytest.mark.parametrize(("width", "lang"), [(1280, "zh"), (375, "en")])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_breaks_no_rule(browser, address, path, width, lang):  # noqa: F811
    page = tab(browser, width=width)
    page.goto(f"{address}{path}?lang={lang}")
    assert broken(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_full_of_errors_breaks_no_rule_and_shows_the_summary_first(browser, address, kind):  # noqa: F811
    page = tab(browser, width=375)
    page.goto(f"{address}/apply/{kind}")
    page.get_by_role("button", name="提交测算").last.click()
    page.locator("#errors").wait_for()
    assert page.evaluate("document.activeElement.id") == "errors"
    assert broken(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    links = page.locator("#errors a")
    for place in (0, links.count() - 1):
        target = links.nth(place).get_attribute("href")
        links.nth(place).click()
        assert page.evaluate("'#' + document.activeElement.id") == target


def test_a_complaint_that_comes_while_filling_in_breaks_no_rule(browser, address):  # noqa: F811
    page = tab(browser)
    page.goto(f"{address}/apply/forest_right?example=1")
    page.locator("#f-loan-annual_rate").fill("99")
    page.keyboard.press("Tab")
    page.locator("#f-loan-annual_rate-said .error").wait_for()
    assert broken(page) == []


def test_a_form_filled_in_from_a_workbook_breaks_no_rule(browser, address, tmp_path):  # noqa: F811
    page = tab(browser, width=375)
    page.goto(f"{address}/apply/order?lang=en")
    page.locator("summary", has_text="Fill in with Excel").click()
    page.locator("#file").set_input_files(workbook("order", tmp_path / "a.xlsx", put(amount="x")))
    page.get_by_role("button", name="Upload").click()
    page.locator("#errors").wait_for()
    assert broken(page) == []


def test_the_keyboard_goes_through_the_form_in_the_order_of_the_page(browser, address):  # noqa: F811
    page = tab(browser)
    page.goto(f"{address}/apply/water_right?example=1")
    page.locator("#f-application_id").focus()
    seen = []
    for _ in range(40):
        seen.append(page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
        page.keyboard.press("Tab")
    assert seen == sorted(seen) and len(set(seen)) > 35


@pytest.mark.parametrize("kind", KINDS)
def test_the_papers_print_on_two_sheets_with_lines_for_the_case(browser, address, kind):  # noqa: F811
    page = tab(browser)
    page.goto(f"{address}/papers/{kind}")
    page.emulate_media(media="print")
    assert page.locator(".case-lines").is_visible() and not page.locator("header.top").is_visible()
    assert page.pdf(format="A4").count(b"/Type /Page\n") == 2
