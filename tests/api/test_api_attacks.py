"""What somebody would try who wants to be somebody else; what page of defence it is in stands in the threat model."""

from __future__ import annotations

import base64
import hmac
import json
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from api_service import body_of
from api_users import HMAC_KEY, Bank, claims_of, closed, hmac_jwk, issuer_of, jwks, part, token

from serving.access import Role
from serving.access.keys import key_id_of
from serving.access.settings import LoginSettings
from serving.access.tokens import TokenRefused, Tokens

FORM = {"content_type": "application/x-www-form-urlencoded"}


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with Bank(tmp_path / "home", web=True, failed_logins_per_minute=10_000, **issuer_of(tmp_path / "sso")) as one:
        yield one


def raw(bank: Bank, path: str, headers: list[tuple[bytes, bytes]]) -> httpx.Response:
    """GET with headers as they are, twice the same where it is said twice."""
    return bank.client._loop.run(bank.client._http.get(path, headers=headers))


# ---- whose tenant it is --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "smuggled",
    [{"tenant": "bank-b"}, {"x_tenant": "bank-b"}, {"x_remote_user": "wu"}, {"x_roles": "admin"}],
    ids=str,
)
def test_no_header_query_or_body_names_another_tenant(bank: Bank, smuggled: dict[str, str]) -> None:
    theirs = bank.key(Role.LOAN_OFFICER, tenant="bank-b", user="wu")
    case = bank.post("/v1/scores", body_of({"amount": 4}), theirs, idempotency_key="k").json()["decision_id"]
    mine = bank.key(Role.LOAN_OFFICER)
    assert bank.get(f"/v1/decisions/{case}?tenant=bank-b", mine, **smuggled).status_code == 404
    body = body_of({"amount": 4, "tenant": "bank-b"})
    sent = bank.post("/v1/scores?tenant=bank-b", body, mine, idempotency_key="k2", **smuggled).json()["decision_id"]
    assert [bank.get(f"/v1/decisions/{sent}", key).status_code for key in (mine, theirs)] == [200, 404]
    admin = bank.key(Role.ADMIN, user="zhou")
    listed = bank.get("/v1/users/keys?tenant=bank-b", admin, **smuggled).json()["keys"]
    assert {one["tenant"] for one in listed} == {"bank-a"}


def test_two_credentials_in_one_request_are_none(bank: Bank) -> None:
    one, other = (bank.key(Role.AUDITOR, tenant=tenant) for tenant in ("bank-a", "bank-b"))
    for headers in (
        [(b"authorization", f"Bearer {one}".encode()), (b"authorization", f"Bearer {other}".encode())],
        [(b"authorization", f"Bearer {one}, Bearer {other}".encode())],
        [(b"authorization", f"Bearer {one} {other}".encode())],
        [(b"authorization", f"Basic {one}".encode())],
        [(b"authorization", one.encode())],
        [(b"proxy-authorization", f"Bearer {one}".encode())],
        [(b"x-api-key", one.encode())],
    ):
        assert raw(bank, "/v1/models", headers).status_code == 401, headers
    assert bank.get(f"/v1/models?access_token={one}").status_code == 401


def test_a_cookie_beside_a_refused_key_lets_nobody_in(bank: Bank) -> None:
    entered = bank.post("/login", urlencode({"key": bank.key(Role.LOAN_OFFICER)}).encode(), **FORM)
    cookie = entered.headers["set-cookie"].partition(";")[0]
    assert bank.get("/apply/order", cookie=cookie).status_code == 200
    assert bank.get("/apply/order", "eck_x", cookie=cookie).status_code == 303


@pytest.mark.parametrize("path", ["/v1/models", "/v1/users/keys", "/v2", "/v2/models/eco-credit"])
def test_no_programs_interface_takes_the_cookie_a_browser_sends_by_itself(bank: Bank, path: str) -> None:
    entered = bank.post("/login", urlencode({"key": bank.key(Role.ADMIN)}).encode(), **FORM)
    assert bank.get(path, cookie=entered.headers["set-cookie"].partition(";")[0]).status_code == 401


