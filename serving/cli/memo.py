"""``eco-credit memo``: the papers of a recorded decision, as a file."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eco_credit.core.errors import ContractError, Violation
from serving.cli.output import HomeOption, JsonOption, Language, emit, write_whole
from serving.settings import Settings

if TYPE_CHECKING:
    from eco_credit.reports.papers import Record

ENDINGS = (".pdf", ".html", ".htm")


def register(app: typer.Typer) -> None:
    """Add the command ``memo``."""
    app.command()(memo)


def memo(
    decision_id: Annotated[str, typer.Argument(metavar="DECISION_ID", help="A decision of the log.")],
    out: Annotated[Path, typer.Option(metavar="FILE.pdf|FILE.html", help="Where to write it; the ending decides.")],
    lang: Annotated[Language, typer.Option(help="Language of the paper.")] = Language.zh,
    sheet: Annotated[bool, typer.Option("--sheet", help="The decision sheet instead of the memo.")] = False,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Print the investigation memo, or the decision sheet, of a recorded decision."""
    from eco_credit.reports.papers import to_html, to_pdf
    from serving.papers import paper_of

    ending = out.suffix.lower()
    if ending not in ENDINGS:
        en, zh = "a paper is a .pdf or .html file", "文件须为 .pdf 或 .html"
        raise ContractError([Violation("--out", "file_ending", en, zh)])
    name = "sheet" if sheet else "memo"
    paper = paper_of(name, _record(Settings() if home is None else Settings(home=home), decision_id), lang.value)
    data = to_pdf(paper) if ending == ".pdf" else to_html(paper).encode()
    write_whole(out, data)
    emit({"decision_id": decision_id, "paper": name, "file": str(out), "bytes": len(data),
          "sha256": sha256(data).hexdigest()}, json)  # fmt: skip


def _record(settings: Settings, decision_id: str) -> Record:
    """The decision of a log and what people decided about it.

    Raises:
        ContractError: there is no log, no such decision in it, or its personal data was erased.
    """
    import sqlalchemy as sa

    from serving.audit.database import open_engine
    from serving.audit.record import recorded_of
    from serving.audit.tables import decisions
    from serving.papers import record_of
    from serving.subject_keys import vault_of

    found, log = [], settings.decisions_path
    if log.is_file():
        query = sa.select(decisions).where(
            sa.or_(decisions.c.decision_id == decision_id, decisions.c.about == decision_id)
        ).order_by(decisions.c.sequence)  # fmt: skip
        engine = open_engine(log, writes=False)
        with engine.connect() as connection:
            rows = [recorded_of(row) for row in connection.execute(query).all()]
            vault = vault_of(settings, engine)
            found = [vault.open(connection.exec_driver_sql, row) for row in rows]
        engine.dispose()
    scores = [one for one in found if one.entry.kind == "score" and one.entry.decision_id == decision_id]
    if not scores:
        unknown = Violation("DECISION_ID", "unknown", "no such decision in this log", "记录库中没有该决策")
        raise ContractError([unknown])
    if scores[0].erased:
        en, zh = "the personal data of this decision was erased", "该决策的个人信息已删除"
        raise ContractError([Violation("DECISION_ID", "erased", en, zh)])
    return record_of(scores[0], [one for one in found if one.entry.about == decision_id])
