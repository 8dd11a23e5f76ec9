"""Four eyes with a real browser, and the risk team's pages before axe-core. Skips without Chromium."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_users import bearing, closed
from desk_fakes import served
from look_samples import look
from small_store import add_model
from test_accessible import broken
from test_browser import tab
from test_models_page import GATE

from eco_credit.registry import Store
from eco_credit.reports.monitor_kept import keep_look
from serving.access import Role
from serving.access.keybook import SqlKeyBook
from serving.app import create_app
from serving.audit.journal import utc_now


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "home"
    add_model(made, gate=GATE)
    add_model(made, 2, base=0.5, alias="challenger", gate=GATE)
    keep_look(Store(made), look())
    return made


@pytest.fixture(scope="module")
def desk(home: Path) -> Iterator[str]:
    app = create_app(closed(home, web=True))
    with served(app) as found:
        until = time.monotonic() + 60
        while not app.state.service.challengers.ready:
            assert time.monotonic() < until
            time.sleep(0.05)
        yield found


def key_of(home: Path, user: str, role: Role) -> str:
    return SqlKeyBook(home / "users.db").add(user, tenant="bank-a", roles=[role], now=utc_now())[1]


def entered(browser, desk: str, key: str, *, width: int = 1200, lang: str = "zh", script: bool = True):
    page = tab(browser, width=width, script=script)
    page.goto(f"{desk}/models?lang={lang}")
    page.locator("#key").fill(key)
    page.locator("main form button").click()
    page.wait_for_url("**/models?**")
    page.goto(f"{desk}/models?lang={lang}")
    return page


@pytest.mark.parametrize(("width", "lang"), [(1280, "zh"), (375, "en")])
@pytest.mark.parametrize("path", [f"/models{one}" for one in ("", "/challenger", "/drift", "/nobody", "/registered")])
@pytest.mark.parametrize(("user", "role"), [("li", Role.RISK_MODELLER), ("wang", Role.APPROVER)])
def test_a_page_breaks_no_rule(browser, desk, home, path, width, lang, user, role):
    page = entered(browser, desk, key_of(home, user, role), width=width, lang=lang)
    page.goto(f"{desk}{path}?lang={lang}")
    assert broken(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not [text for text in page.said if "Content Security Policy" in text]
    assert all(url.startswith(desk) for url in page.asked)


def test_one_proposes_another_approves_and_rolls_back_without_script(browser, desk, home):
    Store(home).enrol("wang@bank-a", "approver")
    reader = key_of(home, "li", Role.RISK_MODELLER)

    def served() -> str:
        found: str = httpx.get(f"{desk}/v1/models", headers=bearing(reader)).json()["models"][0]["version"]
        return found

    def wait_for(version: str) -> None:
        until = time.monotonic() + 20
        while served() != version:
            assert time.monotonic() < until
            time.sleep(0.05)

    modeller = entered(browser, desk, reader, script=False)
    modeller.locator("form[action^='/models/propose'] textarea").fill("时间外排序更好")
    modeller.get_by_role("button", name="提交提议").click()
    assert "提议已记录" in modeller.get_by_role("status").inner_text()
    assert modeller.locator("form[action^='/models/promote']").count() == 0
    assert served() == "1"

    # with a proposal open there is more to see
    for user, role in (("li", Role.RISK_MODELLER), ("wang", Role.APPROVER)):
        looked = entered(browser, desk, key_of(home, user, role), width=375)
        assert broken(looked) == [] and looked.evaluate("document.documentElement.scrollWidth") <= 375
    approver = entered(browser, desk, key_of(home, "wang", Role.APPROVER), script=False, lang="en")
    form = approver.locator("form[action^='/models/promote']")
    form.get_by_label("Why").fill("red gate looked at")
    form.get_by_role("button", name="Approve").click()
    assert "G2e" in approver.locator("main").inner_text() and served() == "1"
    approver.go_back()
    form.get_by_label("Why").fill("red gate looked at")
    form.get_by_label("Waiver").fill("small sample, watched monthly")
    form.get_by_role("button", name="Approve").click()
    assert "Approved" in approver.get_by_role("status").inner_text()
    wait_for("2")

    approver.locator("summary", has_text="Roll back").click()
    back = approver.locator("form[action^='/models/rollback']")
    back.get_by_label("Why").fill("complaints from the branches")
    began = time.monotonic()
    back.get_by_role("button", name="Roll back").click()
    wait_for("1")
    assert time.monotonic() - began < 5.0
    assert "complaints from the branches" in approver.locator("main").inner_text()
