"""Shapes of what goes in and out about keys and logins."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from serving.access.office import MOST_GRACE
from serving.routes.answers import Shape
from serving.routes.shapes import Day, Strict

_Role = Literal["loan_officer", "risk_modeller", "approver", "guarantee_agency", "auditor", "admin"]


class NewKey(Strict):
    """A key to be made for a user of the caller's tenant."""

    user: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="The user; not a person's full name")]
    roles: Annotated[list[_Role], Field(min_length=1, max_length=6, description="`admin` stands alone")]
    expires: Annotated[Day | None, Field(description="Last day it is taken, in Beijing; without one it has no end")] = (
        None
    )


class Rotation(Strict):
    """How a key is to be replaced."""

    grace_hours: Annotated[int, Field(ge=0, le=MOST_GRACE, description="Hours the old key is still taken")] = 24


class KeyAnswer(Shape):
    """A key as it is kept: never the key itself."""

    key_id: str
    tenant: str
    user: str
    roles: list[_Role]
    made_at: Annotated[dt.datetime, Field(description="UTC, ISO 8601")]
    ends_at: Annotated[dt.datetime | None, Field(description="From then on it is refused")]
    state: Literal["live", "expires", "revoked", "rotated"]
    ends_by: Literal["expires", "revoked", "rotated"] | None
    last_used_at: Annotated[dt.datetime | None, Field(description="To about an hour; null when it is not known")]


class LoginAnswer(Shape):
    """A login on the web page that the login service vouched for."""

    login_id: str
    user: str
    roles: list[_Role]
    made_at: dt.datetime
    ends_at: dt.datetime


class KeyList(Shape):
    """Keys ever made for the caller's tenant, and logins by the login service that last."""

    keys: list[KeyAnswer]
    logins: list[LoginAnswer]


class MadeKey(KeyAnswer):
    """A key that was made, shown once."""

    key: Annotated[str, Field(description="The key itself; it is kept nowhere and never shown again")]
    replaces: Annotated[KeyAnswer | None, Field(description="The old key, where one was rotated")] = None


class EndedLogin(Shape):
    """A login that was ended."""

    login_id: str
    ended: Literal[True]
