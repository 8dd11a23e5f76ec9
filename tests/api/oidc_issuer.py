"""A small login service (OpenID Connect provider) on this machine: real pages, codes, PKCE, keys and signatures."""

from __future__ import annotations

import base64
import json
import secrets
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "eco-desk", "a client secret: 100% +/="
KEY = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)


def public(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """The public part of an RSA key as JWK; None takes a member away."""
    found = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    found = {n: v for n, v in found.items() if n != "key_ops"} | {"kid": kid, "use": "sig", "alg": "RS256"} | more
    return {n: v for n, v in found.items() if v is not None}


class LoginService:
    """The provider behind a real server in a thread of this process.

    Attributes:
        claims: of the user who logs in, beside the usual ones; None takes one away.
        header: of the next ID tokens.
        sign: makes an ID token of claims and header, when it is not to be the usual one.
        document: what its discovery document says otherwise.
        jwks: its keys.
        asked: paths that were asked for, in order.
        broken: it answers 500 to everything.
        careless: it gives tokens for a code more than once.
        by_form: it wants the client's secret in the form.
        now: its clock.
    """

    def __init__(self, now: Callable[[], datetime], *, tls: tuple[Path, Path] | None = None) -> None:
        """Get ready; with the files of a certificate for localhost and its key it speaks TLS."""
        self.now = now
        self.claims: dict[str, Any] = {"sub": "wang", "tenant": "bank-a", "roles": ["loan_officer"]}
        self.header: dict[str, Any] = {"kid": "k1"}
        self.sign: Callable[[dict[str, Any], dict[str, Any]], str] = lambda c, h: jwt.encode(c, KEY, "RS256", headers=h)
        self.document: dict[str, Any] = {}
        self.jwks = [public(KEY, "k1")]
        self.asked: list[str] = []
        self.broken, self.by_form, self.careless = False, False, False
        self._codes: dict[str, dict[str, str]] = {}
        paths = {
            "/.well-known/openid-configuration": self._said, "/jwks": self._keys, "/authorize": self._authorize,
            "/agree": self._agree, "/token": self._token, "/end": self._end,
        }  # fmt: skip
        made = [Route(path, self._watched(one), methods=["GET", "POST"]) for path, one in paths.items()]
        self._socket = socket.create_server(("127.0.0.1", 0))
        port = self._socket.getsockname()[1]
        self.address = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        files = {"ssl_certfile": str(tls[0]), "ssl_keyfile": str(tls[1])} if tls else {}
        self._server = uvicorn.Server(uvicorn.Config(Starlette(routes=made), log_level="error", **files))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Go away."""
        self._server.should_exit = True
        self._thread.join(timeout=10)

    # ---- what a person does there ------------------------------------------------------------------

    def agree(self, address: str, **changed: str) -> str:
        """Log in there as a browser would, on the page it was sent to; the address the browser is sent back to."""
        asked = dict(parse_qsl(urlsplit(address).query)) | changed
        page = httpx.get(f"{self.address}/authorize?{urlencode(asked)}", verify=False)
        assert page.status_code == 200, page.text
        sent = httpx.get(f"{self.address}/agree?{urlencode(asked)}", verify=False)
        assert sent.status_code == 302, sent.text
        return sent.headers["location"]

    def cancel(self, address: str, error: str = "access_denied") -> str:
        """Refuse on that page; the address the browser is sent back to."""
        return httpx.get(f"{self.address}/agree?{urlsplit(address).query}&no={error}", verify=False).headers["location"]

    # ---- pages -------------------------------------------------------------------------------------

    def _watched(self, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def watched(request: Request) -> Response:
            self.asked.append(request.url.path)
            return Response("broken", 500) if self.broken else await answer(request)

        return watched

    async def _said(self, _: Request) -> Response:
        said = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
            "end_session_endpoint": f"{self.address}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        } | self.document
        return JSONResponse({name: value for name, value in said.items() if value is not None})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": self.jwks})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        wanted = {"client_id": CLIENT, "response_type": "code", "code_challenge_method": "S256"}
        if asked | wanted != asked or not {"state", "nonce", "code_challenge", "redirect_uri"} <= set(asked):
            return Response("not a request of OpenID Connect with PKCE", 400)
        fields = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in asked.items())
        return HTMLResponse(
            f'<link rel="icon" href="data:,"><h1>Bank login</h1><form action="/agree">{fields}<button>Agree</button>'
            '<button name="no" value="access_denied">Cancel</button></form>'
        )

    async def _agree(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if "no" in asked:
            back = {"error": asked["no"], "state": asked["state"]}
        else:
            code = secrets.token_urlsafe(16)
            self._codes[code] = asked
            back = {"code": code, "state": asked["state"], "iss": self.address}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def _token(self, request: Request) -> Response:
        form = {n: v[0] for n, v in parse_qs((await request.body()).decode()).items()}
        basic = f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"
        shown = request.headers.get("authorization"), form.get("client_id"), form.get("client_secret")
        if shown != ((None, CLIENT, SECRET) if self.by_form else (basic, None, None)):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self._codes.get(form.get("code", ""))
        if not self.careless:
            self._codes.pop(form.get("code", ""), None)  # a code is good once
        proof = sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        if (
            asked is None
            or challenge != asked["code_challenge"]
            or form.get("redirect_uri") != asked["redirect_uri"]
            or form.get("grant_type") != "authorization_code"
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(self._tokens(asked))

    def _tokens(self, asked: dict[str, str]) -> dict[str, Any]:
        at, access = int(self.now().timestamp()), secrets.token_urlsafe(16)
        half = sha256(access.encode()).digest()[:16]
        claims = {
            "iss": self.address, "aud": CLIENT, "iat": at, "exp": at + 300, "nonce": asked["nonce"],
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return {
            "access_token": access, "token_type": "Bearer", "expires_in": 300,
            "id_token": self.sign(claims, dict(self.header)),
        }  # fmt: skip

    async def _end(self, request: Request) -> Response:
        known = request.query_params.get("client_id") == CLIENT
        going = escape(request.query_params.get("post_logout_redirect_uri", ""))
        return HTMLResponse(
            f'<link rel="icon" href="data:,"><h1>Logged out at the bank: {known}</h1><a href="{going}">Back</a>'
        )
