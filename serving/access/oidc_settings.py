"""The settings of the login service: complete, and none that would let more in than is meant."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from eco_credit.core.errors import ContractError, Violation
from serving.access.issuer import IssuerAway, acceptable
from serving.access.settings import LoginSettings

_ASYMMETRIC = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}


def client_secret(settings: LoginSettings) -> str:
    """What this service shows at the login service; read each time, so that it can be changed.

    Raises:
        IssuerAway: there is none.
    """
    try:
        text = (settings.oidc_client_secret_file or Path()).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise IssuerAway from error
    if not text:
        raise IssuerAway
    return text


def check(settings: LoginSettings) -> None:
    """Refuse settings that are not complete, or that would let more in than is meant."""

    def refuse(name: str, rule: str, en: str, zh: str) -> None:
        raise ContractError([Violation(f"ECO_CREDIT_OIDC_{name}", rule, en, zh)])

    issuer = settings.oidc_issuer or ""
    if not acceptable(issuer) or "?" in issuer:
        refuse("ISSUER", "https", "give the https address of the login service", "须为登录服务的 https 地址")
    if not settings.oidc_client_id:
        refuse("CLIENT_ID", "required", "name this service as the login service knows it", "须填写本服务的客户端标识")
    try:
        client_secret(settings)
    except IssuerAway:
        refuse("CLIENT_SECRET_FILE", "file", "name a file with the client secret", "须指明客户端密钥文件")
    chosen = frozenset(settings.oidc_algorithms.split())
    if not chosen or not chosen <= _ASYMMETRIC:
        refuse("ALGORITHMS", "code", "only algorithms with a public key are taken", "只接受公钥签名算法")
    if "openid" not in settings.oidc_scope.split():
        refuse("SCOPE", "openid", "the scope must hold openid", "scope 须包含 openid")
    if settings.oidc_redirect_path == "/login/oidc":
        refuse("REDIRECT_PATH", "free", "this path is where a login begins", "该路径已用于发起登录")
    if importlib.util.find_spec("authlib") is None:
        refuse("ISSUER", "extra", "install the extra: eco-credit[oidc]", "请安装附加组件 eco-credit[oidc]")
