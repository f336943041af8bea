"""Transactions on SQLite or PostgreSQL.

A store whose writers go one at a time (`Use.writer_lock`) has serialisable transactions of which none ever has to be repeated:

- SQLite: `BEGIN IMMEDIATE`. WAL lets readers go on beside the writer. This is so for every store, as SQLite has one writer.
- PostgreSQL: `LOCK TABLE` is the first statement of a writing transaction. Locking a table takes no snapshot, so the snapshot that
  follows has seen everything that earlier writers did: at isolation level SERIALIZABLE such transactions never overlap, and so
  never fail to serialise. Numbers drawn from sequences become visible in order too: who follows events by number misses none.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pie_sql.opening import WRITES, open_engine
from pie_sql.use import Use

_PREPARING = 7213447
"""Of all that could be locked by number in a PostgreSQL database, what we lock."""


class Database:
    """Connections, and transactions on them. Safe to use from many threads and from several processes at once."""

    def __init__(self, url: str, use: Use) -> None:
        """Raises `use.error`."""
        self._use = use
        self._engine = open_engine(url, use)
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        self._writer = threading.Lock()
        self._writing_thread = 0

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot. Raises `use.error` if the database fails."""
        options: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self._told(), self._engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing. Raises `use.error` if the database fails. IntegrityError passes: a rule of the tables held."""
        if self.is_sqlite or self._use.writer_lock is not None:
            with self._alone("SERIALIZABLE", f"LOCK TABLE {self._use.writer_lock} IN EXCLUSIVE MODE") as connection:
                yield connection
        else:
            with self._told(), self._engine.begin() as connection:
                yield connection

    @contextmanager
    def preparing(self) -> Iterator[Connection]:
        """The same, alone, before there are tables to lock. Of PostgreSQL, every statement sees what was committed before it: this
        lock, unlike that of a table, takes a snapshot before it waits.
        """
        with self._alone("READ COMMITTED", f"SELECT pg_advisory_xact_lock({_PREPARING})") as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _alone(self, isolation: str, lock: str) -> Iterator[Connection]:
        options: dict[str, Any] = {WRITES: True} if self.is_sqlite else {"isolation_level": isolation}
        with self._told(), self._turn(), self._engine.connect().execution_options(**options) as connection, connection.begin():
            if not self.is_sqlite:
                connection.exec_driver_sql(lock)
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Writers of this process wait for one another here: SQLite would have them sleep and look again, up to 0.1 s each time."""
        assert self._writing_thread != threading.get_ident(), "a writer that waits for itself"
        if not self._writer.acquire(timeout=self._use.lock_timeout_s):
            raise self._use.error(f"the database cannot be used: somebody has been writing for {self._use.lock_timeout_s} s")
        self._writing_thread = threading.get_ident()
        try:
            yield
        finally:
            self._writing_thread = 0
            self._writer.release()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What is wrong with the database becomes `use.error`. What is wrong with what we ask passes: a rule held, or a bug."""
        try:
            yield
        except (IntegrityError, ProgrammingError, DataError):
            raise
        except (DBAPIError, PoolTimeoutError) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise self._use.error(f"the database cannot be used: {str(reason).strip()}") from error
