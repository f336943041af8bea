"""`ports.store.Store` on a database."""

from collections.abc import Iterator
from contextlib import contextmanager

from pie_deploy.clock import Clock, SystemClock
from pie_deploy.store import schema
from pie_deploy.store.database import open_database
from pie_deploy.store.reading import SqlReading
from pie_deploy.store.writing import SqlTransaction
from pie_sql import Database


class SqlStore:
    """Thread-safe; several processes may use one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def reading(self) -> Iterator[SqlReading]:
        with self._database.reading() as connection:
            yield SqlReading(connection)

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        with self._database.writing() as connection:
            yield SqlTransaction(connection)

    def close(self) -> None:
        self._database.close()


def open_store(url: str, clock: Clock | None = None) -> SqlStore:
    """The store of a URL: `sqlite:///PATH` or `postgresql://…`; its tables are made or brought up to date. Raises StorageError."""
    database = open_database(url)
    try:
        schema.prepare(database, (clock or SystemClock()).now_ns())
    except BaseException:
        database.close()
        raise
    return SqlStore(database)
