"""A service that knows a login service, a browser's cookies, and what a page says when nobody gets in."""

from __future__ import annotations

from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from api_users import Bank, part
from oidc_issuer import CLIENT, SECRET, LoginService
from test_pages import Checked

from eco_credit.reports.page import words

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


def unsigned(claims: dict[str, Any], header: dict[str, Any]) -> str:
    """A token that says it needs no signature."""
    return f"{part({'alg': 'none'} | header)}.{part(claims)}."
