"""Tables of keys, logins and uses as they are today; the migrations make them."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

keys = sa.Table(
    "access_keys",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("user_name", sa.Text, nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text),
)
"""One row per key ever made; rows are only added. Times are UTC, ISO 8601 with ``Z``."""

ends = sa.Table(
    "access_ends",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("key_id", sa.Text, sa.ForeignKey("access_keys.key_id"), nullable=False, index=True),
    sa.Column("why", sa.Text, sa.CheckConstraint("why in ('revoked', 'rotated')"), nullable=False),
    sa.Column("ends_at", sa.Text, nullable=False),
    sa.Column("noted_at", sa.Text, nullable=False),
)
"""When keys end before their day; rows are only added, the earliest counts."""

sessions = sa.Table(
    "access_sessions",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("key_id", sa.Text, sa.ForeignKey("access_keys.key_id"), nullable=False, index=True),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.Column("ends_at", sa.Text, nullable=False),
)
"""Logins on the web page; rows go when a login ends."""

guests = sa.Table(
    "access_guests",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in ("guest_id", "issuer", "tenant", "user_name", "roles", "made_at", "ends_at")
    ),
    sa.Index("access_guests_user", "tenant", "user_name"),
)
"""Logins on the web page that the bank's login service vouched for; rows go when a login ends."""

states = sa.Table(
    "access_states",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("ends_at", sa.Text, nullable=False),
)
"""States of logins that came back from the login service: a second coming finds its row. Rows go after their time."""

uses = sa.Table(
    "access_uses",
    metadata,
    sa.Column("key_id", sa.Text, sa.ForeignKey("access_keys.key_id"), primary_key=True),
    sa.Column("used_at", sa.Text, nullable=False),
)
"""About when each key was last used; written at most once an hour for a key, and changed in place."""
