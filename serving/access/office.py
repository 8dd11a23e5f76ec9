"""What is done with keys, by the command line, the API and the page alike: make, list, revoke, rotate.

Whoever asks is either the operator at the command line, who keeps all tenants, or an administrator, who keeps one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from eco_credit.core.dates import BEIJING, day_of
from eco_credit.core.errors import ContractError, Violation
from serving.access.guests import Guest
from serving.access.keybook import SqlKeyBook
from serving.access.keys import NAME, Key, written
from serving.access.roles import Role

MOST_GRACE = 720
"""Longest time an old key is still taken beside its successor, hours."""


class NoSuchKey(ContractError):
    """There is no key of this identifier among those the asker keeps."""

    code = "not_found"


class KeyEnded(ContractError):
    """The key has ended, or has a successor already."""

    code = "key_state"


def _broken(field: str, rule: str, en: str, zh: str) -> list[Violation]:
    return [Violation(field, rule, en, zh)]


def name_of(field: str, text: str) -> str:
    """A name of a user or tenant, as it is.

    Raises:
        ContractError: it is none.
    """
    if not NAME.fullmatch(text):
        en = "use 1 to 63 small letters, digits, - or _, beginning with a letter or digit"
        raise ContractError(_broken(field, "pattern", en, "须为 1 至 63 位小写字母、数字、- 或 _，并以字母或数字开头"))
    return text


def end_of(day: str | None, now: dt.datetime) -> dt.datetime | None:
    """The end of a day in Beijing; None without one.

    Raises:
        ContractError: there is no such day, or it is over.
    """
    if day is None:
        return None
    try:
        end = dt.datetime.combine(day_of(day) + dt.timedelta(days=1), dt.time(), BEIJING)
    except (ValueError, OverflowError):
        en, zh = "write the day as YYYY-MM-DD", "日期请写作 YYYY-MM-DD"
        raise ContractError(_broken("expires", "date", en, zh)) from None
    if end <= now:
        raise ContractError(_broken("expires", "future", "this day is over", "该日期已过"))
    return end


def apart(roles: Iterable[Role]) -> frozenset[Role]:
    """Roles that one key may have together: who keeps the keys sees no case and moves no model.

    Raises:
        ContractError: no role at all, or the administrator's beside another.
    """
    found = frozenset(roles)
    if not found:
        raise ContractError(_broken("roles", "min_items", "give at least one role", "至少选择一个角色"))
    if Role.ADMIN in found and len(found) > 1:
        en = "who keeps the keys has no other role: make a key of its own for each"
        raise ContractError(_broken("roles", "separate", en, "管理员不得兼任其他角色，请分别生成密钥"))
    return found


def make(
    book: SqlKeyBook, user: str, *, tenant: str, roles: Iterable[Role], day: str | None, now: dt.datetime
) -> tuple[Key, str]:
    """Make a key.

    Args:
        book: where keys are kept.
        user: its user.
        tenant: bank or agency of the user.
        roles: what the user is there for.
        day: last day it is taken, ``YYYY-MM-DD`` in Beijing, or None.
        now: the moment.

    Returns:
        what is kept, and the key itself: shown now or never.

    Raises:
        ContractError: a name, the roles or the day break a rule.
        StorageUnavailable: the book cannot be written.
    """
    named, of = name_of("user", user), name_of("tenant", tenant)
    return book.add(named, tenant=of, roles=apart(roles), now=_second(now), expires=end_of(day, now))


def revoke(book: SqlKeyBook, key_id: str, *, tenant: str | None, now: dt.datetime) -> Key:
    """End a key now, and the logins made with it.

    Args:
        book: where keys are kept.
        key_id: identifier of the key.
        tenant: the tenant whose keys the asker keeps; None for all.
        now: the moment.

    Returns:
        the key as it is kept afterwards.

    Raises:
        NoSuchKey: there is none.
        KeyEnded: it has ended already.
    """
    _live(book, key_id, tenant, now)
    book.end(key_id, why="revoked", at=_second(now), now=_second(now))
    return book.read()[key_id]


def rotate(
    book: SqlKeyBook, key_id: str, *, tenant: str | None, grace_hours: int, now: dt.datetime
) -> tuple[Key, str, Key]:
    """Make a key like an older one, which is taken for some hours more.

    Args:
        book: where keys are kept.
        key_id: identifier of the old key.
        tenant: the tenant whose keys the asker keeps; None for all.
        grace_hours: how long the old key is still taken, hours.
        now: the moment.

    Returns:
        what is kept of the new key, the new key itself, and the old one as it is kept afterwards.

    Raises:
        NoSuchKey: there is none.
        KeyEnded: it has ended already, or has a successor.
        ContractError: the hours are out of bounds.
    """
    if not 0 <= grace_hours <= MOST_GRACE:
        en, zh = f"give 0 to {MOST_GRACE} hours", f"请填写 0 至 {MOST_GRACE} 小时"
        raise ContractError(_broken("grace_hours", "maximum", en, zh))
    old = _live(book, key_id, tenant, now)
    if old.why == "rotated":
        raise KeyEnded(_broken("key_id", "rotated", "this key has a successor already", "该密钥已有替换密钥"))
    made, text = book.rotate(old, until=_second(now) + dt.timedelta(hours=grace_hours), now=_second(now))
    return made, text, book.read()[key_id]


def _second(moment: dt.datetime) -> dt.datetime:
    return moment.replace(microsecond=0)


def _live(book: SqlKeyBook, key_id: str, tenant: str | None, now: dt.datetime) -> Key:
    key = book.read().get(key_id)
    if key is None or tenant not in (None, key.tenant):
        en = "there is no such key; see `users list`"
        raise NoSuchKey(_broken("key_id", "unknown", en, "没有该密钥，请用 users list 查看"))
    if not key.live(now):
        raise KeyEnded(_broken("key_id", "ended", "this key has ended already", "该密钥已经失效"))
    return key


def listed(book: SqlKeyBook, *, tenant: str | None) -> list[Key]:
    """All keys ever made, ended ones too, in the order they were made.

    Raises:
        StorageUnavailable: they cannot be read.
    """
    return [key for key in book.read().values() if tenant in (None, key.tenant)]


def shown(key: Key, now: dt.datetime, used: Mapping[str, dt.datetime] | None = None) -> dict[str, Any]:
    """A key as it may be told: never the key itself.

    Args:
        key: as it is kept.
        now: the moment.
        used: when keys were last used; None leaves that out.
    """
    said = {
        "key_id": key.key_id,
        "tenant": key.tenant,
        "user": key.user,
        "roles": sorted(key.roles),
        "made_at": written(key.made_at),
        "ends_at": None if key.ends_at is None else written(key.ends_at),
        "state": "live" if key.live(now) else key.why,
        "ends_by": key.why,
    }
    if used is None:
        return said
    at = used.get(key.key_id)
    return said | {"last_used_at": None if at is None else written(at)}


def guest_shown(guest: Guest) -> dict[str, Any]:
    """A login by the login service as it may be told."""
    return {
        "login_id": guest.guest_id,
        "user": guest.user,
        "roles": sorted(guest.roles),
        "made_at": written(guest.made_at),
        "ends_at": written(guest.ends_at),
    }
