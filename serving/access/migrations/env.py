"""Run the migrations of the key book on the connection that the caller opened."""

from __future__ import annotations

from alembic import context

from serving.access.tables import metadata


def run() -> None:
    """Run what is missing; the version table is the book's own, since the decision log may share the database."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, version_table="access_version")
    context.run_migrations()


if __name__ == "env_py":  # the name Alembic loads this file by; merely importing it must do nothing
    run()
