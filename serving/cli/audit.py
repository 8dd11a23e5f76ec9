"""``eco-credit audit``: check the decision log and replay its answers."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import ContractError, ModelNotServable, Violation
from serving.audit.database import Address, open_engine
from serving.audit.record import Recorded
from serving.cli.book import BookOption, book_at
from serving.cli.output import EXIT_GATE, HomeOption, JsonOption, emit
from serving.cli.rules import OverlayOption
from serving.settings import Settings

if TYPE_CHECKING:
    from eco_credit.valuation import LenderBook


def register(app: typer.Typer) -> None:
    """Add the command group ``audit``."""
    group = typer.Typer(help="The decision log: verify the chain, replay answers.", no_args_is_help=True)
    group.command("verify")(check)
    group.command("replay")(replay)
    app.add_typer(group, name="audit")


def _log(home: Path | None) -> Address:
    """Where the decision log of a store is; a database that the environment names goes before its file."""
    return (Settings() if home is None else Settings(home=home)).decisions_address


def check(home: HomeOption = None, json: JsonOption = False) -> None:
    """Walk the chain of the decision log and name the first bad record; exit 4 when there is one."""
    from serving.audit.verify import verify

    verdict = verify(_log(home))
    emit({"records": verdict.records, "head": verdict.head, "first_bad": verdict.first_bad, "why": verdict.why}, json)
    if verdict.first_bad is not None:
        raise typer.Exit(EXIT_GATE)


def _records(path: Address) -> list[Recorded]:
    import sqlalchemy as sa

    from serving.audit.journal import recorded_of
    from serving.audit.tables import decisions

    query = sa.select(decisions).where(decisions.c.kind == "score").order_by(decisions.c.sequence)
    with open_engine(path, writes=False).connect() as connection:
        return [recorded_of(row) for row in connection.execute(query)]


def replay(
    decision_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Decision to replay.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Replay every answer of the log.")] = False,
    home: HomeOption = None,
    overlay: OverlayOption = None,
    book: BookOption = None,
    json: JsonOption = False,
) -> None:
    """Compute recorded answers again and compare the bytes; exit 4 when one differs."""
    if (decision_id is None) != everything:
        raise ContractError([Violation("ID", "missing", "give a decision or --all", "请给出决策编号或 --all")])
    found = [r for r in _records(_log(home)) if everything or r.entry.decision_id == decision_id]
    if not found and not everything:
        raise ContractError([Violation("ID", "unknown", "no such decision in this log", "记录库中没有该决策")])
    held = book_at(book)
    outcomes = [_replayed(record, home, overlay, book=held) for record in found]
    differing = [o for o in outcomes if o["differs"]]
    emit({"replayed": len(outcomes), "same": len(outcomes) - len(differing), "differing": differing}, json)
    if differing:
        raise typer.Exit(EXIT_GATE)


_DIGESTS = {
    "contract": "contract", "rules": "rules_hash", "overlay": "overlay_hash", "book": "book_hash",
    "code": "code_version",
}  # fmt: skip
"""What a digest of the provenance stands for, and its name there."""


def _replayed(record: Recorded, home: Path | None, overlay: Path | None, *, book: LenderBook) -> dict[str, Any]:
    """One answer computed again: which parts differ, or none, and what it was made with that is another now."""
    from eco_credit.scoring.doors import scored_application, served_package

    package = served_package(home)
    then = jsonlib.loads(record.entry.answer)
    if package.digest != record.entry.model_digest:
        raise ModelNotServable(f"{record.entry.decision_id} was answered by another model package than the champion")
    scored, input_hash = scored_application(jsonlib.loads(record.entry.request), package, overlay, book=book)
    now = scored.answer(0, input_hash=input_hash, decision_id=record.entry.decision_id)
    same = canonical_json(now) == record.entry.answer
    parts = sorted(name for name in {*now, *then} if now.get(name) != then.get(name))
    behind, before = now["provenance"], then["provenance"]
    return {
        "decision_id": record.entry.decision_id,
        "differs": [] if same else parts or ["bytes"],
        "digests": [what for what, name in _DIGESTS.items() if behind.get(name) != before.get(name)],
    }