@pytest.mark.parametrize(
    "header", ["x_forwarded_host", "x_forwarded_proto", "x_forwarded", "x_client_ip", "true_client_ip"]
)
def test_an_open_service_is_not_open_to_those_behind_a_proxy_that_says_little(tmp_path: Path, header: str) -> None:
    with Bank(tmp_path / "home") as bank:
        bank.client.state.settings = closed(tmp_path / "home").model_copy(update={"access": "open"})
        assert bank.get("/v1/models").status_code == 200
        assert bank.get("/v1/models", **{header: "x"}).status_code == 401


# ---- keys ----------------------------------------------------------------------------------------------


def test_the_time_of_a_refusal_does_not_tell_which_keys_there_are(bank: Bank) -> None:
    """Unknown identifiers are compared with a key that nobody holds, by the same functions."""
    key = bank.key(Role.AUDITOR)
    known, unknown = f"{key[:21]}{'A' * 43}", f"eck_{'0' * 16}_{'A' * 43}"
    assert key_id_of(known) and key_id_of(unknown)
    gate = bank.client.state.gate

    def seconds(text: str) -> float:
        begun = time.perf_counter()
        assert bank.client._loop.run(gate._holder(text)) is None
        return time.perf_counter() - begun

    for _ in range(200):  # what was written a moment ago is read again; afterwards it is not
        seconds(known), seconds(unknown)
    time.sleep(0.15)
    pairs = [(seconds(known), seconds(unknown)) for _ in range(1500)]
    first, second = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert abs(first - second) < 0.25 * max(first, second)


@pytest.mark.parametrize(
    "near",
    [lambda k: k.upper(), lambda k: k[:-1], lambda k: k + "A", lambda k: f" {k}x", lambda k: k.replace("eck_", "ECK_"),
     lambda k: k.replace("_", "-", 1), lambda k: k[:4] + k[4:20].upper() + k[20:], lambda k: k + "\u200b",
     lambda k: k[:30] + "\u0430" + k[31:], lambda k: "eck_" + "\u0660" * 16 + k[20:]],
)  # fmt: skip
def test_what_looks_like_a_key_is_none(bank: Bank, near: Any) -> None:
    key = bank.key(Role.AUDITOR)
    text = near(key)
    if text == key:
        pytest.skip("the key has no letter that changes")
    headers = [(b"authorization", b"Bearer " + text.encode("utf-8"))]
    assert raw(bank, "/v1/models", headers).status_code == 401
    assert bank.post("/login", urlencode({"key": text}).encode(), **FORM).status_code == 401


