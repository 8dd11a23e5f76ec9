"""Logging in by the bank's login service: its tokens and keys, and when it is away or lies about itself."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from api_users import part, token
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from oidc_desk import Desk, let_nobody_in, session_of, unsigned
from oidc_issuer import CLIENT, KEY, OTHER, SECRET, public

from serving.access import issuer as issuer_room

pytest.importorskip("authlib", reason="needs the extra oidc")


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


def _hmac_with(secret: bytes) -> Callable[[dict[str, Any], dict[str, Any]], str]:
    return lambda claims, header: token(claims, secret, **header)


PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "sign",
    [
        unsigned,
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
