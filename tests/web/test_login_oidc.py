"""Logging in by the bank's login service: there and back, how it ends, and its settings."""

from __future__ import annotations

import json
import logging
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
import pytest
from api_service import body_of
from api_users import Bank
from oidc_desk import BACK, FLOW, SESSION, Desk, cookies_of, let_nobody_in, session_of, settings_of, unsigned
from oidc_issuer import CLIENT, KEY, SECRET
from test_pages import Checked

from eco_credit.core.errors import ContractError
from serving.access import Role
from serving.access.flow import FLOW_SECONDS
from serving.access.oidc import Oidc
from serving.access.settings import LoginSettings
from serving.settings import read_settings

pytest.importorskip("authlib", reason="needs the extra oidc")


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
    desk.service.sign = unsigned
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
