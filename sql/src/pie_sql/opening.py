"""An engine for a URL: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from pie_sql.use import Use

WRITES = "pie_writes"
"""An execution option: the transaction will write."""

_POOL_SIZE = 8
_RETRY_S = 0.02


def open_engine(text: str, use: Use) -> Engine:
    """Raises `use.error`."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise use.error("database: must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME") from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite(url, use)
    if backend == "postgresql":
        return _postgresql(url, use)
    raise use.error(f"database: SQLite or PostgreSQL, not {backend}")


def _postgresql(url: URL, use: Use) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    settings = {"options": f"-c lock_timeout={use.lock_timeout_s * 1000} -c synchronous_commit=on"}
    try:
        return create_engine(url, pool_pre_ping=True, connect_args=settings, **_pool(use))
    except (ImportError, NoSuchModuleError) as error:
        raise use.error(f"database: PostgreSQL needs `pip install '{use.postgresql_needs}'` and postgresql://…") from error


def _sqlite(url: URL, use: Use) -> Engine:
    if not url.database or url.database == ":memory:":
        raise use.error(f"database: a {use.what} in memory would forget everything; give a path: sqlite:///{use.example_path}")
    path = Path(url.database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        _use_wal(path, use.lock_timeout_s)
    except OSError as error:
        raise use.error(f"database: {path}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise use.error(f"database: {path}: {error}") from error
    engine = create_engine(url, connect_args={"timeout": use.lock_timeout_s}, **_pool(use))
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _pool(use: Use) -> dict[str, Any]:
    return {"pool_size": _POOL_SIZE, "max_overflow": use.connections_max - _POOL_SIZE, "pool_timeout": use.lock_timeout_s}


def _use_wal(path: Path, timeout_s: float) -> None:
    """With it readers and the writer do not wait for one another, and the file remembers it.

    While others do the same, SQLite may refuse at once instead of waiting.
    """
    give_up_s = time.monotonic() + timeout_s
    while True:
        try:
            with closing(sqlite3.connect(path, timeout=timeout_s)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(_RETRY_S)


def _prepare(connection: Any, _record: object) -> None:
    """SQLite: transactions begin where `_begin` says so; `FULL` makes a commit durable."""
    connection.isolation_level = None
    for pragma in ("synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """SQLite: a transaction that will write takes the lock at once; taking it in the middle could fail after having read."""
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
