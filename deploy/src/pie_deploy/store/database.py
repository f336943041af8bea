"""Opens the database, SQLite or PostgreSQL by URL, and gives transactions on it.

Every transaction is serialisable, and none ever has to be repeated, because there is one writer at a time on either database:

- SQLite: `BEGIN IMMEDIATE`. WAL lets readers go on beside the writer; `synchronous = FULL` makes a commit durable.
- PostgreSQL: `LOCK TABLE writer_lock` is the first statement of a writing transaction. Locking a table takes no snapshot, so the
  snapshot that follows has seen everything that earlier writers did: at isolation level SERIALIZABLE such transactions never
  overlap, and so never fail to serialise. Numbers drawn from sequences become visible in order too: who follows events by seq
  misses none.

Writes of a control plane are small and rare; reads take no part in this and see one snapshot.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pie_deploy.errors import StorageError
from pie_deploy.limits import DATABASE_CONNECTIONS_MAX, DATABASE_LOCK_TIMEOUT_S

_RETRY_S = 0.02
_WRITES = "pie_writes"
_FORM = "database: must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
_POOL = {"pool_size": 8, "max_overflow": DATABASE_CONNECTIONS_MAX - 8, "pool_timeout": DATABASE_LOCK_TIMEOUT_S}


class Database:
    """Connections, and transactions on them. Safe to use from many threads and from several processes at once."""

    def __init__(self, url: str) -> None:
        """Raises StorageError."""
        self._engine = _engine(url)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._writer = threading.Lock()
        self._writing_thread = 0
        if self.is_sqlite:
            event.listen(self._engine, "connect", _prepare)
            event.listen(self._engine, "begin", _begin)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot. Raises StorageError if the database fails."""
        options: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with _told(), self._engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing, alone. Raises StorageError if the database fails. IntegrityError passes: a rule of the tables held."""
        with self._alone("SERIALIZABLE", "LOCK TABLE writer_lock IN EXCLUSIVE MODE") as connection:
            yield connection

    @contextmanager
    def preparing(self) -> Iterator[Connection]:
        """The same before there are tables to lock. Of PostgreSQL, every statement sees what was committed before it: this
        lock, unlike that of a table, takes a snapshot before it waits.
        """
        with self._alone("READ COMMITTED", "SELECT pg_advisory_xact_lock(7213447)") as connection:
            yield connection

    @contextmanager
    def _alone(self, isolation: str, lock: str) -> Iterator[Connection]:
        options: dict[str, Any] = {_WRITES: True} if self.is_sqlite else {"isolation_level": isolation}
        with _told(), self._turn(), self._engine.connect().execution_options(**options) as connection, connection.begin():
            if not self.is_sqlite:
                connection.exec_driver_sql(lock)
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Writers of this process wait for one another here: SQLite would have them sleep and look again, up to 0.1 s each time."""
        assert self._writing_thread != threading.get_ident(), "a writer that waits for itself"
        if not self._writer.acquire(timeout=DATABASE_LOCK_TIMEOUT_S):
            raise StorageError(f"the database cannot be used: somebody has been writing for {DATABASE_LOCK_TIMEOUT_S} s")
        self._writing_thread = threading.get_ident()
        try:
            yield
        finally:
            self._writing_thread = 0
            self._writer.release()

    def close(self) -> None:
        self._engine.dispose()


def _engine(text: str) -> Engine:
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise StorageError(_FORM) from error
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite(url)
    if backend != "postgresql":
        raise StorageError(f"database: SQLite or PostgreSQL, not {backend}")
    return _postgresql(url)


def _postgresql(url: URL) -> Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    settings = {"options": f"-c lock_timeout={DATABASE_LOCK_TIMEOUT_S * 1000} -c synchronous_commit=on"}
    try:
        return create_engine(url, pool_pre_ping=True, connect_args=settings, **_POOL)
    except (ImportError, NoSuchModuleError) as error:
        raise StorageError("database: PostgreSQL needs `pip install 'pie-deploy[postgresql]'` and postgresql://…") from error


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StorageError(
            "database: a platform in memory would forget everything; give a path: sqlite:////var/lib/pie/platform.db"
        )
    path = Path(url.database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        _use_wal(path)
    except OSError as error:
        raise StorageError(f"database: {path}: {error.strerror}") from error
    except sqlite3.Error as error:
        raise StorageError(f"database: {path}: {error}") from error
    return create_engine(url, connect_args={"timeout": DATABASE_LOCK_TIMEOUT_S}, **_POOL)


def _use_wal(path: Path) -> None:
    """The file remembers it. While others do the same, SQLite may refuse at once instead of waiting."""
    give_up_s = time.monotonic() + DATABASE_LOCK_TIMEOUT_S
    while True:
        try:
            with closing(sqlite3.connect(path, timeout=DATABASE_LOCK_TIMEOUT_S)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(_RETRY_S)


def _prepare(connection: Any, _record: object) -> None:
    """SQLite: transactions begin where `_begin` says so."""
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    """SQLite: a transaction that will write takes the lock at once; taking it in the middle could fail after having read."""
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _told() -> Iterator[None]:
    """What is wrong with the database becomes StorageError. What is wrong with what we ask of it passes: a rule held, or a bug."""
    try:
        yield
    except (IntegrityError, ProgrammingError, DataError):
        raise
    except (DBAPIError, PoolTimeoutError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise StorageError(f"the database cannot be used: {str(reason).strip()}") from error
