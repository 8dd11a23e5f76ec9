"""Whether a schema is the newest is told without Alembic; Alembic must agree."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from serving.access import keybook
from serving.audit import database
from serving.migrations import Migrations

ROOMS = pytest.mark.parametrize("room", [keybook.MIGRATIONS, database.MIGRATIONS], ids=["keys", "decisions"])


@ROOMS
def test_the_newest_revision_by_file_name_is_the_head_alembic_finds(room: Migrations) -> None:
    config = Config()
    config.set_main_option("script_location", str(room.folder))
    assert ScriptDirectory.from_config(config).get_current_head() == room.newest


@ROOMS
def test_an_empty_database_is_not_newest_and_one_brought_there_is(room: Migrations) -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        assert not room.all_run(connection)
        room.run(connection)
        assert room.all_run(connection)


def test_keys_and_decisions_in_one_database_do_not_take_each_other_for_newest() -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        keybook.MIGRATIONS.run(connection)
        assert not database.MIGRATIONS.all_run(connection)


def test_a_database_of_an_older_or_unknown_revision_is_not_newest() -> None:
    with sa.create_engine("sqlite://").connect() as connection:
        database.MIGRATIONS.run(connection, "0001")
        assert not database.MIGRATIONS.all_run(connection)
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        assert not database.MIGRATIONS.all_run(connection)
