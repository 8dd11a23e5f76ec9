"""``eco-credit users``: make, list, revoke and rotate the keys of users."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eco_credit.core.errors import ContractError
from serving.access.roles import Role
from serving.cli.output import HomeOption, JsonOption, emit, note

if TYPE_CHECKING:
    from serving.access.keybook import SqlKeyBook
    from serving.access.keys import Key

_MOST_GRACE = 720
_TYPED = {"user": "NAME", "tenant": "--tenant", "roles": "--role", "expires": "--expires", "key_id": "KEY_ID"}
"""How the fields of a refusal are typed here."""
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


@contextmanager
def _as_typed() -> Generator[None]:
    """Let a refusal name the argument as it was typed."""
    try:
        yield
    except ContractError as error:
        typed = [replace(one, field=_TYPED.get(one.field, one.field)) for one in error.violations]
        raise ContractError(typed) from None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _book(home: Path | None) -> SqlKeyBook:
    from serving.access.keybook import book_of
    from serving.settings import Settings

    return book_of(Settings() if home is None else Settings(home=home))


def _told(made: Key, text: str, json: bool, **more: Any) -> None:
    """Show a new key: the only time."""
    from serving.access.office import shown

    emit({"key": text} | shown(made, _now()) | more, json)
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
    from serving.access.office import make

    with _as_typed():
        made, text = make(_book(home), name, tenant=tenant, roles=role, day=expires, now=_now())
    _told(made, text, json)


def list_keys(
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant. 仅该机构。")] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """列出全部密钥（不含密钥本身）。 List all keys ever made, ended ones too; never the keys themselves."""
    from serving.access.office import listed, shown

    book, now = _book(home), _now()
    used = book.uses()
    rows = [shown(key, now, used) for key in listed(book, tenant=tenant)]
    if json:
        emit({"keys": rows}, True)
        return
    lines = [
        f"{r['key_id']}  {r['tenant']:<16} {r['user']:<16} {r['state']:<8} {r['ends_at'] or '-':<21} "
        f"{r['last_used_at'] or '-':<21} " + ",".join(r["roles"])
        for r in rows
    ]
    emit("\n".join(lines) or "(none / 无)", False)


def revoke(key_id: KeyArgument, home: HomeOption = None, json: JsonOption = False) -> None:
    """立即停用密钥及其登录。 End a key now, and every login made with it."""
    from serving.access.office import revoke as end
    from serving.access.office import shown

    with _as_typed():
        ended = end(_book(home), key_id, tenant=None, now=_now())
    emit(shown(ended, _now()), json)


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
    from serving.access.office import rotate as renew
    from serving.access.office import shown

    with _as_typed():
        made, text, old = renew(_book(home), key_id, tenant=None, grace_hours=grace, now=_now())
    _told(made, text, json, replaces=shown(old, _now()))


def enrol(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The user. 用户名。")],
    tenant: TenantOption,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """为模型审批人登记签名密钥。 Give an approver a signing key: what they approve on the desk is signed with it."""
    from eco_credit.registry import Store
    from serving.access.office import name_of
    from serving.access.principal import signing_name

    with _as_typed():
        owner = signing_name(name_of("user", name), name_of("tenant", tenant))
    key = (Store.default() if home is None else Store(home)).enrol(owner, "approver")
    emit({"owner": owner, "key_id": key.key_id, "role": "approver"}, json)
