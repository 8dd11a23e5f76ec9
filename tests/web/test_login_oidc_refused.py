"""Logging in by the bank's login service: whose way there and back must let nobody in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from api_users import Bank
from oidc_desk import BACK, FLOW, SESSION, Desk, cookies_of, let_nobody_in, session_of, settings_of, unsigned

from serving.access.flow import FLOW_SECONDS

pytest.importorskip("authlib", reason="needs the extra oidc")


# ---- who must not get in -----------------------------------------------------------------------------


def test_a_login_that_was_called_off_says_so_in_the_language_it_began_in(desk: Desk) -> None:
    for lang in ("zh", "en"):
        address, cookie = desk.begin(f"?lang={lang}")
        let_nobody_in(desk.back(desk.service.cancel(address), cookie), 401, "cancelled", lang)
    address, cookie = desk.begin()
    let_nobody_in(desk.back(desk.service.cancel(address, "server_error"), cookie), 401, "token")


def test_an_answer_without_the_flow_of_this_browser_is_refused(desk: Desk) -> None:
    """Login CSRF: a stranger has the reader's browser bring the stranger's own code."""
    theirs, _ = desk.begin()
    sent = desk.service.agree(theirs)
    _, mine = desk.begin()
    for cookie in ("", mine, f"{FLOW}=", f"{FLOW}=e30.x", f"{FLOW}={'A' * 3000}", f"{FLOW}=a.b.c"):
        refused = desk.back(sent, cookie)
        let_nobody_in(refused, 400, "state")
        assert FLOW not in cookies_of(refused)  # the reader's own login, under way, is left alone
    assert "/token" not in desk.service.asked


@pytest.mark.parametrize(
    "change",
    [
        lambda q: q | {"state": "x"}, lambda q: {n: v for n, v in q.items() if n != "state"},
        lambda q: q | {"state": ""}, lambda q: q | {"iss": "https://evil.example"}, lambda q: q | {"state": "é"},
    ],
)  # fmt: skip
def test_an_answer_with_another_state_or_issuer_is_refused(desk: Desk, change: Callable[[Any], Any]) -> None:
    address, cookie = desk.begin()
    sent = urlsplit(desk.service.agree(address))
    let_nobody_in(desk.back(f"{BACK}?{urlencode(change(dict(parse_qsl(sent.query))))}", cookie), 400, "state")
    assert "/token" not in desk.service.asked
    # the way itself was not disturbed
    assert desk.back(f"{BACK}?{sent.query}", cookie).status_code == 200


def test_an_answer_that_says_something_twice_is_refused(desk: Desk) -> None:
    address, cookie = desk.begin()
    sent = desk.service.agree(address)
    let_nobody_in(desk.back(f"{sent}&code=other", cookie), 400, "state")


def test_an_answer_that_does_not_say_who_it_is_from_is_refused_where_that_was_promised(desk: Desk) -> None:
    desk.service.document = {"authorization_response_iss_parameter_supported": True}
    address, cookie = desk.begin()
    sent = dict(parse_qsl(urlsplit(desk.service.agree(address)).query))
    del sent["iss"]
    let_nobody_in(desk.back(f"{BACK}?{urlencode(sent)}", cookie), 400, "state")


def test_the_same_answer_is_taken_once_and_the_login_service_is_not_even_asked_again(desk: Desk) -> None:
    address, cookie = desk.begin()
    sent = desk.service.agree(address)
    assert desk.back(sent, cookie).status_code == 200
    asked = len(desk.service.asked)
    let_nobody_in(desk.back(sent, cookie), 400, "used")
    assert len(desk.service.asked) == asked


def test_the_same_answer_is_taken_once_beside_another_process_and_a_careless_login_service(
    desk: Desk, tmp_path: Path
) -> None:
    address, cookie = desk.begin()
    sent = desk.service.agree(address)
    desk.service.careless = True  # it gives tokens for a code again and again
    assert desk.back(sent, cookie).status_code == 200
    with Bank(desk.bank.home, web=True, **settings_of(tmp_path, desk.service.address)) as second:
        second.client.state.clock.now = desk.bank.now
        refused = second.get(f"{BACK}?{urlsplit(sent).query}", cookie=cookie)
        let_nobody_in(refused, 400, "used")


def test_nobody_writes_into_the_key_book_before_a_login_is_good(desk: Desk) -> None:
    assert desk.log_in().status_code == 200
    before = (desk.bank.home / "users.db").stat().st_mtime_ns
    desk.service.sign = unsigned
    for sent in (desk.service.agree, desk.service.cancel):
        address, cookie = desk.begin()
        assert desk.back(sent(address), cookie).status_code == 401
    assert (desk.bank.home / "users.db").stat().st_mtime_ns == before


def test_a_code_that_was_used_elsewhere_is_refused_by_the_login_service(desk: Desk) -> None:
    address, cookie = desk.begin()
    sent = desk.service.agree(address)
    desk.service._codes.clear()
    let_nobody_in(desk.back(sent, cookie), 401, "token")


def test_a_stolen_code_is_worth_nothing_in_another_browser(desk: Desk) -> None:
    """The thief's own flow has another proof (PKCE), and the login service compares."""
    victim, _ = desk.begin()
    code = parse_qs(urlsplit(desk.service.agree(victim)).query)["code"][0]
    mine, cookie = desk.begin()
    sent = dict(parse_qsl(urlsplit(desk.service.agree(mine)).query)) | {"code": code}
    let_nobody_in(desk.back(f"{BACK}?{urlencode(sent)}", cookie), 401, "token")


