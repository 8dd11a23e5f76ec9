"""Bearer tokens: only what the issuer signed, for us, in its time; and never a word about why not."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest
from api_service import body_of
from api_users import AUDIENCE, HMAC_KEY, ISSUER, Bank, claims_of, closed, hmac_jwk, issuer_of, jwks, part, token
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from eco_credit.core.errors import ContractError
from serving.access.settings import LoginSettings
from serving.access.tokens import Tokens, read_jwks
from serving.app import create_app

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def public_jwk(key: Any, alg: str, kid: str) -> dict[str, Any]:
    """A public key as JWK."""
    kinds = jwt.algorithms
    made = {"RS256": kinds.RSAAlgorithm, "ES256": kinds.ECAlgorithm, "EdDSA": kinds.OKPAlgorithm}
    found: dict[str, Any] = json.loads(made[alg].to_jwk(key.public_key()))
    return {n: v for n, v in found.items() if n != "key_ops"} | {"alg": alg, "kid": kid}


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    keys = [hmac_jwk(), public_jwk(RSA, "RS256", "rsa"), public_jwk(EC, "ES256", "ec"), public_jwk(ED, "EdDSA", "ed")]
    with Bank(tmp_path / "home", failed_logins_per_minute=1000, **issuer_of(tmp_path / "sso", *keys)) as one:
        yield one


def status(bank: Bank, text: str) -> int:
    """The answer to a token that an officer would be let in with."""
    return bank.get("/v1/models", text).status_code


def test_a_good_token_lets_its_user_in_with_its_roles_and_no_more(bank: Bank) -> None:
    good = token(claims_of(bank.now))
    assert status(bank, good) == 200
    assert bank.post("/v1/scores", body_of({"amount": 4}), good, idempotency_key="k").status_code == 200
    reader = token(claims_of(bank.now, roles=["auditor"], jti="t-2"))
    assert bank.post("/v1/scores", body_of({"amount": 4}), reader, idempotency_key="k").status_code == 403


@pytest.mark.parametrize(("kid", "key", "alg"), [("rsa", RSA, "RS256"), ("ec", EC, "ES256"), ("ed", ED, "EdDSA")])
def test_public_keys_of_the_usual_kinds_are_taken(bank: Bank, kid: str, key: Any, alg: str) -> None:
    assert status(bank, token(claims_of(bank.now), key, alg=alg, kid=kid)) == 200


@pytest.mark.parametrize("missing", ["exp", "iat", "iss", "aud", "sub", "jti", "tenant"])
def test_a_token_without_a_claim_that_must_be_there_is_refused(bank: Bank, missing: str) -> None:
    assert status(bank, token(claims_of(bank.now, **{missing: None}))) == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://login.bank.example.evil"}, {"iss": [ISSUER]}, {"aud": "other"}, {"aud": []}, {"aud": {"a": 1}},
        {"sub": 7}, {"sub": ""}, {"sub": "Wang"}, {"sub": "a/../b"}, {"sub": "x" * 64}, {"jti": 7}, {"jti": ""},
        {"tenant": "Bank A"}, {"tenant": ["bank-a"]}, {"tenant": ""}, {"tenant": "bank-a\n"},
        {"exp": "soon"}, {"exp": True}, {"exp": 1e300}, {"iat": "now"}, {"nbf": "x"}, {"nbf": []}, {"exp": [1]},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_for_somebody_else_or_with_a_claim_of_another_kind_is_refused(
    bank: Bank, changed: dict[str, Any]
) -> None:
    assert status(bank, token(claims_of(bank.now, **changed))) == 401


def test_a_token_counts_in_its_time_only(bank: Bank) -> None:
    at = int(bank.now.timestamp())
    for times, wanted in [
        ({"iat": at - 700, "exp": at - 60}, 401),  # over for longer than the 30 s the clocks may differ
        ({"iat": at - 700, "exp": at - 20}, 200),
        ({"iat": at + 60, "exp": at + 600}, 401),  # not yet made
        ({"nbf": at + 60}, 401),
        ({"nbf": at + 20}, 200),
        ({"iat": at, "exp": at + 3600}, 200),
        ({"iat": at, "exp": at + 3601}, 401),  # lives longer than an hour
        ({"iat": at, "exp": at - 1}, 401),  # ends before it begins
    ]:
        assert status(bank, token(claims_of(bank.now, **times))) == wanted, times


def test_a_token_that_was_good_is_refused_once_it_has_ended(bank: Bank) -> None:
    good = token(claims_of(bank.now))
    assert [status(bank, good), status(bank, good)] == [200, 200]
    bank.client.state.clock.now += timedelta(seconds=600 + 31)
    assert status(bank, good) == 401


@pytest.mark.parametrize("alg", ["none", "None", "HS384", "RS256", "ES256", ""])
def test_another_algorithm_than_the_keys_own_is_refused(bank: Bank, alg: str) -> None:
    body = f"{part({'alg': alg, 'kid': 'k1', 'typ': 'JWT'})}.{part(claims_of(bank.now))}"
    signed = part(hmac.new(HMAC_KEY, body.encode(), sha256).digest())
    for signature in ("", signed):
        assert status(bank, f"{body}.{signature}") == 401


def test_a_public_key_does_not_serve_as_an_hmac_secret(bank: Bank) -> None:
    pem = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    body = f"{part({'alg': 'HS256', 'kid': 'rsa', 'typ': 'JWT'})}.{part(claims_of(bank.now))}"
    assert status(bank, f"{body}.{part(hmac.new(pem, body.encode(), sha256).digest())}") == 401


@pytest.mark.parametrize(
    "header",
    [
        {"kid": None}, {"kid": "other"}, {"kid": "../k1"}, {"typ": None}, {"typ": "JWE"}, {"typ": "secevent+jwt"},
        {"crit": ["exp"]}, {"b64": False, "crit": ["b64"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_that_is_not_ours_is_refused(bank: Bank, header: dict[str, Any]) -> None:
    assert status(bank, token(claims_of(bank.now), **header)) == 401


def test_a_key_or_an_address_in_the_header_is_not_used(bank: Bank) -> None:
    mine = b"attacker-attacker-attacker-attacker"
    for header in ({"jwk": hmac_jwk(mine)}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/c"}):
        assert status(bank, token(claims_of(bank.now), mine, **header)) == 401
        assert status(bank, token(claims_of(bank.now), HMAC_KEY, **header)) == 200


def test_a_token_changed_in_any_byte_is_refused(bank: Bank) -> None:
    good = token(claims_of(bank.now))
    for place in range(0, len(good) - 1, 7):  # the last character holds bits that no byte uses
        letter = "A" if good[place] != "A" else "B"
        assert status(bank, good[:place] + letter + good[place + 1 :]) == 401, place


@pytest.mark.parametrize(
    "text",
    ["a.b.c", "..", "." * 5000, "x" * 8192, "a" * 20_000, "e30.e30.e30", part({"alg": "HS256"}) + ".e30.", "中"],
    ids=lambda text: text[:9],
)  # fmt: skip
def test_what_is_no_token_is_refused(bank: Bank, text: str) -> None:
    raw = {"authorization": f"Bearer {text}".encode()}
    answer = bank.client._loop.run(bank.client._http.get("/v1/models", headers=raw))
    assert answer.status_code == 401


def test_nested_arrays_without_end_are_refused(bank: Bank) -> None:
    deep = ("[" * 1500 + "]" * 1500).encode()
    assert status(bank, f"{part({'alg': 'HS256', 'kid': 'k1', 'typ': 'JWT'})}.{part(deep)}.e30") == 401


def test_refusals_do_not_say_why(bank: Bank) -> None:
    at = int(bank.now.timestamp())
    bad = [
        token(claims_of(bank.now, exp=at - 300, iat=at - 400)), token(claims_of(bank.now, aud="x")),
        token(claims_of(bank.now), b"y" * 32), token(claims_of(bank.now), kid="zz"), "a.b.c",
    ]  # fmt: skip
    answers = [bank.get("/v1/models", one, x_request_id="r") for one in bad]
    assert {(a.status_code, a.content) for a in answers} == {(401, answers[0].content)}


@pytest.mark.parametrize("roles", [[], ["root"], "root admin_", None, {"admin": 1}, [["admin"]], [1], 7])
def test_unknown_roles_count_for_nothing_and_none_at_all_is_forbidden(bank: Bank, roles: Any) -> None:
    claims = claims_of(bank.now) | {"roles": roles}
    assert status(bank, token({n: v for n, v in claims.items() if v is not None})) == 403


@pytest.mark.parametrize("roles", ["auditor root", ["root", "auditor"], "auditor"])
def test_known_roles_among_others_count(bank: Bank, roles: Any) -> None:
    assert status(bank, token(claims_of(bank.now) | {"roles": roles})) == 200


def test_claims_are_found_under_the_names_of_the_issuer(tmp_path: Path) -> None:
    names = {"jwt_tenant_claim": "https://bank.example/org", "jwt_roles_claim": "realm_access.roles",
             "jwt_user_claim": "preferred_username"}  # fmt: skip
    with Bank(tmp_path / "home", **issuer_of(tmp_path), **names) as bank:
        claims = claims_of(bank.now, tenant=None, sub="3f2A/9", preferred_username="li") | {
            "https://bank.example/org": "bank-c", "realm_access": {"roles": ["auditor"]}, "roles": None,
        }  # fmt: skip
        assert status(bank, token(claims)) == 200


def test_without_an_issuer_no_token_is_taken(tmp_path: Path) -> None:
    with Bank(tmp_path / "home") as bank:
        assert status(bank, token(claims_of(bank.now))) == 401


def test_new_keys_of_the_issuer_are_taken_over_and_a_broken_file_is_not(tmp_path: Path) -> None:
    with Bank(tmp_path / "home", **issuer_of(tmp_path)) as bank:
        file, new = tmp_path / "jwks.json", bytes(range(32, 64))
        old_token, new_token = token(claims_of(bank.now)), token(claims_of(bank.now), new, kid="k2")
        assert [status(bank, one) for one in (old_token, new_token)] == [200, 401]
        file.write_text("{")
        bank.client.wait(0.3)
        assert status(bank, old_token) == 200
        file.write_text(jwks(hmac_jwk(new, kid="k2")))
        bank.client.wait(0.3)
        assert [status(bank, one) for one in (old_token, new_token)] == [401, 200]


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ([hmac_jwk(bytes(31))], "32 bytes"),
        ([hmac_jwk(bytes(47), alg="HS384")], "as long as its hash"),
        ([hmac_jwk() | {"alg": "none"}], "algorithm"),
        ([hmac_jwk() | {"alg": None}], "algorithm"),
        ([hmac_jwk() | {"alg": "RS256"}], "algorithm"),
        ([hmac_jwk() | {"use": "enc"}], "signatures"),
        ([hmac_jwk() | {"kid": None}], "kid"),
        ([hmac_jwk(), hmac_jwk()], "kid"),
        ([public_jwk(RSA, "RS256", "r") | {"alg": "HS256"}], "algorithm"),
        ([public_jwk(RSA, "RS256", "r") | {"d": "AQAB"}], "private"),
        ([public_jwk(rsa.generate_private_key(65537, 1024), "RS256", "r")], "2048"),
        ([public_jwk(EC, "ES256", "r") | {"x": "AA"}], "read"),
        ([], "JWKS"),
        (["text"], "JWKS"),
    ],
)
def test_a_key_file_that_would_weaken_the_check_stops_the_start(tmp_path: Path, keys: list[Any], rule: str) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": keys}))
    with pytest.raises(ContractError) as refused:
        create_app(closed(tmp_path, jwt_keys=tmp_path / "jwks.json", jwt_issuer=ISSUER, jwt_audience=AUDIENCE))
    assert rule in refused.value.violations[0].en


@pytest.mark.parametrize("missing", ["jwt_issuer", "jwt_audience"])
def test_keys_without_an_issuer_or_an_audience_stop_the_start(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ContractError, match="issuer"):
        Tokens(LoginSettings(**(issuer_of(tmp_path) | {missing: None})))


def test_a_file_that_is_not_there_or_no_json_is_refused(tmp_path: Path) -> None:
    for text in (None, "", "[]", '{"keys": 1}', "\x00"):
        if text is not None:
            (tmp_path / "j").write_text(text)
        with pytest.raises(ContractError):
            read_jwks(tmp_path / "j")


def test_settings_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECO_CREDIT_JWT_KEYS", str(tmp_path / "j"))
    monkeypatch.setenv("ECO_CREDIT_SESSION_MINUTES", "30")
    found = closed(tmp_path)
    assert (found.login.jwt_keys, found.login.session_minutes) == (tmp_path / "j", 30)
