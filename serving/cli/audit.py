"""``eco-credit audit``: check the decision log, sign checkpoints of it and replay its answers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eco_credit.core.errors import ContractError, Violation
from serving.cli.book import BookOption, book_at
from serving.cli.output import EXIT_GATE, HomeOption, JsonOption, emit, note
from serving.cli.personal import add_commands
from serving.cli.rules import OverlayOption

if TYPE_CHECKING:
    from serving.audit.vault import Vault
    from serving.audit.verify import Verdict
    from serving.replay import Replayed
    from serving.settings import Settings

MOST_DIFFERING = 100
"""A report names at most so many answers that differ."""
_TELL_SECONDS = 2.0
TenantOption = Annotated[str | None, typer.Option("--tenant", help="One tenant only.")]


def register(app: typer.Typer) -> None:
    """Add the command group ``audit``."""
    group = typer.Typer(help="The decision log: verify, checkpoint, replay, erase.", no_args_is_help=True)
    group.command("verify")(check)
    group.command("checkpoint")(checkpoint)
    group.command("replay")(replay)
    group.command("migrate")(migrate)
    group.command("copy")(copy)
    add_commands(group)
    app.add_typer(group, name="audit")


def _settings(home: Path | None) -> Settings:
    from serving.settings import Settings

    return Settings() if home is None else Settings(home=home)


def check(
    home: HomeOption = None,
    checkpoints: Annotated[
        Path | None, typer.Option(help="Folder of signed checkpoints (default: $ECO_CREDIT_CHECKPOINTS).")
    ] = None,
    trusted: Annotated[Path | None, typer.Option(help="List of trusted keys (default: that of the store).")] = None,
    tenant: TenantOption = None,
    json: JsonOption = False,
) -> None:
    """Walk the chains of the decision log and name the first bad record; exit 4 when there is one."""
    from eco_credit.registry import Store
    from eco_credit.registry.keys import read_trusted
    from serving.audit.verify import verify, verify_all
    from serving.checkpoints import heads

    settings = _settings(home)
    folder = checkpoints or settings.checkpoints
    keys = read_trusted(trusted) if trusted is not None else Store(settings.home).trusted()
    known = heads(folder, keys) if folder is not None else {}
    address = settings.decisions_address
    found = {tenant: verify(address, tenant, known.get(tenant))} if tenant else verify_all(address, known)
    counted = None if folder is None else sum(map(len, known.values()))
    data = "plain" if settings.subject_key_file is None else "sealed"
    emit(_report(found) | {"checkpoints": counted, "personal_data": data}, json)
    if any(verdict.first_bad is not None for verdict in found.values()):
        raise typer.Exit(EXIT_GATE)


def _report(found: dict[str, Verdict]) -> dict[str, Any]:
    """The verdicts of all tenants; the first that is bad stands on top."""
    bad = next(((tenant, v) for tenant, v in found.items() if v.first_bad is not None), None)
    first: dict[str, Any] = {"tenant": None, "first_bad": None, "why": None}
    if bad is not None:
        first = {"tenant": bad[0], "first_bad": bad[1].first_bad, "why": bad[1].why}
    head = next(iter(found.values())).head if len(found) == 1 else None
    return {
        "records": sum(verdict.records for verdict in found.values()),
        "sealed": sum(verdict.sealed for verdict in found.values()),
        "head": head,
        **first,
        "tenants": {tenant: asdict(verdict) for tenant, verdict in found.items()},
    }


def checkpoint(
    out: Annotated[
        Path | None, typer.Option(help="Folder outside the store (default: $ECO_CREDIT_CHECKPOINTS).")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Sign size and head of every chain that grew since its last checkpoint; exit 4 when the log does not fit it."""
    from serving.audit.journal import utc_now
    from serving.checkpoints import checkpoint_now

    written = checkpoint_now(_settings(home), out, clock=utc_now)
    emit({"written": [asdict(one) for one in written]}, json)


