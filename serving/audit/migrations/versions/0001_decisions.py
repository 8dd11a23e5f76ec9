"""Table of decisions with its append-only triggers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_REFUSE = "BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END"
_SAME = (
    "SELECT 1 FROM decisions WHERE sequence = NEW.sequence OR decision_id = NEW.decision_id"
    " OR (route = NEW.route AND idempotency_key = NEW.idempotency_key)"
)


def upgrade() -> None:
    """Create the table and refuse every later UPDATE, DELETE and REPLACE.

    Written out rather than taken from ``serving.audit.tables``: a migration must keep doing what
    it did when it was released, and a test compares the outcome with the tables of today.
    """
    op.create_table(
        "decisions",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("decision_id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, sa.CheckConstraint("kind in ('score', 'outcome')"), nullable=False),
        sa.Column("about", sa.Text, sa.ForeignKey("decisions.decision_id"), index=True),
        sa.Column("application_id", sa.Text, nullable=False, index=True),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("request", sa.LargeBinary, nullable=False),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in (
                "model_digest",
                "rules_hash",
                "contract",
                "code_version",
                "created_at",
                "previous_hash",
                "hash",
            )
        ),
        sa.UniqueConstraint("route", "idempotency_key"),
    )
    if op.get_bind().dialect.name != "sqlite":
        return  # the next revision makes what protects it there
    op.execute(f"CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions {_REFUSE}")
    op.execute(f"CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions {_REFUSE}")
    # INSERT OR REPLACE deletes without firing the trigger above, unless it is refused beforehand.
    op.execute(f"CREATE TRIGGER decisions_no_replace BEFORE INSERT ON decisions WHEN EXISTS ({_SAME}) {_REFUSE}")


def downgrade() -> None:
    """Not offered: decisions are never dropped."""
    raise NotImplementedError("the decision log only moves forward")
