"""Logging in by the bank's login service: there and back, and every way it must not let anybody in."""

from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import jwt
import pytest
from api_service import body_of
from api_users import Bank, part, token
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from oidc_issuer import CLIENT, KEY, OTHER, SECRET, LoginService, public
from test_pages import Checked

from eco_credit.core.errors import ContractError
from eco_credit.reports.page import words
from serving.access import Role
from serving.access import issuer as issuer_room
from serving.access.flow import FLOW_SECONDS
from serving.access.oidc import Oidc
from serving.access.settings import LoginSettings
from serving.settings import read_settings

pytest.importorskip("authlib", reason="needs the extra oidc")
BACK = "/login/oidc/callback"
FLOW = "__Host-eco_credit_flow"
SESSION = "__Host-eco_credit"


def settings_of(folder: Path, address: str, **changed: Any) -> dict[str, Any]:
    """Settings that name the login service."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "client").write_text(SECRET + "\n")
    named = {"oidc_issuer": address, "oidc_client_id": CLIENT, "oidc_client_secret_file": folder / "client"}
    return named | changed


class Desk:
    """A service that knows a login service, and a browser's cookies."""

    def __init__(self, folder: Path, *, tls: tuple[Path, Path] | None = None, **changed: Any) -> None:
        self.service = LoginService(lambda: self.bank.now, tls=tls)
        login = settings_of(folder, self.service.address, **changed)
        self.bank = Bank(folder / "home", web=True, failed_logins_per_minute=1000, **login)

    def begin(self, query: str = "?lang=en", **headers: str) -> tuple[str, str]:
        """Press the button; where the browser is sent, and its cookie of the flow."""
        sent = self.bank.get(f"/login/oidc{query}", **headers)
        assert sent.status_code == 303, sent.text
        return sent.headers["location"], f"{FLOW}={SimpleCookie(sent.headers['set-cookie'])[FLOW].value}"

    def back(self, address: str, cookie: str, **headers: str) -> httpx.Response:
        """The browser comes back, sent by another site."""
        parts = urlsplit(address)
        return self.bank.get(f"{parts.path}?{parts.query}", cookie=cookie, sec_fetch_site="cross-site",
                             accept_language="en", **headers)

    def log_in(self, query: str = "?lang=en") -> httpx.Response:
        """The whole way."""
        address, cookie = self.begin(query)
        return self.back(self.service.agree(address), cookie)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    with one.service, one.bank:
        yield one


def cookies_of(answer: httpx.Response) -> dict[str, Any]:
    """Cookies an answer sets; an empty value takes one away."""
    return {n: m for line in answer.headers.get_list("set-cookie") for n, m in SimpleCookie(line).items()}


def session_of(answer: httpx.Response) -> str:
    """The cookie of a login."""
    return f"{SESSION}={cookies_of(answer)[SESSION].value}"


def let_nobody_in(answer: httpx.Response, status: int, why: str, lang: str = "en") -> None:
    """The page says why in the reader's language, and no login began."""
    assert answer.status_code == status, answer.text
    for name in (why, f"{why}_text"):
        assert words("serving.web", lang)[f"sso.failed.{name}"] in answer.text
    assert SESSION not in cookies_of(answer)
    assert Checked(answer.text).faults == []
    assert "code=" not in answer.text and "state=" not in answer.text


# ---- there and back ----------------------------------------------------------------------------------


def test_who_logs_in_there_is_here_with_the_tenant_and_roles_of_the_claims(desk: Desk) -> None:
    done = desk.log_in("?next=/apply/order&lang=zh")
    assert (done.status_code, done.headers["refresh"]) == (200, "0;url=/apply/order?lang=zh")
    assert done.headers["cache-control"] == "no-store" and Checked(done.text).faults == []
    page = desk.bank.get("/apply/order?lang=zh", cookie=session_of(done))
    assert page.status_code == 200
    assert "wang" in page.text and "bank-a" in page.text and "客户经理" in page.text
    assert desk.bank.get("/models", cookie=session_of(done)).status_code == 403


