"""The administrator's page: the keys of the tenant, a new one shown once, and only from our own forms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from api_users import Bank, closed
from test_pages import Checked

from serving.access import Role
from serving.access.principal import Principal

FORM = {"content_type": "application/x-www-form-urlencoded"}


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with Bank(tmp_path / "home", web=True) as one:
        yield one


@pytest.fixture
def cookie(bank: Bank) -> str:
    entered = bank.post("/login", urlencode({"key": bank.key(Role.ADMIN, user="zhou")}).encode(), **FORM)
    return entered.headers["set-cookie"].partition(";")[0]


def send(
    bank: Bank, cookie: str, path: str, *, lang: str = "en", site: str = "same-origin", **raw: str
) -> httpx.Response:
    """Send a form of the page; role_x stands for the tick of role x."""
    named = {name.replace("role_", "role."): value for name, value in raw.items()}
    body = urlencode(named).encode()
    return bank.post(f"{path}?lang={lang}", body, cookie=cookie, sec_fetch_site=site, **FORM)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_key_is_made_on_the_page_and_shown_in_that_answer_alone(bank: Bank, cookie: str, lang: str) -> None:
    asked = {"user": " chen ", "role_auditor": "1", "role_approver": "1", "expires": "2027-01-31"}
    answer = send(bank, cookie, "/users", lang=lang, **asked)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert Checked(answer.text).faults == []
    key = answer.text.partition('class="made-key">')[2].partition("<")[0]
    assert bank.get("/v1/audit/chain", key).status_code == 200
    kept = bank.book.read()[key.split("_")[1]]
    assert (kept.tenant, kept.user, sorted(kept.roles)) == ("bank-a", "chen", ["approver", "auditor"])
    page = bank.get(f"/users?lang={lang}", cookie=cookie)
    assert kept.key_id in page.text and key.split("_", 2)[2] not in page.text
    assert "2027-02-01 00:00" in page.text and Checked(page.text).faults == []


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"user": "Chen", "role_auditor": "1"}, "use 1 to 63 small letters"),
        ({"user": "<script>", "role_auditor": "1"}, "use 1 to 63 small letters"),
        ({"user": "chen"}, "give at least one role"),
        ({"user": "chen", "role_admin": "1", "role_auditor": "1"}, "has no other role"),
        ({"user": "chen", "role_auditor": "1", "expires": "2026-02-30"}, "write the day as YYYY-MM-DD"),
        ({"user": "chen", "role_auditor": "1", "expires": "2020-01-01"}, "this day is over"),
        ({"user": "zhou", "role_auditor": "1"}, "nobody gives themselves a role"),
        ({}, "use 1 to 63 small letters"),
    ],
)
def test_what_breaks_a_rule_is_said_and_what_was_filled_in_stays(
    bank: Bank, cookie: str, raw: dict[str, str], said: str
) -> None:
    answer = send(bank, cookie, "/users", **raw)
    assert answer.status_code == 422 and said in answer.text and "<script>" not in answer.text
    assert ('name="role.auditor" value="1" checked' in answer.text) == ("role_auditor" in raw)
    assert Checked(answer.text).faults == []
    assert len(bank.book.read()) == 1


def test_a_key_is_replaced_and_revoked_on_the_page(bank: Bank, cookie: str) -> None:
    key_id = bank.key(Role.LOAN_OFFICER, user="li").split("_")[1]
    new = send(bank, cookie, f"/users/keys/{key_id}/rotate", grace_hours="24")
    assert new.status_code == 200 and 'class="made-key">eck_' in new.text
    assert send(bank, cookie, f"/users/keys/{key_id}/rotate", grace_hours="24").status_code == 409
    for hours in ("", "721", "-1", "1e2", "٣"):
        assert send(bank, cookie, f"/users/keys/{key_id}/rotate", grace_hours=hours).status_code == 422
    gone = send(bank, cookie, f"/users/keys/{key_id}/revoke", lang="zh")
    assert (gone.status_code, gone.headers["location"]) == (303, "/users?lang=zh&done=revoked")
    page = bank.get(gone.headers["location"], cookie=cookie)
    assert "密钥已停用" in page.text and Checked(page.text).faults == []
    assert bank.book.read()[key_id].why == "revoked"
    assert send(bank, cookie, f"/users/keys/{'0' * 16}/revoke").status_code == 404


def test_a_login_by_the_login_service_is_ended_on_the_page(bank: Bank, cookie: str) -> None:
    by = Principal("bank-a", "chen", frozenset({Role.AUDITOR}))
    bank.book.open_guest("t", by, issuer="i", now=bank.now, until=bank.now + timedelta(hours=1))
    page = bank.get("/users?lang=en", cookie=cookie)
    assert "chen" in page.text and Checked(page.text).faults == []
    (login,) = bank.book.guests("bank-a", bank.now)
    assert send(bank, cookie, f"/users/logins/{login.guest_id}/end").status_code == 303
    assert bank.book.guests("bank-a", bank.now) == []
    assert send(bank, cookie, f"/users/logins/{login.guest_id}/end").status_code == 404


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_does_nothing(bank: Bank, cookie: str, site: str) -> None:
    key_id = bank.key(Role.LOAN_OFFICER, user="li").split("_")[1]
    for path in ("/users", f"/users/keys/{key_id}/rotate", f"/users/keys/{key_id}/revoke"):
        assert send(bank, cookie, path, site=site, user="x", role_admin="1", grace_hours="1").status_code == 403
    assert len(bank.book.read()) == 2 and bank.book.read()[key_id].why is None


def test_on_an_open_service_the_page_says_why_nothing_can_be_made(bank: Bank) -> None:
    bank.client.state.settings = closed(bank.home, web=True).model_copy(update={"access": "open"})
    for lang, said in (("zh", "未启用登录，不能在此生成"), ("en", "no key can be made")):
        page = bank.get(f"/users?lang={lang}")
        assert said in page.text and Checked(page.text).faults == []
        assert send(bank, "", "/users", lang=lang, user="x", role_admin="1").status_code == 403
    assert bank.book.read() == {}


def test_only_an_administrator_is_shown_the_way_there(bank: Bank, cookie: str) -> None:
    assert 'href="/users?lang=en"' in bank.get("/?lang=en", cookie=cookie).text
    entered = bank.post("/login", urlencode({"key": bank.key(Role.AUDITOR)}).encode(), **FORM)
    other = entered.headers["set-cookie"].partition(";")[0]
    assert 'href="/users' not in bank.get("/?lang=en", cookie=other).text