def migrate(home: HomeOption = None, json: JsonOption = False) -> None:
    """Bring decision log and key book to the newest schema; in PostgreSQL, run it as the owner of the database."""
    from serving.access.keybook import book_of
    from serving.audit.database import open_log

    settings = _settings(home)
    for engine in open_log(settings.decisions_address):
        engine.dispose()
    book_of(settings).read()
    emit({"migrated": True}, json)


def copy(
    to: Annotated[
        Path | None, typer.Option("--to", help="File that holds the address of the database to fill, one line.")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Move the SQLite log of a store into an empty database; every chain is verified before and after.

    The address holds a password, so it is read from a file: it would stand in the list of processes otherwise.
    """
    from serving.audit.copying import copy_log

    if to is None or not to.is_file():
        en, zh = "give a file with the address of the database", "请给出存有数据库地址的文件"
        raise ContractError([Violation("--to", "file", en, zh)])
    settings = _settings(home)
    found = copy_log(
        settings.decisions_path, to.read_text(encoding="utf-8").strip(),
        told=lambda tenant, records: note(f"{tenant}: {records:,} records written / 已写入 {records:,} 条"),
    )  # fmt: skip
    emit({"chains": {tenant: {"records": one.records, "head": one.head} for tenant, one in found.items()}}, json)


def replay(
    decision_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Decision to replay.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Replay every answer of the log.")] = False,
    tenant: TenantOption = None,
    home: HomeOption = None,
    overlay: OverlayOption = None,
    book: BookOption = None,
    json: JsonOption = False,
) -> None:
    """Compute recorded answers again and compare the bytes; exit 4 when one differs."""
    if (decision_id is None) != everything:
        raise ContractError([Violation("ID", "missing", "give a decision or --all", "请给出决策编号或 --all")])
    from serving.audit.database import open_engine, tenants_of
    from serving.replay import Replayer
    from serving.subject_keys import vault_of

    settings = _settings(home)
    replayer = Replayer(settings.home, overlay, None if book is None else book_at(book))
    engine = open_engine(settings.decisions_address, writes=False)
    try:
        tenants = [tenant] if tenant is not None else tenants_of(engine)
        records = _chosen(engine, vault_of(settings, engine), tenants, decision_id)
        outcome = _told(replayer.replay(records), _size(engine, tenants, decision_id))
    finally:
        engine.dispose()
    if outcome["replayed"] == 0 and not everything:
        raise ContractError([Violation("ID", "unknown", "no such decision in this log", "记录库中没有该决策")])
    emit(outcome, json)
    if outcome["replayed"] != outcome["same"] + outcome["erased"]:
        raise typer.Exit(EXIT_GATE)


def _size(engine: Any, tenants: list[str], decision_id: str | None) -> int:
    from serving.audit.stream import count

    return 1 if decision_id is not None else sum(count(engine, tenant) for tenant in tenants)


def _chosen(engine: Any, vault: Vault, tenants: list[str], decision_id: str | None) -> Iterator[Any]:
    from serving.audit.stream import one, scores

    for tenant in tenants:
        yield from (
            scores(engine, tenant, vault) if decision_id is None else one(engine, tenant, decision_id, vault=vault)
        )


def _told(results: Iterable[Replayed], total: int) -> dict[str, Any]:
    """Count what comes out, and say on stderr how far it is."""
    differing: list[dict[str, Any]] = []
    done = bad = erased = 0
    started = told = time.monotonic()
    for result in results:
        done += 1
        erased += result.erased
        if result.differs:
            bad += 1
            differing += [result.as_dict()] if len(differing) < MOST_DIFFERING else []
        now = time.monotonic()
        if now - told >= _TELL_SECONDS:
            told = now
            rate = done / (now - started)
            note(f"{done} of {total} replayed, {bad} differ, {rate:.1f}/s, {(total - done) / rate:.0f} s left")
    return {"replayed": done, "same": done - bad - erased, "erased": erased, "differing": differing}
