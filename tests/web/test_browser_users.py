"""An administrator at the page of keys, with a real browser. Skips without Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_users import closed
from desk_fakes import served
from test_accessible import broken

from serving.access import Role
from serving.access.keybook import SqlKeyBook
from serving.app import create_app
from serving.audit.journal import utc_now


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with served(create_app(closed(home, web=True))) as found:
        yield found


def log_in(page, address: str, key: str) -> None:
    page.goto(f"{address}/login?lang=zh")
    page.get_by_label("密钥").fill(key)
    page.get_by_role("button", name="登录", exact=True).click()


@pytest.mark.parametrize("width", [375, 1280])
def test_a_key_is_made_used_replaced_and_revoked(browser, address: str, home: Path, width: int):
    book = SqlKeyBook(home / "users.db")
    admin = book.add("zhou", tenant="bank-a", roles=[Role.ADMIN], now=utc_now())[1]
    page = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN").new_page()
    log_in(page, address, admin)
    page.get_by_role("link", name="用户").click()
    page.get_by_label("用户", exact=True).fill(f"chen-{width}")
    page.get_by_label("审计人员").check()
    page.get_by_role("button", name="生成密钥", exact=True).click()
    key = page.locator(".made-key").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert broken(page) == []
    other = browser.new_context(locale="zh-CN").new_page()
    log_in(other, address, key)
    other.goto(f"{address}/audit")
    assert f"chen-{width}" in other.locator(".reader").inner_text()
    row = page.locator("tr", has_text=key.split("_")[1])
    page.goto(f"{address}/users")  # the key is not shown again
    assert page.locator(".made-key").count() == 0 and "最近使用" in row.inner_text()
    row.locator("summary", has_text="停用").click()
    row.get_by_role("button", name="立即停用").click()
    page.get_by_role("status").wait_for()
    assert "已停用" in row.inner_text()
    other.goto(f"{address}/audit")
    assert "/login" in other.url
