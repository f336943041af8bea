"""The registry's database: SQLite, or PostgreSQL."""

from bakery.errors import StoreError
from pie_sql import Database, Use

_USE = Use(
    what="registry",
    error=StoreError,
    example_path="/var/lib/registry.db",
    postgresql_needs="bakery[registry]",
    connections_max=24,
    lock_timeout_s=30,
)


def open_database(url: str) -> Database:
    """Raises `StoreError`."""
    return Database(url, _USE)
