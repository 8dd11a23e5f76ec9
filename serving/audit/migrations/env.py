"""Run the migrations on the connection that the caller opened."""

from __future__ import annotations

from alembic import context

from serving.audit.tables import metadata


def run() -> None:
    """Run what is missing; the caller holds the transaction, so that two starting services cannot migrate at once."""
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    context.run_migrations()


if __name__ == "env_py":  # the name Alembic loads this file by; merely importing it must do nothing
    run()
