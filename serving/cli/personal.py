"""``eco-credit audit erase`` and ``audit keys``: the keys of the people the decision log is about."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.core.errors import ContractError, GateNotMet, Violation
from serving.cli.output import HomeOption, JsonOption, emit, note
from serving.settings import Settings

KeyFileOption = Annotated[
    Path | None, typer.Option("--file", help="Key file (default: $ECO_CREDIT_SUBJECT_KEY_FILE). 密钥文件。")
]


def add_commands(group: typer.Typer) -> None:
    """Add ``erase`` and ``keys`` to the command group ``audit``."""
    group.command("erase")(erase)
    keys = typer.Typer(help="Keys that seal personal data: new, rotate, forget. 个人数据密钥。", no_args_is_help=True)
    for name, command in (("new", new), ("rotate", rotate), ("forget", forget)):
        keys.command(name)(command)
    group.add_typer(keys, name="keys")


def _settings(home: Path | None) -> Settings:
    return Settings() if home is None else Settings(home=home)


def erase(
    subject: Annotated[
        str, typer.Option("--subject", help="Identity or licence number; - reads it from standard input. 证件号码。")
    ],
    reason: Annotated[str, typer.Option("--reason", help="Code of the list erasure_reason. 删除原因代码。")],
    by: Annotated[str, typer.Option("--by", help="Who erases: a staff identifier, not a name. 经办人。")],
    second: Annotated[str | None, typer.Option("--second", help="Who agreed, another person. 复核人。")] = None,
    tenant: Annotated[str, typer.Option("--tenant", help="Whose log. 所属机构。")] = "demo",
    reference: Annotated[str | None, typer.Option("--reference", help="Number of the file. 卷宗编号。")] = None,
    ended_on: Annotated[
        str | None, typer.Option("--ended-on", metavar="DAY", help="End of the business relationship. 业务关系结束日。")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do. 仅试算。")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """删除一名借款人的密钥，其记录不可再读，记录链不变。 Delete the key of a borrower; the chain stays valid.

    Exit 4 while the retention period runs and the reason does not allow it. In PostgreSQL the login must be a member
    of the role eco_credit_eraser.
    """
    from serving.audit.journal import utc_now
    from serving.erasure import Order, checked, erase_person

    settings = _settings(home)
    said = {"reason": reason, "by": by, "second": second, "reference": reference, "ended_on": ended_on}
    number = sys.stdin.readline().strip() if subject == "-" else subject.strip()
    if not number:
        raise ContractError([Violation("--subject", "missing", "give the number", "请给出证件号码")])
    found = erase_person(settings, Order(tenant, number, checked(settings, said)), clock=utc_now, dry_run=dry_run)
    emit(found, json)
    if found["plain_sequences"]:
        note("records of before sealing are in plain; no key erases them / 加密前的记录为明文，无法凭密钥删除")
    if found["erased"]:
        note("backups of the keys still hold it: see docs/how-to/personal-data.md / 密钥备份中仍有该密钥，须一并处理")


def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to make it: apart from store and database.")],
    json: JsonOption = False,
) -> None:
    """生成密钥文件。 Make a key file; name it in ECO_CREDIT_SUBJECT_KEY_FILE and back it up apart from the log."""
    from eco_credit.registry.subject_keys import new_key_file

    try:
        made = new_key_file(file)
    except OSError as error:
        en, zh = "it cannot be made there, or there is one already", "无法在此生成，或已有该文件"
        raise ContractError([Violation("FILE", "file", en, zh)]) from error
    emit({"file": str(file), "current": made.current}, json)


def rotate(file: KeyFileOption = None, home: HomeOption = None, json: JsonOption = False) -> None:
    """更换主密钥并重新加密各数据密钥。 Make a new current key in the file and wrap every data key under it."""
    from serving.audit.erasing import forget_deleted, wrap_anew

    settings = _settings(home)
    path, keys = _file(settings, file)
    turned = keys.rotated()
    turned.write(path)  # first: a key that the service makes from here on is wrapped under the new one
    done = wrap_anew(settings.decisions_address, turned)
    emptied = forget_deleted(settings.decisions_address)
    emit({"current": turned.current, "wrapped_anew": done, "write_ahead_log_emptied": emptied}, json)
    note("keep a backup of the new file; then `audit keys forget` / 请备份新文件，然后执行 audit keys forget")


def forget(file: KeyFileOption = None, home: HomeOption = None, json: JsonOption = False) -> None:
    """从密钥文件中去掉旧主密钥。 Take the older keys out of the file; exit 4 while a data key needs one of them."""
    from serving.audit.erasing import count_keys, wrap_anew

    settings = _settings(home)
    path, keys = _file(settings, file)
    wrap_anew(settings.decisions_address, keys)
    needed = sorted(set(count_keys(settings.decisions_address)) - {keys.current})
    if needed:
        raise GateNotMet(f"data keys are still wrapped under {', '.join(needed)}", "仍有数据密钥使用旧主密钥")
    keys.only_current().write(path)
    emit({"current": keys.current, "forgotten": sorted(set(keys.keys) - {keys.current})}, json)


def _file(settings: Settings, given: Path | None) -> tuple[Path, Any]:
    from eco_credit.registry.subject_keys import read_key_file

    path = given or settings.subject_key_file
    if path is None:
        en = "name the key file, or set ECO_CREDIT_SUBJECT_KEY_FILE"
        zh = "请指定密钥文件或设置 ECO_CREDIT_SUBJECT_KEY_FILE"
        raise ContractError([Violation("--file", "missing", en, zh)])
    return path, read_key_file(path)
