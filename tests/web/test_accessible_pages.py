"""Axe-core over every page of the desk behind a login, in both languages. Skips without Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_users import bearing, closed
from desk_fakes import served
from small_store import add_model
from test_accessible import broken
from test_browser import tab
from test_models_page import GATE

from serving.access import Role
from serving.access.keybook import SqlKeyBook
from serving.app import create_app
from serving.audit.journal import utc_now

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS = ("forest_right", "water_right", "order")
PAGES = {
    "li": ["/", "/decisions", "/decisions?since=2026-02-30", "/decisions?text=none", "/decisions/nobody", "/models"]
    + [f"/decisions/{{{kind}}}{paper}" for kind in (*KINDS, "mixed", "refused")
       for paper in ("", "/memo", "/sheet", "/appraisal")]
    + ["/decisions/{order}?amount_wan=x", "/decisions/{order}?amount_wan=100&term_months=6&confirmation=1",
       "/apply/order?from={order}", "/papers/order"],
    "zhao": ["/", "/jobs"],
    "sun": ["/", "/audit", "/audit?decision_id={order}", "/audit?decision_id=nobody", "/decisions"],
    "qian": ["/", "/models", "/models/champion", "/models/champion/card", "/models/challenger/card"],
    "zhou": ["/"],
    "": ["/login", "/login?next=/jobs"],
}  # fmt: skip
"""Who opens what; a name in braces stands for the decision about that case."""
ROLES = {"li": Role.LOAN_OFFICER, "zhao": Role.GUARANTEE_AGENCY, "sun": Role.AUDITOR, "qian": Role.RISK_MODELLER,
         "zhou": Role.ADMIN}  # fmt: skip


def cases() -> dict[str, dict]:
    """The examples, one application with a pledge of each kind, and one that no gate lets through."""
    found = {kind: json.loads((EXAMPLES / f"{kind}.json").read_text("utf-8")) for kind in KINDS}
    found["mixed"] = found["order"] | {"pledges": [found[kind]["pledges"][0] for kind in KINDS]}
    found["refused"] = json.loads(json.dumps(found["forest_right"]))
    found["refused"]["pledges"][0] |= {"disputed": True, "sealed": True}
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("everywhere") / "home"
    add_model(made, gate=GATE)
    add_model(made, 2, base=0.5, alias="challenger", gate=GATE)
    return made


@pytest.fixture(scope="module")
def keys(home: Path) -> dict[str, str]:
    book = SqlKeyBook(home / "users.db")
    return {user: book.add(user, tenant="bank-a", roles=[role], now=utc_now())[1] for user, role in ROLES.items()}


@pytest.fixture(scope="module")
def desk(home: Path, keys: dict[str, str]) -> Iterator[str]:
    with served(create_app(closed(home, web=True))) as found:
        yield found


@pytest.fixture(scope="module")
def numbers(desk: str, keys: dict[str, str]) -> dict[str, str]:
    found = {}
    for name, application in cases().items():
        headers = bearing(keys["li"]) | {"idempotency-key": f"case-{name}"}
        answer = httpx.post(f"{desk}/v1/scores", json=application, headers=headers, timeout=60.0)
        assert answer.status_code == 200, answer.text
        found[name] = answer.json()["decision_id"]
    return found


@pytest.mark.parametrize(("width", "lang"), [(1280, "zh"), (375, "en")])
@pytest.mark.parametrize("user", PAGES)
def test_no_page_breaks_a_rule_or_is_wider_than_its_screen(browser, desk, keys, numbers, user, width, lang):
    page = tab(browser, width=width)
    if user:
        page.goto(f"{desk}/login?lang={lang}")
        page.locator("#key").fill(keys[user])
        page.locator("main form button").click()
        page.wait_for_url("**/?**")
    faults = []
    for path in PAGES[user]:
        page.goto(f"{desk}{path.format(**numbers)}{'&' if '?' in path else '?'}lang={lang}")
        faults += [f"{path}: {one}" for one in broken(page)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        faults += [f"{path}: {wide} px wide"] if wide > width else []
        faults += [f"{path}: {text}" for text in cut_off(page)]
    assert not faults, "\n".join(faults)
    page.context.close()


def cut_off(page) -> list[str]:
    """Numbers in tables that stick out of a box that neither scrolls nor grows."""
    return page.evaluate(
        """() => [...document.querySelectorAll('td, th, dd')].filter((cell) => {
            const box = cell.closest('.scroll, section, article');
            if (!box || cell.closest('[hidden]') || !cell.offsetParent) return false;
            const own = cell.getBoundingClientRect(), around = box.getBoundingClientRect();
            const scrolls = getComputedStyle(box).overflowX !== 'visible' && box.scrollWidth > box.clientWidth;
            return own.width > 0 && own.right > around.right + 1 && !scrolls;
        }).map((cell) => `cut off: ${cell.textContent.trim().slice(0, 40)}`).slice(0, 3)"""
    )
