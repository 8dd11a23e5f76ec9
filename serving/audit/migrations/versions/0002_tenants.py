"""A chain for each tenant, who asked, what a record can be searched by; PostgreSQL beside SQLite."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TEXTS = (
    "decision_id", "kind", "about", "application_id", "by_user", "by_roles", "route", "idempotency_key", "as_of",
    "recommendation", "grade", "pledge_kinds", "request_hash", "model_digest", "rules_hash", "contract",
    "code_version", "features", "environment", "created_at", "previous_hash", "hash",
)  # fmt: skip
_MAYBE = {"about", "idempotency_key", "as_of", "recommendation", "grade"}
_NEW = "decisions_by_tenant"


def upgrade() -> None:
    """Make the new table, carry the old records over unchanged as those of the tenant ``demo``, take its place.

    An old record keeps its hash: it is marked as format 1, which is hashed over what it had.
    """
    _create()
    _carry_over(op.get_bind())
    op.drop_table("decisions")
    op.rename_table(_NEW, "decisions")
    for name, columns in (
        ("decisions_about", ["tenant", "about"]),
        ("decisions_application", ["tenant", "application_id"]),
        (
            "decisions_listing",
            ["tenant", "sequence", "kind", "as_of", "recommendation", "pledge_kinds", "application_id"],
        ),
    ):
        op.create_index(name, "decisions", columns)
    (_protect_sqlite if op.get_bind().dialect.name == "sqlite" else _protect_postgres)()


def _create() -> None:
    op.create_table("chains", sa.Column("tenant", sa.Text, primary_key=True))
    op.create_table(
        _NEW,
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False, autoincrement=False),
        sa.Column("format", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=name in _MAYBE) for name in _TEXTS),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "sequence", name="decisions_place"),
        sa.UniqueConstraint("tenant", "decision_id", name="decisions_identifier"),
        sa.UniqueConstraint("tenant", "route", "idempotency_key", name="decisions_once"),
        sa.ForeignKeyConstraint(
            ["tenant", "about"], [f"{_NEW}.tenant", f"{_NEW}.decision_id"], name="decisions_about_one"
        ),
        sa.CheckConstraint("kind in ('score', 'outcome')", name="decisions_kind"),
    )


def _carry_over(bind: sa.Connection) -> None:
    old = sa.Table("decisions", sa.MetaData(), autoload_with=bind)
    new = sa.Table(_NEW, sa.MetaData(), autoload_with=bind)
    carried = 0
    while rows := bind.execute(
        sa.select(old).where(old.c.sequence > carried).order_by(old.c.sequence).limit(500)
    ).fetchall():
        bind.execute(new.insert(), [_carried(row._mapping) for row in rows])
        carried = rows[-1].sequence
    if carried:
        bind.execute(sa.text("INSERT INTO chains (tenant) VALUES ('demo')"))


def _carried(row: Any) -> dict[str, Any]:
    answer = json.loads(row["answer"])
    kinds = {pledge["kind"] for pledge in answer.get("pledges", ())}
    return dict(row) | {
        "tenant": "demo",
        "format": 1,
        "by_user": "",
        "by_roles": "",
        "features": "",
        "environment": "",
        "as_of": answer.get("as_of"),
        "recommendation": answer.get("recommendation", answer.get("decided")),
        "grade": answer.get("grade"),
        "pledge_kinds": " ".join(sorted(kinds)),
    }


def _protect_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END"
    # three questions, each answered by its own index: asked as one, SQLite reads the tenant's whole chain
    same = " OR ".join(
        f"EXISTS (SELECT 1 FROM decisions WHERE tenant = NEW.tenant AND {one})"  # noqa: S608  (our own words)
        for one in (
            "sequence = NEW.sequence",
            "decision_id = NEW.decision_id",
            "route = NEW.route AND idempotency_key = NEW.idempotency_key",
        )
    )
    for table in ("decisions", "chains"):
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
    # INSERT OR REPLACE deletes without firing the triggers above, unless it is refused beforehand.
    op.execute(f"CREATE TRIGGER decisions_no_replace BEFORE INSERT ON decisions WHEN {same} {refuse}")


def _protect_postgres() -> None:
    op.execute("""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'eco_credit_writer') THEN
                CREATE ROLE eco_credit_writer NOLOGIN;
            END IF;
        END $$""")
    op.execute("""
        CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'decisions are append-only' USING ERRCODE = 'integrity_constraint_violation';
        END $$""")
    for table in ("decisions", "chains"):
        op.execute(
            f"CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION append_only()"
        )
        op.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
        # also for a session that replays a log of changes
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER no_change, ENABLE ALWAYS TRIGGER no_truncate")
        op.execute(f"REVOKE ALL ON {table} FROM PUBLIC")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO eco_credit_writer")
    op.execute("GRANT SELECT ON alembic_version TO eco_credit_writer")
    op.execute("ALTER TABLE decisions ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE decisions FORCE ROW LEVEL SECURITY")
    own = "tenant = current_setting('app.tenant', true)"
    op.execute(f"CREATE POLICY own_tenant ON decisions USING ({own}) WITH CHECK ({own})")


def downgrade() -> None:
    """Not offered: decisions are never dropped."""
    raise NotImplementedError("the decision log only moves forward")
