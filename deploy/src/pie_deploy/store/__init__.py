"""Storage by SQLAlchemy Core: SQLite or PostgreSQL. SQL stands nowhere else."""

from pie_deploy.store.store import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
