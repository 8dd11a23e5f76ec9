"""Logging in by a login service on this machine with a real browser. Skips without Chromium or the extra oidc."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_users import closed
from desk_fakes import served
from oidc_issuer import CLIENT, SECRET, LoginService
from test_accessible import broken

from serving.app import create_app
from serving.audit.journal import utc_now

pytest.importorskip("authlib", reason="needs the extra oidc")


@pytest.fixture(scope="module")
def bank() -> Iterator[LoginService]:
    with LoginService(utc_now) as one:
        yield one


@pytest.fixture(scope="module")
def address(bank: LoginService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("home")
    (home / "client").write_text(SECRET)
    named = {"oidc_issuer": bank.address, "oidc_client_id": CLIENT, "oidc_client_secret_file": home / "client"}
    with served(create_app(closed(home, web=True, **named))) as found:
        # a name of its own: between one port and another of the same host nothing would be cross-site
        yield found.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize(("width", "script"), [(390, True), (1200, True), (1200, False)])
def test_an_auditor_presses_the_button_reads_and_logs_out_at_both_places(
    browser, bank: LoginService, address: str, width: int, script: bool
):
    bank.claims = {"sub": "zhao", "tenant": "bank-a", "roles": ["auditor"]}
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN", java_script_enabled=script)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{address}/audit")
    assert "/login" in page.url
    page.get_by_role("link", name="统一认证登录").click()
    page.get_by_role("button", name="Agree").click()
    page.wait_for_url("**/audit?**")  # by itself, through the page that says so
    who = page.locator(".reader").inner_text()
    assert "zhao" in who and "bank-a" in who and "审计人员" in who
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.cookie") == ""
    kept = {one["name"]: one for one in context.cookies(address)}
    assert {n: (one["httpOnly"], one["sameSite"]) for n, one in kept.items()} == {"eco_credit": (True, "Strict")}
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url(f"{bank.address}/end?**")
    assert page.get_by_role("heading").inner_text() == "Logged out at the bank: True"
    page.get_by_role("link", name="Back").click()
    assert "/login" in page.url
    page.goto(f"{address}/audit")
    assert "/login" in page.url
    assert said == []


def test_a_reader_who_cancels_or_has_no_role_is_told_so_on_the_login_page(browser, bank: LoginService, address: str):
    page = browser.new_context(locale="en-GB", viewport={"width": 390, "height": 900}).new_page()
    page.goto(f"{address}/login")
    assert broken(page) == []
    page.get_by_role("link", name="Log in with your bank account").click()
    page.get_by_role("button", name="Cancel").click()
    assert "called off" in page.get_by_role("alert").inner_text()
    assert broken(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    bank.claims = {"sub": "zhao", "tenant": "bank-a", "roles": ["cook"]}
    page.get_by_role("link", name="Log in with your bank account").click()
    page.get_by_role("button", name="Agree").click()
    assert "no role" in page.get_by_role("alert").inner_text()
    page.get_by_role("link", name="中文").click()  # and the answer is not sent again
    assert page.url.endswith("/login?lang=zh")