def test_the_way_there_asks_for_a_code_with_pkce_state_and_nonce(desk: Desk) -> None:
    address, cookie = desk.begin("?lang=zh")
    asked = dict(parse_qsl(urlsplit(address).query))
    assert address.startswith(f"{desk.service.address}/authorize?")
    assert (asked["response_type"], asked["client_id"], asked["scope"]) == ("code", CLIENT, "openid")
    assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
    assert asked["redirect_uri"] == f"https://service{BACK}" and asked["ui_locales"] == "zh-CN zh"
    # of 256 bits each, and neither nonce nor proof is in the cookie
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert min(len(asked["state"]), len(asked["nonce"])) == 43
    assert asked["nonce"] not in cookie and SECRET not in address
    other, _ = desk.begin()
    assert dict(parse_qsl(urlsplit(other).query))["state"] != asked["state"]


def test_the_cookies_are_opaque_short_and_kept_from_scripts_and_other_sites(desk: Desk) -> None:
    sent = desk.bank.get("/login/oidc")
    flow = cookies_of(sent)[FLOW]
    assert (flow["httponly"], flow["secure"], flow["samesite"], flow["path"]) == (True, True, "lax", "/")
    assert int(flow["max-age"]) == FLOW_SECONDS
    done = desk.back(desk.service.agree(sent.headers["location"]), f"{FLOW}={flow.value}")
    found = cookies_of(done)
    assert (found[FLOW].value, found[FLOW]["max-age"]) == ("", "0")
    one = found[SESSION]
    assert (one["httponly"], one["secure"], one["samesite"], one["domain"]) == (True, True, "strict", "")
    assert len(one.value) == 43
    for file in desk.bank.home.iterdir():
        assert one.value.encode() not in file.read_bytes()


def test_the_button_stands_beside_the_key_form_only_where_a_login_service_is_named(desk: Desk, tmp_path: Path) -> None:
    for lang, said in (("zh", "统一认证登录"), ("en", "Log in with your bank account")):
        page = desk.bank.get(f"/login?lang={lang}&next=/apply/order").text
        assert said in page and 'name="key"' in page and "/login/oidc?next=%2Fapply%2Forder" in page
        assert Checked(page).faults == []
    with Bank(tmp_path / "plain", web=True) as bank:
        assert "/login/oidc" not in bank.get("/login").text
        for path in ("/login/oidc", BACK, "/logout/oidc"):
            assert bank.get(path).status_code == 404


def test_a_key_still_opens_the_page_while_the_login_service_is_away(desk: Desk) -> None:
    desk.service.broken = True
    key = desk.bank.key(Role.LOAN_OFFICER)
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert desk.bank.post("/login", urlencode({"key": key}).encode(), **form).status_code == 303


def test_claims_are_found_under_the_names_of_the_login_service(tmp_path: Path) -> None:
    names = {"jwt_tenant_claim": "https://bank.example/org", "jwt_roles_claim": "realm_access.roles"}
    desk = Desk(tmp_path, jwt_user_claim="preferred_username", **names)
    with desk.service, desk.bank:
        desk.service.claims = {
            "sub": "3f2A/9", "preferred_username": "zhao", "https://bank.example/org": "bank-c",
            "realm_access": {"roles": ["auditor", "offline_access"]},
        }  # fmt: skip
        done = desk.log_in()
        page = desk.bank.get("/audit?lang=en", cookie=session_of(done)).text
        assert "zhao (bank-c)" in page and "Auditor" in page


def test_the_secret_may_be_sent_in_the_form_where_the_service_wants_it_so(desk: Desk) -> None:
    desk.service.document = {"token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"]}
    desk.service.by_form = True
    assert desk.log_in().status_code == 200


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
    desk.service.sign = _none
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


# ---- claims ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("roles", [None, [], ["root"], "offline_access", {"admin": 1}, [["admin"]]])
def test_an_account_without_a_role_of_ours_is_told_so(desk: Desk, roles: Any) -> None:
    desk.service.claims |= {"roles": roles}
    let_nobody_in(desk.log_in("?lang=zh"), 403, "role", "zh")