def test_a_flow_is_over_after_ten_minutes(desk: Desk) -> None:
    address, cookie = desk.begin()
    sent = desk.service.agree(address)
    desk.bank.client.state.clock.now += timedelta(seconds=FLOW_SECONDS)
    let_nobody_in(desk.back(sent, cookie), 400, "state")


def test_a_cookie_changed_in_any_byte_is_refused(desk: Desk) -> None:
    address, cookie = desk.begin()
    sent = desk.service.agree(address)
    name, _, value = cookie.partition("=")
    for place in range(0, len(value), 9):
        letter = "A" if value[place] != "A" else "B"
        changed = value[:place] + letter + value[place + 1 :]
        assert desk.back(sent, f"{name}={changed}").status_code == 400, place


def test_the_cookie_of_another_store_is_refused(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    with other.service, other.bank:
        _, theirs = other.begin()
    address, _ = desk.begin()
    let_nobody_in(desk.back(desk.service.agree(address), theirs), 400, "state")


@pytest.mark.parametrize(
    "away",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x", "/login", "/a?x=//b", "/\r\nX: y"],
)
def test_a_login_leads_to_no_other_site(desk: Desk, away: str) -> None:
    done = desk.log_in(f"?{urlencode({'next': away, 'lang': 'en'})}")
    assert done.headers["refresh"] == "0;url=/?lang=en"
    assert "evil" not in done.text


def test_a_login_is_a_new_one_and_the_cookie_from_before_opens_nothing(desk: Desk) -> None:
    """Session fixation: whoever put a cookie into the browser beforehand holds nothing afterwards."""
    planted = f"{SESSION}={'A' * 43}"
    address, cookie = desk.begin()
    done = desk.back(desk.service.agree(address), f"{planted}; {cookie}")
    assert session_of(done) != planted
    assert desk.bank.get("/", cookie=planted).status_code == 303
    assert desk.bank.get("/", cookie=session_of(done)).status_code == 200
    assert session_of(desk.log_in()) != session_of(done)


@pytest.mark.parametrize("host", ["desk.bank.example", "desk.bank.example:8443", "127.0.0.1:8000", "[::1]:8000"])
def test_the_way_back_has_the_name_the_browser_calls_with_and_tls_over_a_network(desk: Desk, host: str) -> None:
    sent = desk.bank.get("/login/oidc", host=host)
    scheme = "https" if "bank" in host else "http"
    asked = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    assert asked["redirect_uri"] == f"{scheme}://{host}{BACK}"


@pytest.mark.parametrize("host", ["evil.example/x", "a@b", "a b", "x" * 300, "", "a\\b", "a?b"])
def test_a_host_that_is_none_leads_nowhere(desk: Desk, host: str) -> None:
    assert desk.bank.get("/login/oidc", host=host).status_code == 400
