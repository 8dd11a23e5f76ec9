"""Settings of logging in, read from the environment as ``ECO_CREDIT_*`` like those of the service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LoginSettings(BaseSettings):
    """How callers are known.

    Attributes:
        jwt_keys: JWKS file with the keys of the token issuer, or None: no token is taken. Nothing is fetched.
        jwt_issuer: the only ``iss`` taken.
        jwt_audience: what ``aud`` must name.
        jwt_user_claim: claim with the user's name.
        jwt_tenant_claim: claim with the tenant; dots lead into nested claims.
        jwt_roles_claim: claim with the roles, a list or words in one text; dots lead into nested claims.
        jwt_max_seconds: longest life of a token (``exp`` less ``iat``), seconds.
        jwt_leeway_seconds: how far the issuer's clock may be off, seconds.
        session_minutes: longest life of a login on the web page, minutes.
        failed_logins_per_minute: refused credentials of one peer, after which it has to wait.
        oidc_issuer: address of the bank's login service (OpenID Connect), or None: the page takes keys only.
        oidc_client_id: name under which this service is known there.
        oidc_client_secret_file: file with the secret it shows there, one line.
        oidc_redirect_path: path of this service that the login service sends a browser back to.
        oidc_algorithms: signature algorithms of ID tokens that are taken, words in one text.
        oidc_scope: what is asked for, words in one text; ``openid`` among them. Claims are named by ``jwt_*_claim``.
        access_log: file for the lines about who read what, or None: standard error.
    """

    model_config = SettingsConfigDict(env_prefix="ECO_CREDIT_", extra="ignore", frozen=True)

    jwt_keys: Path | None = None
    jwt_issuer: str | None = Field(None, min_length=1)
    jwt_audience: str | None = Field(None, min_length=1)
    jwt_user_claim: str = Field("sub", min_length=1)
    jwt_tenant_claim: str = Field("tenant", min_length=1)
    jwt_roles_claim: str = Field("roles", min_length=1)
    jwt_max_seconds: int = Field(3600, ge=60, le=86_400)
    jwt_leeway_seconds: int = Field(30, ge=0, le=120)
    session_minutes: int = Field(480, ge=1, le=1440)
    failed_logins_per_minute: int = Field(10, ge=1, le=10_000)
    oidc_issuer: str | None = Field(None, min_length=1, max_length=300)
    oidc_client_id: str | None = Field(None, min_length=1, max_length=200)
    oidc_client_secret_file: Path | None = None
    oidc_redirect_path: str = Field("/login/oidc/callback", pattern=r"^/login/[a-z0-9][a-z0-9/_-]{0,62}$")
    oidc_algorithms: str = Field("RS256 PS256 ES256", max_length=200)
    oidc_scope: str = Field("openid", max_length=300, pattern=r"^[\x21\x23-\x5b\x5d-\x7e ]+$")
    access_log: Path | None = None