@pytest.mark.parametrize(
    "changed",
    [{"tenant": None}, {"tenant": "Bank A"}, {"tenant": ["bank-a"]}, {"sub": "Wang"}, {"sub": "王"}, {"sub": "a" * 64},
     {"tenant": "bank-a\n"}, {"tenant": "bаnk-a"}],
    ids=str,
)  # fmt: skip
def test_an_account_without_a_tenant_or_name_of_ours_is_told_so(desk: Desk, changed: dict[str, Any]) -> None:
    desk.service.claims |= changed
    let_nobody_in(desk.log_in(), 403, "nobody")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "other"}, {"aud": [CLIENT, "other"]}, {"aud": None},
        {"azp": "other"}, {"nonce": "x"}, {"nonce": None}, {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"exp": None}, {"exp": 0}, {"exp": True}, {"exp": "9999999999"}, {"exp": 1e300}, {"iat": None}, {"iat": 0},
        {"iat": 1e300}, {"nbf": 9e9}, {"sub": None}, {"sub": 7},
    ],
    ids=str,
)  # fmt: skip
def test_an_id_token_with_a_wrong_claim_lets_nobody_in(desk: Desk, changed: dict[str, Any]) -> None:
    desk.service.claims |= changed
    let_nobody_in(desk.log_in(), 401, "token")


@pytest.mark.parametrize("aud", [[CLIENT], [CLIENT, "other"]])
def test_an_id_token_for_us_among_others_counts_where_we_are_the_authorised_party(desk: Desk, aud: list[str]) -> None:
    desk.service.claims |= {"aud": aud, "azp": CLIENT}
    assert desk.log_in().status_code == 200


def test_an_id_token_counts_in_its_time_and_not_from_before_the_flow_began(desk: Desk) -> None:
    for ago, taken in ((0, True), (25, True), (120, False), (-120, False)):
        desk.service.now = lambda ago=ago: desk.bank.now - timedelta(seconds=ago)
        assert (desk.log_in().status_code == 200) == taken, ago
    desk.service.now = lambda: desk.bank.now
    for late, taken in ((20, True), (60, False)):  # the clocks may differ by 30 s
        desk.service.claims |= {"exp": int(desk.bank.now.timestamp()) - late, "iat": None}
        desk.service.claims |= {"iat": int(desk.bank.now.timestamp()) - late - 1}
        assert (desk.log_in().status_code == 200) == (taken and late < 29), late


def _none(claims: dict[str, Any], header: dict[str, Any]) -> str:
    return f"{part({'alg': 'none'} | header)}.{part(claims)}."


def _hmac_with(secret: bytes) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    return lambda claims, header: token(claims, secret, **header)


PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "sign",
    [
        _none,
        _hmac_with(PEM),
        _hmac_with(SECRET.encode()),
        lambda c, h: jwt.encode(c, OTHER, "RS256", headers=h),
        lambda c, h: jwt.encode(c, KEY, "RS512", headers=h),  # a true key, another algorithm than its own
        lambda c, h: jwt.encode(c, KEY, "RS256", headers=h | {"kid": "other"}),
        lambda c, h: jwt.encode(c, KEY, "RS256", headers=h | {"kid": "../../etc/passwd"}),
        lambda c, h: jwt.encode(c, KEY, "RS256"),
        lambda c, h: jwt.encode(c, OTHER, "RS256", headers=h | {"jwk": public(OTHER, "k1")}),
        lambda c, h: jwt.encode(c, OTHER, "RS256", headers=h | {"jku": "http://127.0.0.1:1/jwks"}),
        lambda c, h: jwt.encode(c, KEY, "RS256", headers=h | {"crit": ["exp"]}),
        lambda c, h: jwt.encode(c, KEY, "RS256", headers=h)[:-9],
        lambda c, h: jwt.encode(c | {"pad": "x" * 8000}, KEY, "RS256", headers=h),
        lambda c, h: "a.b.c",
        lambda c, h: 7,
    ],
    ids=["none", "public key as secret", "client secret", "other key", "RS512", "kid", "kid path", "no kid", "jwk",
         "jku", "crit", "cut", "long", "no token", "number"],
)  # fmt: skip
def test_an_id_token_that_is_not_signed_by_a_key_of_the_issuer_lets_nobody_in(desk: Desk, sign: Any) -> None:
    desk.service.sign = sign
    let_nobody_in(desk.log_in(), 401, "token")


def test_a_claim_given_twice_does_not_slip_by_under_another_signature(desk: Desk) -> None:
    """The last of two is what is read, and what was signed: nothing reads the first."""

    def twice(claims: dict[str, Any], header: dict[str, Any]) -> str:
        text = json.dumps(claims)[:-1] + ', "tenant": "bank-b"}'
        return jwt.api_jws.encode(text.encode(), KEY, "RS256", headers={"typ": "JWT"} | header)

    desk.service.sign = twice
    done = desk.log_in("?lang=en")
    assert "bank-b" in desk.bank.get("/?lang=en", cookie=session_of(done)).text


