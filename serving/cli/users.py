"""``eco-credit users``: make, list, revoke and rotate the keys of users."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eco_credit.core.dates import day_of
from eco_credit.core.errors import ContractError, Violation
from serving.access.roles import Role
from serving.cli.output import HomeOption, JsonOption, emit, note

if TYPE_CHECKING:
    from serving.access.keybook import SqlKeyBook
    from serving.access.keys import Key

_BEIJING = dt.timezone(dt.timedelta(hours=8))
_MOST_GRACE = 720
TenantOption = Annotated[str, typer.Option("--tenant", help="Bank or agency the user belongs to. 所属机构。")]
RolesOption = Annotated[
    list[Role], typer.Option("--role", help="What the user is there for; repeatable. 角色，可重复。")
]
ExpiresOption = Annotated[
    str | None, typer.Option("--expires", metavar="DAY", help="Last day it is taken, YYYY-MM-DD. 最后有效日。")
]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY_ID", help="Identifier of the key, not the key. 密钥编号。")]


def register(app: typer.Typer) -> None:
    """Add the command group ``users``."""
    group = typer.Typer(help="Users and their keys: add, list, revoke, rotate. 用户与密钥。", no_args_is_help=True)
    for name, command in (("add", add), ("list", list_keys), ("revoke", revoke), ("rotate", rotate), ("enrol", enrol)):
        group.command(name)(command)
    app.add_typer(group, name="users")


def _refuse(field: str, rule: str, en: str, zh: str) -> ContractError:
    return ContractError([Violation(field, rule, en, zh)])


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _book(home: Path | None) -> SqlKeyBook:
    from serving.access.keybook import book_of
    from serving.settings import Settings

    return book_of(Settings() if home is None else Settings(home=home))


def _name(field: str, text: str) -> str:
    from serving.access.keys import NAME

    if not NAME.fullmatch(text):
        en = "use 1 to 63 small letters, digits, - or _, beginning with a letter or digit"
        raise _refuse(field, "pattern", en, "须为 1 至 63 位小写字母、数字、- 或 _，并以字母或数字开头")
    return text


def _end_of(day: str | None) -> dt.datetime | None:
    """The end of a day in Beijing."""
    if day is None:
        return None
    try:
        end = dt.datetime.combine(day_of(day) + dt.timedelta(days=1), dt.time(), _BEIJING)
    except (ValueError, OverflowError):
        raise _refuse("--expires", "date", "write the day as YYYY-MM-DD", "日期请写作 YYYY-MM-DD") from None
    if end <= _now():
        raise _refuse("--expires", "future", "this day is over", "该日期已过")
    return end


def _live(book: SqlKeyBook, key_id: str) -> Key:
    key = book.read().get(key_id)
    if key is None:
        raise _refuse("KEY_ID", "unknown", "there is no such key; see `users list`", "没有该密钥，请用 users list 查看")
    if not key.live(_now()):
        raise _refuse("KEY_ID", "ended", "this key has ended already", "该密钥已经失效")
    return key


def _shown(key: Key) -> dict[str, Any]:
    from serving.access.keys import written

    return {
        "key_id": key.key_id,
        "tenant": key.tenant,
        "user": key.user,
        "roles": sorted(key.roles),
        "made_at": written(key.made_at),
        "ends_at": None if key.ends_at is None else written(key.ends_at),
        "state": "live" if key.live(_now()) else key.why,
        "ends_by": key.why,
    }


def _told(made: Key, text: str, json: bool, **more: Any) -> None:
    """Show a new key: the only time."""
    emit({"key": text} | _shown(made) | more, json)
    note("keep the key now, it is not shown again / 请立即保存密钥，此后不再显示")


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The user. 用户名。")],
    tenant: TenantOption,
    role: RolesOption,
    expires: ExpiresOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """为用户生成密钥，只显示一次。 Make a key for a user and show it, once."""
    user, named = _name("NAME", name), _name("--tenant", tenant)
    end = _end_of(expires)
    made, text = _book(home).add(user, tenant=named, roles=role, now=_now(), expires=end)
    _told(made, text, json)


def list_keys(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant. 仅该机构。")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """列出全部密钥（不含密钥本身）。 List all keys ever made, ended ones too; never the keys themselves."""
    rows = [_shown(key) for key in _book(home).read().values() if tenant in (None, key.tenant)]
    if json:
        emit({"keys": rows}, True)
        return
    lines = [
        f"{r['key_id']}  {r['tenant']:<16} {r['user']:<16} {r['state']:<8} {r['ends_at'] or '-':<21} "
        + ",".join(r["roles"])
        for r in rows
    ]
    emit("\n".join(lines) or "(none / 无)", False)


def revoke(key_id: KeyArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """立即停用密钥及其登录。 End a key now, and every login made with it."""
    book, now = _book(home), _now()
    _live(book, key_id)
    book.end(key_id, why="revoked", at=now, now=now)
    emit(_shown(book.read()[key_id]), json)


def rotate(
    key_id: KeyArgument,
    grace: Annotated[
        int,
        typer.Option(
            "--grace", help="Hours the old key is still taken. 旧密钥继续有效的小时数。", min=0, max=_MOST_GRACE
        ),
    ] = 24,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """更换密钥，旧密钥在宽限期后失效。 Make a new key for the same user; the old one ends after the grace."""
    book, now = _book(home), _now()
    old = _live(book, key_id)
    if old.why == "rotated":
        raise _refuse("KEY_ID", "rotated", "this key has a successor already", "该密钥已有替换密钥")
    made, text = book.rotate(old, until=now + dt.timedelta(hours=grace), now=now)
    _told(made, text, json, replaces=_shown(book.read()[key_id]))


def enrol(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The user. 用户名。")],
    tenant: TenantOption,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """为模型审批人登记签名密钥。 Give an approver a signing key: what they approve on the desk is signed with it."""
    from eco_credit.registry import Store
    from serving.access.principal import signing_name

    owner = signing_name(_name("NAME", name), _name("--tenant", tenant))
    key = (Store.default() if home is None else Store(home)).enrol(owner, "approver")
    emit({"owner": owner, "key_id": key.key_id, "role": "approver"}, json)
