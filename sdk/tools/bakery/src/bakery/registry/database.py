"""Opens the database: SQLite or PostgreSQL, by URL."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bakery.errors import StoreError

_LOCK_TIMEOUT_S = 30
"""For SQLite's one writer at a time; a write takes milliseconds."""
_RETRY_S = 0.02
_WRITES = "bakery_writes"


class Database:
    """Connections, and transactions on them. Safe to use from many threads and from several processes at once."""

    def __init__(self, url: str) -> None:
        """Raises `StoreError`."""
        self._engine = _engine(url)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        if self.is_sqlite:
            event.listen(self._engine, "connect", _prepare)
            event.listen(self._engine, "begin", _begin)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Raises `StoreError` if the database fails."""
        with _told(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing. Raises `StoreError` if the database fails. `IntegrityError` passes: a rule of the tables held."""
        with _told(), self._engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def _engine(text: str) -> Engine:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StoreError("database: must be sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME") from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite(url)
    if backend != "postgresql":
        raise StoreError(f"database: SQLite or PostgreSQL, not {backend}")
    try:
        return create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=16, pool_timeout=_LOCK_TIMEOUT_S)
    except (ImportError, NoSuchModuleError) as error:
        raise StoreError("database: use postgresql+psycopg://…; needs `pip install 'bakery[registry]'`") from error


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("database: a registry in memory would forget everything; give a path: sqlite:////var/lib/registry.db")
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        _use_wal(path)
    except OSError as error:
        raise StoreError(f"database: {path}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StoreError(f"database: {path}: {error}") from error
    return create_engine(url, connect_args={"timeout": _LOCK_TIMEOUT_S}, pool_size=8, max_overflow=16, pool_timeout=_LOCK_TIMEOUT_S)


def _use_wal(path: Path) -> None:
    """With it readers and the writer do not wait for one another, and the file remembers it.

    While others do the same, SQLite may refuse at once instead of waiting.
    """
    give_up_s = time.monotonic() + _LOCK_TIMEOUT_S
    while True:
        try:
            with closing(sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(_RETRY_S)


def _prepare(connection: Any, _record: object) -> None:
    """SQLite: transactions begin where `_begin` says so."""
    connection.isolation_level = None
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """SQLite: a transaction that will write takes the lock at once; taking it in the middle could fail after having read."""
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with the database becomes `StoreError`. What is wrong with what we ask of it passes: a rule held, or a bug."""
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        raise
    except (DBAPIError, PoolTimeoutError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(f"the database cannot be used: {str(reason).strip()}") from error