def test_a_secret_or_private_key_among_the_issuers_keys_is_not_used(desk: Desk) -> None:
    weak = {"kty": "oct", "kid": "k1", "alg": "HS256", "k": part(b"x" * 32)}
    desk.service.jwks = [weak, public(KEY, "enc", use="enc")]
    desk.service.sign = _hmac_with(b"x" * 32)
    let_nobody_in(desk.log_in(), 401, "token")


def test_a_key_that_names_no_algorithm_takes_the_allowed_ones_of_its_kind(desk: Desk) -> None:
    desk.service.jwks = [public(KEY, "k1", alg=None)]
    for alg, taken in (("RS256", True), ("PS256", True), ("RS384", False), ("RS512", False)):
        desk.service.sign = lambda c, h, alg=alg: jwt.encode(c, KEY, alg, headers=h)
        assert (desk.log_in().status_code == 200) == taken, alg


def test_new_keys_of_the_issuer_are_found_by_their_name_but_not_fetched_without_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.log_in().status_code == 200
    desk.service.jwks = [public(OTHER, "k2")]
    desk.service.header = {"kid": "k2"}
    desk.service.sign = lambda c, h: jwt.encode(c, OTHER, "RS256", headers=h)
    let_nobody_in(desk.log_in(), 401, "token")  # they were read less than half a minute ago
    assert desk.service.asked.count("/jwks") == 1
    monkeypatch.setattr(issuer_room, "AGAIN_SECONDS", 0.0)
    assert desk.log_in().status_code == 200
    assert desk.service.asked.count("/jwks") == 2
    assert desk.service.asked.count("/.well-known/openid-configuration") == 1


# ---- the login service is away, or lies about itself -------------------------------------------------


def test_a_login_service_that_is_away_is_503_with_a_time_to_come_back(desk: Desk) -> None:
    desk.service.broken = True
    for lang in ("zh", "en"):
        away = desk.bank.get(f"/login/oidc?lang={lang}")
        let_nobody_in(away, 503, "away", lang)
        assert away.headers["retry-after"] == "30"
    assert len(desk.service.asked) == 1  # a crowd of readers is not a crowd of calls
    assert desk.bank.get("/login").status_code == 200


def test_one_that_goes_away_on_the_way_is_503_too(desk: Desk) -> None:
    address, cookie = desk.begin()
    sent = desk.service.agree(address)
    desk.service.stop()
    let_nobody_in(desk.back(sent, cookie), 503, "away")


def test_one_that_does_not_answer_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuer_room, "SECONDS", 0.3)
    silent = socket.create_server(("127.0.0.1", 0))
    oidc = desk.bank.client.state.gate.oidc
    monkeypatch.setattr(oidc.issuer, "name", f"http://127.0.0.1:{silent.getsockname()[1]}")
    let_nobody_in(desk.bank.get("/login/oidc?lang=en"), 503, "away")
    silent.close()


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.example"}, {"token_endpoint": "https://evil.example/token"}, {"jwks_uri": None},
        {"jwks_uri": "file:///etc/passwd"}, {"authorization_endpoint": "javascript:alert(1)"}, {"token_endpoint": 7},
        {"end_session_endpoint": "https://evil.example/"}, {"code_challenge_methods_supported": ["plain"]},
        {"response_types_supported": ["id_token"]}, {"token_endpoint_auth_methods_supported": ["none"]},
        {"token_endpoint": "http://127.0.0.1:1/token"}, {"token_endpoint": "http://user:pw@127.0.0.1/token"},
        {"pad": "x" * 600_000},
    ],
    ids=lambda said: str(said)[:60],
)  # fmt: skip
def test_a_discovery_document_that_leads_elsewhere_or_weakens_the_login_is_not_used(
    desk: Desk, said: dict[str, Any]
) -> None:
    desk.service.document = said
    let_nobody_in(desk.bank.get("/login/oidc?lang=en"), 503, "away")


