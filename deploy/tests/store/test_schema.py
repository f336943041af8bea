from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, inspect

from pie_deploy.errors import StorageError
from pie_deploy.store import open_store, schema
from pie_deploy.store.database import open_database
from pie_deploy.store.tables import metadata
from pie_sql import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close()


def _add_column(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE runtimes ADD COLUMN colour TEXT")


def _versions(database: Database) -> list[tuple[int, int]]:
    with database.reading() as connection:
        return [
            (row[0], row[1]) for row in connection.exec_driver_sql("SELECT version, applied_at_ns FROM schema_version ORDER BY 1")
        ]


def test_an_empty_database_gets_all_tables(database: Database) -> None:
    schema.prepare(database, 5)
    with database.reading() as connection:
        assert set(inspect(connection).get_table_names()) == set(metadata.tables)
    assert _versions(database) == [(schema.VERSION, 5)]


def test_preparing_again_changes_nothing(database: Database) -> None:
    schema.prepare(database, 5)
    schema.prepare(database, 6)
    assert _versions(database) == [(schema.VERSION, 5)]


def test_an_older_database_goes_through_the_steps_that_it_lacks(database: Database) -> None:
    schema.prepare(database, 5, version=1)
    schema.prepare(database, 6, version=2, steps={2: _add_column})
    with database.reading() as connection:
        assert "colour" in {column["name"] for column in inspect(connection).get_columns("runtimes")}
    assert _versions(database) == [(1, 5), (2, 6)]


def test_a_step_that_fails_leaves_the_database_as_it_was(database: Database) -> None:
    def fail(connection: Connection) -> None:
        _add_column(connection)
        raise StorageError("no")

    schema.prepare(database, 5, version=1)
    with pytest.raises(StorageError):
        schema.prepare(database, 6, version=2, steps={2: fail})
    with database.reading() as connection:
        assert "colour" not in {column["name"] for column in inspect(connection).get_columns("runtimes")}
    assert _versions(database) == [(1, 5)]


def test_a_newer_database_is_refused(database: Database) -> None:
    schema.prepare(database, 5, version=1)
    schema.prepare(database, 6, version=2, steps={2: _add_column})
    with pytest.raises(StorageError, match="version 2, this program knows up to 1"):
        schema.prepare(database, 7, version=1)


def test_servers_that_start_at_once_on_an_empty_database_do_not_disturb_one_another(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        for store in list(pool.map(lambda _: open_store(database_url), range(4))):
            store.close()


def _described(database: Database, table: str) -> tuple[set[tuple[str, str, bool]], set[tuple[str, bool]]]:
    with database.reading() as connection:
        inspected = inspect(connection)
        columns = {(column["name"], str(column["type"]), bool(column["nullable"])) for column in inspected.get_columns(table)}
        indexes = {(str(index["name"]), bool(index["unique"])) for index in inspected.get_indexes(table)}
    return columns, indexes


def test_a_home_from_before_api_keys_gets_the_table_that_a_new_one_has(database: Database) -> None:
    schema.prepare(database, 5)
    new = _described(database, "api_keys")
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE api_keys")
        connection.exec_driver_sql("UPDATE schema_version SET version = 1")
    schema.prepare(database, 6)
    assert _described(database, "api_keys") == new
    assert _versions(database)[-1] == (schema.VERSION, 6)
