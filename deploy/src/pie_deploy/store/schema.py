"""The schema's version, and the way from an older one to this one.

A database without tables gets all of them as they are now. One of an older version goes through the steps that it lacks, in one
transaction. One of a newer version is refused: this program would not understand it.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, func, insert, inspect, select

from pie_deploy.errors import StorageError
from pie_deploy.store.tables import metadata, schema_version
from pie_sql import Database

Step = Callable[[Connection], None]


def _add_api_keys(connection: Connection) -> None:
    """In words of its own: the tables of today may have changed since."""
    connection.exec_driver_sql(
        "CREATE TABLE api_keys (id VARCHAR(32) NOT NULL PRIMARY KEY, digest VARCHAR(64) NOT NULL, "
        'created_at_ns BIGINT NOT NULL, "row" TEXT NOT NULL)'
    )
    connection.exec_driver_sql("CREATE UNIQUE INDEX api_keys_by_digest ON api_keys (digest)")


VERSION = 2
STEPS: Mapping[int, Step] = {2: _add_api_keys}
"""By the version that a step leads to; from 2 on."""


def prepare(database: Database, now_ns: int, *, version: int = VERSION, steps: Mapping[int, Step] = STEPS) -> None:
    """Bring a database to `version`. Raises StorageError if it is of a newer one."""
    with database.preparing() as connection:
        found = _version(connection)
        if found > version:
            raise StorageError(f"the database is of version {found}, this program knows up to {version}; install a newer one")
        if found == version:
            return
        if found == 0:
            metadata.create_all(connection)
        else:
            for number in range(found + 1, version + 1):
                steps[number](connection)
        connection.execute(insert(schema_version).values(version=version, applied_at_ns=now_ns))


def _version(connection: Connection) -> int:
    """0: it has no tables."""
    if not inspect(connection).has_table(schema_version.name):
        return 0
    return connection.scalar(select(func.max(schema_version.c.version))) or 0
