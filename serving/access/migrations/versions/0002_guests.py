"""Logins by a login service outside, states used once, and when keys were last used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_RIGHTS = {
    "access_version": "SELECT",
    "access_keys": "SELECT, INSERT",
    "access_ends": "SELECT, INSERT",
    "access_sessions": "SELECT, INSERT, DELETE",
    "access_guests": "SELECT, INSERT, DELETE",
    "access_states": "SELECT, INSERT, DELETE",
    "access_uses": "SELECT, INSERT, UPDATE",
}
"""What a service may do that logs in as a member of ``eco_credit_writer`` and not as the owner."""


def upgrade() -> None:
    """Create the tables; none of them decides who holds which key."""
    op.create_table(
        "access_guests",
        sa.Column("digest", sa.Text, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("guest_id", "issuer", "tenant", "user_name", "roles", "made_at", "ends_at")
        ),
    )
    op.create_index("access_guests_user", "access_guests", ["tenant", "user_name"])
    op.create_table(
        "access_states",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("ends_at", sa.Text, nullable=False),
    )
    op.create_table(
        "access_uses",
        sa.Column("key_id", sa.Text, sa.ForeignKey("access_keys.key_id"), primary_key=True),
        sa.Column("used_at", sa.Text, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        _grant()


def _grant() -> None:
    """Let the role of the service do what it needs, where that role was made."""
    known = op.get_bind().execute(sa.text("SELECT 1 FROM pg_roles WHERE rolname = 'eco_credit_writer'")).scalar()
    for table, rights in _RIGHTS.items() if known else ():
        op.execute(f"GRANT {rights} ON {table} TO eco_credit_writer")
    if known:
        op.execute("GRANT USAGE ON SEQUENCE access_ends_number_seq TO eco_credit_writer")


def downgrade() -> None:
    """Not offered: who held which key is kept."""
    raise NotImplementedError("the key book only moves forward")
