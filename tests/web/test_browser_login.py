"""Logging in with a real browser, at this machine and on a phone. Skips without Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_users import closed
from desk_fakes import served, service

from serving.access import Role
from serving.access.keybook import SqlKeyBook
from serving.audit.journal import utc_now


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    app, _ = service(home)
    state = app.state.service
    state.settings, state.clock = closed(home, web=True), utc_now
    with served(app) as found:
        yield found


def key_of(home: Path, *roles: Role) -> str:
    return SqlKeyBook(home / "users.db").add("wang", tenant="bank-a", roles=roles, now=utc_now())[1]


@pytest.mark.parametrize("width", [390, 1200])
def test_an_officer_logs_in_works_and_logs_out(browser, address: str, home: Path, width: int):
    page = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN").new_page()
    page.goto(f"{address}/apply/order")
    assert "/login" in page.url and page.evaluate("document.activeElement.id") == "key"
    page.keyboard.type("eck_wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("密钥").fill(key_of(home, Role.LOAN_OFFICER))
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url("**/apply/order?**")
    page.goto(f"{address}/apply/order?example=1")
    page.get_by_role("button", name="提交测算").last.click()
    page.wait_for_url("**/decisions/**")
    assert "wang" in page.locator(".reader").inner_text() and "客户经理" in page.locator(".reader").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.cookie") == ""
    decided = page.url
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/login?**")
    page.goto(decided)
    assert "/login" in page.url


def test_a_page_of_another_site_cannot_send_a_form_for_the_reader(browser, address: str, home: Path):
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(address)
    page.get_by_label("Key").fill(key_of(home, Role.LOAN_OFFICER))
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Log out").wait_for()
    stranger = context.new_page()
    stranger.route(
        "http://evil.example/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{address}/apply/order"><button>win</button></form>',
        ),
    )
    stranger.goto("http://evil.example/")
    with stranger.expect_response(f"{address}/apply/order") as answer:
        stranger.get_by_role("button").click()
    assert answer.value.status in (401, 403)  # the cookie stays away, and the origin is looked at
