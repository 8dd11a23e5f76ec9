"""A person changes the language, or is logged out, in the middle of a form. Skips without Chromium."""

from __future__ import annotations

import pytest
from api_users import closed
from desk_fakes import served
from test_accessible import broken
from test_browser import address, tab  # noqa: F401

from serving.access import Role
from serving.access.keybook import SqlKeyBook
from serving.app import create_app
from serving.audit.journal import utc_now


@pytest.mark.parametrize("script", [True, False])
def test_a_change_of_language_in_the_middle_keeps_what_is_typed(browser, address, script):  # noqa: F811
    page = tab(browser, script=script)
    page.goto(f"{address}/apply/forest_right?lang=zh")
    page.locator("#f-borrower-borrower_name").fill("某某合作社")
    page.locator("#f-loan-amount_requested").fill("200")
    page.locator("#f-borrower-credit_consent-yes").check()
    page.locator("#f-loan-repayment").select_option(index=1)
    chosen = page.locator("#f-loan-repayment").input_value()
    page.get_by_role("button", name="English").click()
    page.wait_for_url("**lang=en**")
    assert page.locator("#f-borrower-borrower_name").input_value() == "某某合作社"
    assert page.locator("#f-loan-amount_requested").input_value() == "200"
    assert page.locator("#f-borrower-credit_consent-yes").is_checked()
    assert page.locator("#f-loan-repayment").input_value() == chosen
    assert "Loan application" in page.title() and page.locator("#errors").count() == 0


def test_the_browser_asks_before_it_leaves_a_form_that_was_filled_in(browser, address):  # noqa: F811
    page = tab(browser)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.goto(f"{address}/apply/order?lang=zh")
    page.locator("#f-borrower-borrower_name").press_sequentially("某")
    page.locator(".menu a").nth(1).click()
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"] and page.locator("#f-borrower-borrower_name").input_value() == "某"
    page.locator("#f-borrower-borrower_name").press("Enter")
    page.locator("#errors").wait_for()
    assert asked == ["beforeunload"]


@pytest.mark.parametrize(("width", "script"), [(1280, True), (375, True), (1280, False)])
def test_a_pledge_of_another_kind_opens_in_sight_and_fits_its_page(browser, address, width, script):  # noqa: F811
    page = tab(browser, width=width, script=script)
    page.goto(f"{address}/apply/forest_right?example=1&lang=zh")
    page.get_by_role("button", name="再加一项取水权").click()
    page.locator("#f-pledges-1").wait_for()
    assert page.locator("#f-pledges-1-permit_no").bounding_box()["width"] > 200
    if script:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("document.activeElement.id") == "f-pledges-1" and page.evaluate("scrollY") > 500
        page.locator("#f-pledges-1-permit_no").fill("123")
        page.keyboard.press("Tab")
        page.locator("#f-pledges-1-permit_no-said .error").wait_for()
        assert broken(page) == []
    assert page.locator("#f-pledges-0-certificate_no").input_value() != ""


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_login_that_ends_in_the_middle_is_said_and_the_form_goes_on_after_another(browser, tmp_path, lang):
    key = SqlKeyBook(tmp_path / "users.db").add("li", tenant="a", roles=[Role.LOAN_OFFICER], now=utc_now())[1]
    with served(create_app(closed(tmp_path, web=True))) as desk:

        def enter(one):
            one.locator("#key").fill(key)
            one.locator("main form button").click()
            one.wait_for_url("**/?**")

        page = tab(browser, width=375)
        page.goto(f"{desk}/login?lang={lang}")
        enter(page)
        page.goto(f"{desk}/apply/order?lang={lang}")
        page.locator("#f-borrower-borrower_name").fill("某某合作社")
        page.context.clear_cookies()
        page.locator("#f-loan-term_months").fill("6")
        page.keyboard.press("Tab")
        page.locator("#ended").wait_for()
        page.locator(".application button.big").click()
        assert page.locator("h1#notice-title").is_visible() and broken(page) == []
        with page.expect_popup() as opened:
            page.locator("main a.button").click()
        enter(opened.value)
        page.locator("main form button").click()
        page.wait_for_url("**/apply/order**")
        assert page.locator("#f-borrower-borrower_name").input_value() == "某某合作社"
        assert page.locator("#f-loan-term_months").input_value() == "6"
        assert page.locator("#errors").count() == 0
