"""The platform's database: SQLite, or PostgreSQL. Writes of a control plane are small and rare, so they go one at a time."""

from pie_deploy.errors import StorageError
from pie_deploy.limits import DATABASE_CONNECTIONS_MAX, DATABASE_LOCK_TIMEOUT_S
from pie_sql import Database, Use

_USE = Use(
    what="platform",
    error=StorageError,
    example_path="/var/lib/pie/platform.db",
    postgresql_needs="pie-deploy[postgresql]",
    connections_max=DATABASE_CONNECTIONS_MAX,
    lock_timeout_s=DATABASE_LOCK_TIMEOUT_S,
    writer_lock="writer_lock",
)


def open_database(url: str) -> Database:
    """Raises StorageError."""
    return Database(url, _USE)
