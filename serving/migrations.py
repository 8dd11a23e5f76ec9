"""The schema of a database: is it the newest, and bring it there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from eco_credit.core.errors import StorageUnavailable


@dataclass(frozen=True, slots=True)
class Migrations:
    """The migrations of one room.

    Attributes:
        folder: their folder; the files are named ``versions/<revision>_<what>.py``.
        version_table: table in which a database says what has been run, as the folder's ``env.py`` names it.
    """

    folder: Path
    version_table: str = "alembic_version"

    @property
    def newest(self) -> str:
        """The newest revision."""
        return max(file.name for file in (self.folder / "versions").glob("[0-9]*_*.py")).partition("_")[0]

    def all_run(self, connection: sa.Connection) -> bool:
        """True when the schema of a database is the newest."""
        if not sa.inspect(connection).has_table(self.version_table):
            return False
        said = sa.table(self.version_table, sa.column("version_num"))
        return connection.execute(sa.select(said.c.version_num)).scalars().all() == [self.newest]

    def _strange(self, connection: sa.Connection) -> bool:
        """True when a database says that something was run which this version does not know."""
        if not sa.inspect(connection).has_table(self.version_table):
            return False
        said = sa.table(self.version_table, sa.column("version_num"))
        known = {file.name.partition("_")[0] for file in (self.folder / "versions").glob("[0-9]*_*.py")}
        return not set(connection.execute(sa.select(said.c.version_num)).scalars()) <= known

    def run(self, connection: sa.Connection, to: str = "head") -> None:
        """Run what is missing up to a revision, in the caller's transaction.

        Raises:
            StorageUnavailable: a newer version of the software made the database.
        """
        from alembic import command  # a tenth of a service's start, and hardly a start has something to migrate
        from alembic.config import Config

        if self._strange(connection):
            raise StorageUnavailable("the database was made by a newer version", "数据库由更新版本的软件建立")
        config = Config()
        config.set_main_option("script_location", str(self.folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, to)