@pytest.mark.parametrize("length", [300, 9_000, 200_000])
def test_a_very_long_credential_is_refused_like_any_other(bank: Bank, length: int) -> None:
    for text in ("x" * length, "eck_" + "0" * length, ("e30." * (length // 4))[:length]):
        assert raw(bank, "/v1/models", [(b"authorization", b"Bearer " + text.encode())]).status_code == 401
        assert bank.get("/", cookie=f"__Host-eco_credit={text}").status_code == 303
        assert bank.post("/login", urlencode({"key": text}).encode(), **FORM).status_code == 401


def test_a_key_that_ends_while_it_is_kept_in_memory_is_refused_from_that_moment(bank: Bank) -> None:
    key = bank.key(Role.AUDITOR, hours=1)
    entered = bank.post("/login", urlencode({"key": key}).encode(), **FORM)
    cookie = entered.headers["set-cookie"].partition(";")[0]
    bank.client.wait(0.4)  # until the last use was noted and the file is at rest
    assert [bank.get("/v1/models", key).status_code, bank.get("/", cookie=cookie).status_code] == [200, 200]
    assert bank.client.state.gate.book.fresh()  # from now on from memory
    bank.client.state.clock.now += timedelta(hours=1)
    assert [bank.get("/v1/models", key).status_code, bank.get("/", cookie=cookie).status_code] == [401, 303]


def test_a_key_revoked_by_another_process_is_refused_at_the_next_request(bank: Bank) -> None:
    key = bank.key(Role.AUDITOR)
    entered = bank.post("/login", urlencode({"key": key}).encode(), **FORM)
    cookie = entered.headers["set-cookie"].partition(";")[0]
    bank.client.wait(0.4)
    assert bank.get("/v1/models", key).status_code == 200 and bank.client.state.gate.book.fresh()
    bank.book.end(key.split("_")[1], why="revoked", at=bank.now, now=bank.now)  # another book on the same file
    assert [bank.get("/v1/models", key).status_code, bank.get("/", cookie=cookie).status_code] == [401, 303]


def test_a_revoked_key_that_got_in_before_is_counted_like_a_guess(tmp_path: Path) -> None:
    with Bank(tmp_path / "home", failed_logins_per_minute=3) as bank:
        key = bank.key(Role.AUDITOR)
        assert bank.get("/v1/models", key).status_code == 200
        bank.book.end(key.split("_")[1], why="revoked", at=bank.now, now=bank.now)
        assert [bank.get("/v1/models", key).status_code for _ in range(3)] == [401] * 3
        assert bank.get("/v1/models", f"eck_{'0' * 16}_{'A' * 43}").status_code == 429


# ---- tokens --------------------------------------------------------------------------------------------


def test_a_token_let_in_while_the_keys_are_replaced_is_not_remembered(tmp_path: Path) -> None:
    """The check ran with the old keys; what it found must not stay beside the new ones."""
    login = LoginSettings(**issuer_of(tmp_path))

    class Replaced(Tokens):
        def _claims(self, text: str, now: float) -> dict[str, Any]:
            found = super()._claims(text, now)
            (tmp_path / "jwks.json").write_text(jwks(hmac_jwk(bytes(range(32, 64)), kid="k2")))
            self.refresh()
            return found

    now, tokens = datetime(2026, 11, 25, tzinfo=UTC), Replaced(login)
    text = token(claims_of(now))
    assert tokens.principal(text, now).user == "wang"
    with pytest.raises(TokenRefused):
        tokens.principal(text, now)


def test_what_a_token_says_twice_counts_as_the_signer_meant_it_last(bank: Bank) -> None:
    """One reader for header and claims: nothing checks the first and uses the second."""
    claims = part(claims_of(bank.now))
    text = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)).decode()
    both = text[:-1] + ', "exp": 1, "iat": 0}'
    header = {"alg": "HS256", "kid": "k1", "typ": "JWT"}

    def signed(head: str, body: str) -> str:
        told = f"{part(head.encode())}.{part(body.encode())}"
        return f"{told}.{part(hmac.digest(HMAC_KEY, told.encode(), 'sha256'))}"

    assert bank.get("/v1/models", signed(json.dumps(header), text)).status_code == 200
    assert bank.get("/v1/models", signed(json.dumps(header), both)).status_code == 401
    for twice in ('{"alg": "HS256", "kid": "k1", "typ": "JWT", "alg": "none"}',
                  '{"alg": "none", "kid": "k1", "typ": "JWT", "kid": "other", "alg": "HS256"}'):  # fmt: skip
        assert bank.get("/v1/models", signed(twice, text)).status_code == 401


@pytest.mark.parametrize(
    "name", ["b\u0430nk-a", "bank-a\u200b", "ｂank-a", "bank-a\u0000", "BANK-A", "bank-a ", "../bank-a"]
)
def test_a_name_that_only_looks_like_a_tenant_is_none(bank: Bank, name: str) -> None:
    assert bank.get("/v1/models", token(claims_of(bank.now, tenant=name))).status_code == 401
    assert bank.get("/v1/models", token(claims_of(bank.now, sub=name))).status_code == 401


def test_an_administrator_by_token_is_nothing_beside(bank: Bank) -> None:
    text = token(claims_of(bank.now, roles=["admin", "loan_officer", "auditor"]))
    assert bank.get("/v1/users/keys", text).status_code == 200
    assert bank.get("/v1/decisions", text).status_code == 403
    assert bank.get("/v1/audit/chain", text).status_code == 403


def test_a_role_taken_away_at_the_issuer_is_gone_with_the_next_token_and_the_old_one_ends_by_itself(bank: Bank) -> None:
    old = token(claims_of(bank.now, roles=["auditor"]))
    new = token(claims_of(bank.now, roles=[], jti="t-2"))
    assert [bank.get("/v1/decisions", one).status_code for one in (old, new)] == [200, 403]
    bank.client.state.clock.now += timedelta(seconds=3600 + 31)  # no token lives longer than an hour
    assert bank.get("/v1/decisions", old).status_code == 401