def test_a_redirect_of_the_login_service_is_not_followed(desk: Desk) -> None:
    here = desk.service.address
    desk.service.document = {"jwks_uri": f"{here}/agree?redirect_uri={here}/jwks&state=x"}
    let_nobody_in(desk.log_in(), 503, "away")


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Files of a certificate that signs itself, and of its key."""
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(own, own, KEY.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(made.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(KEY.private_bytes(*kinds))
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize(("name", "trusted", "taken"), [("localhost", True, True), ("localhost", False, False),
                                                        ("sso.bank.example", True, False)])  # fmt: skip
def test_over_tls_the_login_service_shows_a_certificate_for_its_name_that_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, trusted: bool, taken: bool
) -> None:
    files = certificate(tmp_path, name)
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]) if trusted else "/dev/null")
    desk = Desk(tmp_path, tls=files)
    with desk.service, desk.bank:
        if taken:
            assert desk.log_in().status_code == 200
        else:
            let_nobody_in(desk.bank.get("/login/oidc?lang=en"), 503, "away")


# ---- logging out, and ending -------------------------------------------------------------------------


def test_logging_out_ends_the_login_and_leads_on_to_the_login_service(desk: Desk) -> None:
    cookie = session_of(desk.log_in())
    left = desk.bank.post("/logout?lang=zh", b"", cookie=cookie)
    assert (left.status_code, left.headers["location"]) == (303, "/logout/oidc?lang=zh")
    assert desk.bank.get("/", cookie=cookie).status_code == 303
    page = desk.bank.get("/logout/oidc?lang=zh")
    going = page.headers["refresh"].partition("url=")[2]
    assert going.startswith(f"{desk.service.address}/end?") and "统一认证" in page.text
    asked = dict(parse_qsl(urlsplit(going).query))
    assert asked == {"client_id": CLIENT, "post_logout_redirect_uri": "https://service/login"}
    assert Checked(page.text).faults == [f"outside address {going}"]  # the one that is meant


def test_without_a_place_to_log_out_there_the_reader_is_back_at_the_login(desk: Desk) -> None:
    desk.service.document = {"end_session_endpoint": None}
    cookie = session_of(desk.log_in())
    desk.bank.post("/logout", b"", cookie=cookie)
    assert desk.bank.get("/logout/oidc?lang=en").headers["location"] == "/login?lang=en"


def test_who_logged_in_with_a_key_is_not_sent_to_the_login_service(desk: Desk) -> None:
    form = {"content_type": "application/x-www-form-urlencoded"}
    entered = desk.bank.post("/login", urlencode({"key": desk.bank.key(Role.AUDITOR)}).encode(), **form)
    left = desk.bank.post("/logout", b"", cookie=session_of(entered))
    assert left.headers["location"] == "/login?lang=zh"


def test_a_login_ends_after_its_time_and_with_the_login_service_it_came_from(desk: Desk, tmp_path: Path) -> None:
    cookie = session_of(desk.log_in())
    other = settings_of(tmp_path, "https://other.bank.example")
    with Bank(desk.bank.home, web=True, **other) as changed:
        assert changed.get("/", cookie=cookie).status_code == 303
    with Bank(desk.bank.home, web=True) as none:
        assert none.get("/", cookie=cookie).status_code == 303
    assert desk.bank.get("/", cookie=cookie).status_code == 200
    desk.bank.client.state.clock.now += timedelta(minutes=481)
    assert desk.bank.get("/", cookie=cookie).status_code == 303


def test_the_api_takes_no_cookie_and_no_id_token(desk: Desk) -> None:
    cookie = session_of(desk.log_in())
    assert desk.bank.get("/v1/models", cookie=cookie).status_code == 401
    claims = {"iss": desk.service.address, "aud": CLIENT, "sub": "wang", "tenant": "bank-a", "roles": ["admin"]}
    assert desk.bank.get("/v1/models", jwt.encode(claims, KEY, "RS256", headers={"kid": "k1"})).status_code == 401


def test_scoring_and_reading_ask_the_login_service_nothing(desk: Desk) -> None:
    key = desk.bank.key(Role.LOAN_OFFICER)
    for number in range(5):
        sent = desk.bank.post("/v1/scores", body_of({"amount": 4}), key, idempotency_key=f"k{number}")
        assert sent.status_code == 200
    desk.bank.client.wait(0.3)
    assert desk.service.asked == []  # not at the start, and not in the service's own round
    cookie = session_of(desk.log_in())
    before = list(desk.service.asked)
    assert desk.bank.get("/apply/order", cookie=cookie).status_code == 200
    assert desk.service.asked == before


def test_no_secret_code_token_or_cookie_occurs_in_logs_or_figures(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    address, cookie = desk.begin()
    sent = desk.service.agree(address)
    done = desk.back(sent, cookie)
    desk.service.sign = _none
    desk.log_in()
    desk.service.stop()
    desk.bank.get("/login/oidc")
    code = parse_qs(urlsplit(sent).query)["code"][0]
    told = "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("eco_credit")
    ) + desk.bank.get("/metrics").text
    for secret in (SECRET, code, cookie.partition("=")[2], session_of(done).partition("=")[2], "wang"):
        assert secret not in told


def test_a_login_leaves_a_line_and_without_one_there_is_none(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("eco_credit.access").propagate = True
    caplog.set_level(logging.INFO, "eco_credit.access")
    assert desk.log_in().status_code == 200
    (line,) = [json.loads(r.getMessage()) for r in caplog.records if r.name == "eco_credit.access"]
    assert (line["event"], line["tenant"], line["roles"], line["key_id"]) == ("login", "bank-a", ["loan_officer"], None)
    assert "wang" not in str(line)
    desk.bank.client.state.gate._log_key = None
    (desk.bank.home / "log.key").write_bytes(b"short")
    refused = desk.log_in()
    assert refused.status_code == 503 and SESSION not in cookies_of(refused)


def test_a_damaged_key_of_the_logins_begins_none(desk: Desk) -> None:
    desk.bank.home.mkdir(exist_ok=True)
    (desk.bank.home / "login.key").write_bytes(b"")
    refused = desk.bank.get("/login/oidc")
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/storage_unavailable")


# ---- settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"oidc_issuer": "http://sso.bank.example"}, "ISSUER"),
        ({"oidc_issuer": "https://sso.bank.example/?x=1"}, "ISSUER"),
        ({"oidc_issuer": "https://user:pw@sso.bank.example"}, "ISSUER"),
        ({"oidc_issuer": "https:///x"}, "ISSUER"),
        ({"oidc_issuer": "ftp://sso.bank.example"}, "ISSUER"),
        ({"oidc_issuer": "https://sso.bank.example:port"}, "ISSUER"),
        ({"oidc_client_id": None}, "CLIENT_ID"),
        ({"oidc_client_secret_file": None}, "CLIENT_SECRET_FILE"),
        ({"oidc_client_secret_file": Path("/nothing/there")}, "CLIENT_SECRET_FILE"),
        ({"oidc_algorithms": "RS256 none"}, "ALGORITHMS"),
        ({"oidc_algorithms": "HS256"}, "ALGORITHMS"),
        ({"oidc_algorithms": " "}, "ALGORITHMS"),
        ({"oidc_scope": "profile"}, "SCOPE"),
    ],
)  # fmt: skip
def test_settings_that_are_not_complete_or_would_weaken_the_login_stop_the_start(
    tmp_path: Path, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(ContractError) as refused:
        Oidc(LoginSettings(**settings_of(tmp_path, "https://sso.bank.example", **changed)), tmp_path)
    assert refused.value.violations[0].field == f"ECO_CREDIT_OIDC_{field}"


def test_an_empty_secret_stops_the_start_and_a_new_one_needs_no_new_start(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "client"
    file.write_text("wrong")
    let_nobody_in(desk.log_in(), 401, "token")
    file.write_text(SECRET)
    assert desk.log_in().status_code == 200
    file.write_text(" \n")
    with pytest.raises(ContractError):
        Oidc(LoginSettings(**settings_of(tmp_path, "https://sso.bank.example")
                           | {"oidc_client_secret_file": Path("/dev/null")}), tmp_path)


def test_without_the_extra_the_start_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "authlib", None)
    with pytest.raises(ContractError, match="eco-credit\\[oidc\\]"):
        Oidc(LoginSettings(**settings_of(tmp_path, "https://sso.bank.example")), tmp_path)


def test_the_settings_come_from_the_environment_or_a_table_of_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECO_CREDIT_OIDC_ISSUER", "https://sso.bank.example")
    assert LoginSettings().oidc_issuer == "https://sso.bank.example"
    (tmp_path / "s.toml").write_text('[login]\noidc_issuer = "https://other.bank.example"\n')
    monkeypatch.setenv("ECO_CREDIT_SETTINGS", str(tmp_path / "s.toml"))
    assert read_settings().login.oidc_issuer == "https://other.bank.example"
