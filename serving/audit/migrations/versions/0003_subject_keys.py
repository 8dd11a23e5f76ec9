"""Keys of the people the records are about; a record that says that one was erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_OLD, _NEW = "kind in ('score', 'outcome')", "kind in ('score', 'outcome', 'erasure')"
_LAST = "SELECT kind FROM decisions WHERE tenant = OLD.tenant ORDER BY sequence DESC LIMIT 1"


def upgrade() -> None:
    """Make the table of keys and let a record be an erasure; no record that is there is touched."""
    op.create_table(
        "subject_keys",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("tenant", "key_id", "subject", "kek_id", "made_at")),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key_id", name="subject_keys_place"),
        sa.UniqueConstraint("tenant", "subject", name="subject_keys_once"),
        sqlite_with_rowid=False,  # one tree less to write for each new person
    )
    (_in_sqlite if op.get_bind().dialect.name == "sqlite" else _in_postgres)()


def _in_sqlite() -> None:
    # A wider check needs no look at the rows. SQLite documents this way of changing it, which leaves them as they lie.
    bind = op.get_bind()
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    bind.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'decisions'", (_OLD, _NEW)
    )
    bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = RESET")
    refuse = "BEGIN SELECT RAISE(ABORT, 'a key is only wrapped anew'); END"
    same = "OLD.tenant = NEW.tenant AND OLD.key_id = NEW.key_id AND OLD.subject = NEW.subject"
    op.execute(f"CREATE TRIGGER subject_keys_no_change BEFORE UPDATE ON subject_keys WHEN NOT ({same}) {refuse}")
    refuse = "BEGIN SELECT RAISE(ABORT, 'a key goes only with the record of its erasure'); END"
    op.execute(
        f"CREATE TRIGGER subject_keys_no_delete BEFORE DELETE ON subject_keys WHEN ({_LAST}) IS NOT 'erasure' {refuse}"
    )
    # two questions, each answered by its own index
    held = " OR ".join(
        f"EXISTS (SELECT 1 FROM subject_keys WHERE tenant = NEW.tenant AND {one})"  # noqa: S608  (our own words)
        for one in ("key_id = NEW.key_id", "subject = NEW.subject")
    )
    refuse = "BEGIN SELECT RAISE(ABORT, 'a key is never replaced'); END"
    op.execute(f"CREATE TRIGGER subject_keys_no_replace BEFORE INSERT ON subject_keys WHEN {held} {refuse}")


def _in_postgres() -> None:
    op.execute("ALTER TABLE decisions DROP CONSTRAINT decisions_kind")
    op.execute(f"ALTER TABLE decisions ADD CONSTRAINT decisions_kind CHECK ({_NEW})")
    op.execute("""
        DO $$ BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'eco_credit_eraser') THEN
                CREATE ROLE eco_credit_eraser NOLOGIN;
            END IF;
        END $$""")
    op.execute(f"""
        CREATE FUNCTION keys_with_records() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF (OLD.tenant, OLD.key_id, OLD.subject) IS NOT DISTINCT FROM (NEW.tenant, NEW.key_id, NEW.subject) THEN
                    RETURN NEW;
                END IF;
                RAISE EXCEPTION 'a key is only wrapped anew' USING ERRCODE = 'integrity_constraint_violation';
            ELSIF TG_OP = 'DELETE' AND ({_LAST}) = 'erasure' THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION 'a key goes only with the record of its erasure'
                USING ERRCODE = 'integrity_constraint_violation';
        END $$""")
    op.execute(
        "CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON subject_keys"
        " FOR EACH ROW EXECUTE FUNCTION keys_with_records()"
    )
    op.execute(
        "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON subject_keys FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
    op.execute("ALTER TABLE subject_keys ENABLE ALWAYS TRIGGER no_change, ENABLE ALWAYS TRIGGER no_truncate")
    for table in ("decisions", "chains", "subject_keys"):
        op.execute(f"REVOKE ALL ON {table} FROM PUBLIC")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO eco_credit_eraser")
    op.execute("GRANT SELECT ON alembic_version TO eco_credit_eraser")
    op.execute("GRANT SELECT, INSERT ON subject_keys TO eco_credit_writer")
    op.execute("GRANT UPDATE (kek_id, wrapped), DELETE ON subject_keys TO eco_credit_eraser")
    op.execute("ALTER TABLE subject_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE subject_keys FORCE ROW LEVEL SECURITY")
    own = "tenant = current_setting('app.tenant', true)"
    op.execute(f"CREATE POLICY own_tenant ON subject_keys USING ({own}) WITH CHECK ({own})")


def downgrade() -> None:
    """Not offered: decisions are never dropped."""
    raise NotImplementedError("the decision log only moves forward")
