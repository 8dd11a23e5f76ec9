"""Tables of the decision log as they are today; the migrations make them, their triggers and their policies."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


# What is searched stands before the long columns: SQLite reads a row from its beginning.
decisions = sa.Table(
    "decisions",
    metadata,
    _text("tenant"),
    sa.Column("sequence", _NUMBER, nullable=False, autoincrement=False),
    sa.Column("format", sa.Integer, nullable=False),
    _text("decision_id"),
    _text("kind"),
    _text("about", nullable=True),
    _text("application_id"),
    _text("by_user"),
    _text("by_roles"),
    _text("route"),
    _text("idempotency_key", nullable=True),
    _text("as_of", nullable=True),
    _text("recommendation", nullable=True),
    _text("grade", nullable=True),
    _text("pledge_kinds"),
    _text("request_hash"),
    _text("model_digest"),
    _text("rules_hash"),
    _text("contract"),
    _text("code_version"),
    _text("features"),
    _text("environment"),
    _text("created_at"),
    _text("previous_hash"),
    _text("hash"),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("tenant", "sequence", name="decisions_place"),
    sa.UniqueConstraint("tenant", "decision_id", name="decisions_identifier"),
    sa.UniqueConstraint("tenant", "route", "idempotency_key", name="decisions_once"),
    sa.ForeignKeyConstraint(
        ["tenant", "about"], ["decisions.tenant", "decisions.decision_id"], name="decisions_about_one"
    ),
    sa.CheckConstraint("kind in ('score', 'outcome', 'erasure')", name="decisions_kind"),
    sa.Index("decisions_about", "tenant", "about"),
    sa.Index("decisions_application", "tenant", "application_id"),
    # holds all that a list is chosen by, so that choosing reads no record
    sa.Index(
        "decisions_listing", "tenant", "sequence", "kind", "as_of", "recommendation", "pledge_kinds", "application_id"
    ),
)
"""One row per record; described at `serving.audit.record.Entry`."""

chains = sa.Table("chains", metadata, sa.Column("tenant", sa.Text, primary_key=True))
"""One row per tenant that has a record: whose chains there are, without looking into them."""

subject_keys = sa.Table(
    "subject_keys",
    metadata,
    _text("tenant"),
    _text("key_id"),
    _text("subject"),
    _text("kek_id"),
    _text("made_at"),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("tenant", "key_id", name="subject_keys_place"),
    sa.UniqueConstraint("tenant", "subject", name="subject_keys_once"),
    sqlite_with_rowid=False,
)
"""One row per person and tenant whose key is alive: `eco_credit.registry.subject_keys.Wrapped`."""
