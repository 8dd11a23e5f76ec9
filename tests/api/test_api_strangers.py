"""Whatever a stranger sends as key, token or cookie, the answer is a plain refusal: no entry, no failure."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator

import pytest
from api_users import HMAC_KEY, Bank, claims_of, issuer_of, part, token
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.access import Role
from serving.access.keys import NAME

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEADER_BYTES = st.binary(max_size=300).map(lambda raw: raw.translate(None, b"\r\n\x00"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
CLAIMS = ("iss", "aud", "sub", "jti", "tenant", "iat", "exp", "nbf")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    folder = tmp_path_factory.mktemp("strangers")
    with Bank(folder / "home", web=True, failed_logins_per_minute=10_000, **issuer_of(folder)) as one:
        yield one


def send(bank: Bank, path: str, **headers: bytes) -> int:
    """The status of a request with raw headers."""
    client = bank.client
    raw = [(name.encode(), value) for name, value in headers.items()]
    return client._loop.run(client._http.get(path, headers=raw)).status_code


@QUICK
@given(raw=HEADER_BYTES, scheme=st.sampled_from([b"", b"Bearer ", b"bearer  ", b"Bearer eck_", b"Basic ", b"Bearer\t"]))
def test_any_bytes_as_credentials_are_refused(bank: Bank, raw: bytes, scheme: bytes) -> None:
    assert send(bank, "/v1/models", authorization=scheme + raw) == 401


@QUICK
@given(raw=HEADER_BYTES)
def test_any_bytes_as_a_cookie_lead_to_the_login(bank: Bank, raw: bytes) -> None:
    for name in (b"__Host-eco_credit=", b"eco_credit=", b""):
        assert send(bank, "/", cookie=name + raw) == 303


@QUICK
@given(header=JSON, claims=JSON, signature=st.binary(max_size=40))
def test_any_three_parts_are_refused(bank: Bank, header: object, claims: object, signature: bytes) -> None:
    text = f"{part(header)}.{part(claims)}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
    assert send(bank, "/v1/models", authorization=b"Bearer " + text.encode()) == 401


@QUICK
@given(name=st.sampled_from(CLAIMS), value=JSON)
def test_a_signed_token_with_any_one_claim_replaced_is_refused_or_means_the_same(
    bank: Bank, name: str, value: object
) -> None:
    """Signed by the issuer itself: what is left to go wrong is how the service reads a claim."""
    good = claims_of(bank.now)
    status = send(bank, "/v1/models", authorization=f"Bearer {token(good | {name: value})}".encode())
    harmless = {
        "jti": isinstance(value, str) and value != "",
        "sub": isinstance(value, str) and NAME.fullmatch(value) is not None,
        "tenant": isinstance(value, str) and NAME.fullmatch(value) is not None,
        "nbf": isinstance(value, int | float) and not isinstance(value, bool),
    }
    assert status == 401 or (status == 200 and harmless.get(name, False))


@QUICK
@given(header=st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "jku", "b64", "zip"]), JSON, max_size=4))
def test_a_right_signature_under_any_header_is_refused_unless_it_is_ours(bank: Bank, header: dict[str, object]) -> None:
    body = f"{part(header)}.{part(claims_of(bank.now))}"
    text = f"{body}.{part(hmac.digest(HMAC_KEY, body.encode(), 'sha256'))}"
    assert send(bank, "/v1/models", authorization=b"Bearer " + text.encode()) == 401
    assert json.loads(base64.urlsafe_b64decode(part(header) + "==")) == header


@QUICK
@given(roles=JSON)
def test_any_roles_claim_gives_our_roles_or_none(bank: Bank, roles: object) -> None:
    named = roles.split() if isinstance(roles, str) else roles if isinstance(roles, list) else []
    ours = any(isinstance(one, str) and one in {role.value for role in Role} for one in named)
    text = token(claims_of(bank.now) | {"roles": roles})
    assert send(bank, "/v1/models", authorization=f"Bearer {text}".encode()) == (200 if ours else 403)
