"""Logging in on the page: a key in, an opaque cookie out, gone with the key; pages for those who may not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from api_users import Bank, closed
from test_pages import Checked

from eco_credit.reports.page import words
from serving.access import Role

FORM = {"content_type": "application/x-www-form-urlencoded"}
D = "d-" + "0" * 26


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with Bank(tmp_path / "home", web=True) as one:
        yield one


def enter(bank: Bank, key: str, *, going: str = "/", **headers: str) -> httpx.Response:
    """Send the login form."""
    return bank.post("/login?lang=en", urlencode({"key": key, "next": going}).encode(), **(FORM | headers))


def cookie_of(answer: httpx.Response) -> str:
    """What a browser sends back."""
    return answer.headers["set-cookie"].partition(";")[0]


def test_a_reader_is_led_to_the_login_and_back_to_where_the_way_led(bank: Bank) -> None:
    for path in ("/", "/apply/order?lang=zh", f"/decisions/{D}/memo"):
        sent = bank.get(path, accept_language="zh")
        assert (sent.status_code, sent.headers["cache-control"]) == (303, "no-store")
        going = parse_qs(urlsplit(sent.headers["location"]).query)["next"][0]
        assert going == path.partition("?")[0]
        page = bank.get(sent.headers["location"])
        assert "登录" in page.text and Checked(page.text).faults == []
        entered = enter(bank, bank.key(Role.LOAN_OFFICER), going=going)
        assert (entered.status_code, entered.headers["location"]) == (303, f"{going}?lang=en")


@pytest.mark.parametrize(
    "away",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/%2F/evil", "javascript:alert(1)", "/a//b",
     "/login", "/logout", "/../x", "/a\r\nX: y", ""],
)  # fmt: skip
def test_a_login_leads_to_no_other_site(bank: Bank, away: str) -> None:
    entered = enter(bank, bank.key(Role.LOAN_OFFICER), going=away)
    assert entered.headers["location"] == "/?lang=en"


def test_the_cookie_is_opaque_and_kept_from_scripts_and_other_sites(bank: Bank) -> None:
    key = bank.key(Role.LOAN_OFFICER)
    found = SimpleCookie(enter(bank, key).headers["set-cookie"])["__Host-eco_credit"]
    assert (found["httponly"], found["secure"], found["samesite"], found["path"]) == (True, True, "strict", "/")
    assert found["domain"] == "" and int(found["max-age"]) == 480 * 60
    assert len(found.value) == 43
    assert key.split("_", 2)[2] not in found.value and found.value not in key
    for file in bank.home.iterdir():
        assert found.value.encode() not in file.read_bytes()


def test_at_this_machine_the_cookie_needs_no_tls(bank: Bank) -> None:
    entered = enter(bank, bank.key(Role.LOAN_OFFICER), host="127.0.0.1:8000")
    found = SimpleCookie(entered.headers["set-cookie"])["eco_credit"]
    assert (found["secure"], found["httponly"], found["samesite"]) == ("", True, "strict")
    assert bank.get("/", cookie=cookie_of(entered), host="127.0.0.1:8000").status_code == 200
    assert bank.get("/", cookie=cookie_of(entered), host="desk.bank.example").status_code == 303


@pytest.mark.parametrize("wrong", ["", "eck_" + "0" * 16 + "_" + "A" * 43, "nonsense", "钥匙", "x" * 9000, "a.b.c"])
def test_a_wrong_key_shows_the_form_again_without_it(bank: Bank, wrong: str) -> None:
    refused = enter(bank, wrong)
    assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)
    assert "wrong, has been revoked, or has expired" in refused.text
    assert not wrong or wrong not in refused.text
    assert Checked(refused.text).faults == []


def test_who_guesses_too_often_has_to_wait(tmp_path: Path) -> None:
    with Bank(tmp_path / "home", web=True, failed_logins_per_minute=3) as bank:
        codes = [enter(bank, f"eck_{'0' * 16}_{n:043d}").status_code for n in range(5)]
        assert codes == [401, 401, 401, 429, 429]
        waiting = enter(bank, bank.key(Role.LOAN_OFFICER))
        assert (waiting.status_code, waiting.headers["retry-after"]) == (429, "60")
        assert "Please try again in a minute" in waiting.text


def test_a_login_ends_by_logging_out(bank: Bank) -> None:
    cookie = cookie_of(enter(bank, bank.key(Role.LOAN_OFFICER)))
    assert bank.get("/", cookie=cookie).status_code == 200
    left = bank.post("/logout", b"", cookie=cookie, **FORM)
    assert (left.status_code, left.headers["location"][:6]) == (303, "/login")
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert bank.get("/", cookie=cookie).status_code == 303  # the cookie itself is worth nothing any more


def test_a_login_ends_with_its_key(bank: Bank) -> None:
    key = bank.key(Role.LOAN_OFFICER)
    cookie = cookie_of(enter(bank, key))
    assert bank.get("/", cookie=cookie).status_code == 200
    bank.book.end(key.split("_")[1], why="revoked", at=bank.now, now=bank.now)
    assert bank.get("/", cookie=cookie).status_code == 303


def test_a_login_ends_after_its_time_and_not_after_its_keys(bank: Bank) -> None:
    short = enter(bank, bank.key(Role.LOAN_OFFICER, hours=2))
    assert 7190 <= int(SimpleCookie(short.headers["set-cookie"])["__Host-eco_credit"]["max-age"]) <= 7200
    cookie = cookie_of(enter(bank, bank.key(Role.LOAN_OFFICER)))
    bank.client.state.clock.now += timedelta(minutes=481)
    assert bank.get("/", cookie=cookie).status_code == 303
    assert bank.get("/", cookie=cookie_of(short)).status_code == 303


def test_a_login_outlives_the_service(tmp_path: Path) -> None:
    with Bank(tmp_path / "home", web=True) as bank:
        cookie = cookie_of(enter(bank, bank.key(Role.LOAN_OFFICER)))
    with Bank(tmp_path / "home", web=True) as again:
        assert again.get("/", cookie=cookie).status_code == 200


def test_the_api_takes_no_cookie(bank: Bank) -> None:
    cookie = cookie_of(enter(bank, bank.key(Role.LOAN_OFFICER)))
    assert bank.get("/v1/models", cookie=cookie).status_code == 401
    assert bank.post("/v1/scores", b'{"amount": 1}', cookie=cookie, idempotency_key="k").status_code == 401


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "cross-site", "origin": "http://service"}, False),
        ({"origin": "http://service"}, True),
        ({"origin": "https://service"}, True),
        ({"origin": "http://service.evil.example"}, False),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
    ],
)
def test_a_form_is_taken_from_our_own_pages_only(bank: Bank, headers: dict[str, str], taken: bool) -> None:
    key = bank.key(Role.LOAN_OFFICER)
    assert (enter(bank, key, **headers).status_code == 303) == taken
    cookie = cookie_of(enter(bank, key))
    sent = bank.post("/apply/order", b"", cookie=cookie, **FORM, **headers)
    assert sent.status_code == (422 if taken else 403)
    bank.post("/logout", b"", cookie=cookie, **FORM, **headers)
    assert (bank.get("/", cookie=cookie).status_code == 303) == taken


def test_a_form_sent_after_the_login_ended_is_not_thrown_away_by_a_redirect(bank: Bank) -> None:
    for lang, said in (("zh", "登录已失效"), ("en", "Your login has ended")):
        sent = bank.post(f"/apply/order?lang={lang}", b"a=1", **FORM)
        assert sent.status_code == 401
        assert said in sent.text


def test_what_a_role_may_not_see_is_refused_by_a_page_in_the_readers_language(bank: Bank) -> None:
    key = bank.key(Role.RISK_MODELLER)
    cookie = cookie_of(enter(bank, key))
    for lang, said in (("zh", "您的角色无权进行此操作"), ("en", "Your role does not allow this")):
        for path in (f"/decisions/{D}", "/apply/order"):
            refused = bank.get(f"{path}?lang={lang}", cookie=cookie)
            assert (refused.status_code, refused.headers["content-type"][:9]) == (403, "text/html")
            assert 'action="/logout' in refused.text
            assert said in refused.text and Checked(refused.text).faults == []


@pytest.mark.parametrize(
    ("role", "fills_in", "looks_up"),
    [
        (Role.LOAN_OFFICER, True, True), (Role.GUARANTEE_AGENCY, True, True), (Role.AUDITOR, False, True),
        (Role.APPROVER, False, True), (Role.RISK_MODELLER, False, False), (Role.ADMIN, False, False),
    ],
)  # fmt: skip
def test_the_first_page_offers_what_the_role_may_do(bank: Bank, role: Role, fills_in: bool, looks_up: bool) -> None:
    cookie = cookie_of(enter(bank, bank.key(role, user="wang-1", tenant="bank-b")))
    for lang in ("zh", "en"):
        page = bank.get(f"/?lang={lang}", cookie=cookie).text
        assert ('href="/apply/' in page) == fills_in
        assert ('action="/decisions"' in page) == looks_up
        assert "wang-1" in page and "bank-b" in page and 'action="/logout' in page
        assert words("serving.web", lang)[f"role.{role}"] in page
        assert Checked(page).faults == []


def test_an_open_service_says_so_on_every_page_and_answer_and_asks_nobody(tmp_path: Path) -> None:
    with Bank(tmp_path / "home", web=True) as bank:
        bank.client.state.settings = closed(tmp_path / "home", web=True).model_copy(update={"access": "open"})
        page = bank.get("/", accept_language="en")
        assert "anybody at this machine may use it" in page.text and "/logout" not in page.text
        for path in ("/", "/v1/models", "/livez", "/v1/nothing"):
            assert bank.get(path).headers["x-eco-credit-access"] == "open"
        assert bank.get("/login?next=/apply/order&lang=en").headers["location"] == "/apply/order?lang=en"
    with Bank(tmp_path / "other", web=True) as bank:
        assert "x-eco-credit-access" not in bank.get("/livez").headers


def test_an_open_service_is_open_to_its_own_machine_only(tmp_path: Path) -> None:
    with Bank(tmp_path / "home", web=True) as bank:
        bank.client.state.settings = closed(tmp_path / "home", web=True).model_copy(update={"access": "open"})
        for peer, status in (("127.0.0.1", 200), ("::1", 200), ("10.0.0.7", 401), ("", 401), ("unix", 401)):
            transport = httpx.ASGITransport(app=bank.client.app, client=(peer, 1))
            remote = httpx.AsyncClient(transport=transport, base_url="http://service")
            assert bank.client._loop.run(remote.get("/v1/models")).status_code == status, peer


def test_an_open_service_is_not_reached_under_a_strangers_name(tmp_path: Path) -> None:
    """A stranger's page may have its own name lead here (DNS rebinding); the reader's browser then calls from here."""
    with Bank(tmp_path / "home", web=True) as bank:
        bank.client.state.settings = closed(tmp_path / "home", web=True).model_copy(update={"access": "open"})
        for host, status in (
            ("127.0.0.1:8000", 200), ("localhost:8000", 200), ("[::1]:8000", 200), ("desk", 200),
            ("evil.example", 401), ("evil.example:8000", 401), ("127.0.0.1.evil.example", 401), ("[::2]", 401),
        ):  # fmt: skip
            assert bank.get("/v1/models", host=host).status_code == status, host


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip", "via"])
def test_an_open_service_is_not_open_to_those_behind_a_proxy(tmp_path: Path, header: str) -> None:
    with Bank(tmp_path / "home", web=True) as bank:
        bank.client.state.settings = closed(tmp_path / "home", web=True).model_copy(update={"access": "open"})
        assert bank.get("/v1/models", **{header: "10.0.0.7"}).status_code == 401


def test_a_second_login_ends_the_first_at_the_same_browser(bank: Bank) -> None:
    first = cookie_of(enter(bank, bank.key(Role.LOAN_OFFICER)))
    second = cookie_of(enter(bank, bank.key(Role.AUDITOR), cookie=first))
    assert [bank.get("/", cookie=one).status_code for one in (first, second)] == [303, 200]
