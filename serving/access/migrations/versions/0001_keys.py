"""Tables of keys, of their ends, and of logins; keys and ends are only ever added to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and refuse every later change of a key or an end."""
    op.create_table(
        "access_keys",
        sa.Column("key_id", sa.Text, primary_key=True),
        *(sa.Column(n, sa.Text, nullable=False) for n in ("digest", "tenant", "user_name", "roles", "made_at")),
        sa.Column("expires_at", sa.Text),
    )
    op.create_table(
        "access_ends",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("key_id", sa.Text, sa.ForeignKey("access_keys.key_id"), nullable=False, index=True),
        sa.Column("why", sa.Text, sa.CheckConstraint("why in ('revoked', 'rotated')"), nullable=False),
        sa.Column("ends_at", sa.Text, nullable=False),
        sa.Column("noted_at", sa.Text, nullable=False),
    )
    op.create_table(
        "access_sessions",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, sa.ForeignKey("access_keys.key_id"), nullable=False, index=True),
        sa.Column("made_at", sa.Text, nullable=False),
        sa.Column("ends_at", sa.Text, nullable=False),
    )
    _only_added_to()


def _only_added_to() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    if not sqlite:
        op.execute(
            "CREATE FUNCTION access_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'keys are append-only'; END $$"
        )
    for table in ("access_keys", "access_ends"):
        for change in ("UPDATE", "DELETE"):
            body = (
                "BEGIN SELECT RAISE(ABORT, 'keys are append-only'); END"
                if sqlite
                else "FOR EACH ROW EXECUTE FUNCTION access_refuse()"
            )
            op.execute(f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} {body}")


def downgrade() -> None:
    """Not offered: who held which key is kept."""
    raise NotImplementedError("the key book only moves forward")
