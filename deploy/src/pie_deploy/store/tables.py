"""The tables. A row of the platform is kept whole, as JSON in `row`; beside it stand the columns that are searched or guarded.

So a struct may gain a field with a default without a change to the schema: rows that were written before simply lack it.

```
component_versions   backends ──< operations        archived_operations: logs before a `compact`
                        └──< deployments ──< containers
runtimes    leases    files    events (append only)    api_keys    counters    schema_version    writer_lock (always empty)
```
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, text

metadata = MetaData()

_ID = String(32)
_NAME = String(255).with_variant(String(255, collation="C"), "postgresql")
"""Sorted by its characters, whatever the language of the database is."""


def _row() -> "Column[str]":
    return Column("row", Text, nullable=False)


component_versions = Table(
    "component_versions",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("lease_id", _ID),
    _row(),
    Index("component_versions_by_name", "name", "number", unique=True),
    Index("component_versions_by_content", "content_hash"),
    Index("component_versions_by_lease", "lease_id"),
)

backends = Table(
    "backends",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False),
    Column("lease_id", _ID),
    Column("deleted", Boolean, nullable=False),
    _row(),
    Index(
        "backends_by_name", "name", unique=True, sqlite_where=text("NOT deleted"), postgresql_where=text("NOT deleted")
    ),  # a deleted backend's name is free again
    Index("backends_by_lease", "lease_id"),
)

operations = Table(
    "operations",
    metadata,
    Column("backend_id", _ID, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _row(),
)

archived_operations = Table(
    "archived_operations",
    metadata,
    Column("backend_id", _ID, primary_key=True),
    Column("archive", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _row(),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("backend_id", _ID, nullable=False),
    Column("runtime_id", _ID, nullable=False),
    Column("lease_id", _ID),
    Column("gone", Boolean, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    _row(),
    Index(
        "deployments_one_per_backend", "backend_id", unique=True, sqlite_where=text("NOT gone"), postgresql_where=text("NOT gone")
    ),  # R01: at most one that is not gone
    Index("deployments_by_age", "gone", "created_at_ns"),
    Index("deployments_by_lease", "lease_id"),
)

containers = Table(
    "containers",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("deployment_id", _ID, nullable=False),
    Column("vertex", _NAME, nullable=False),
    Column("generation", Integer, nullable=False),
    _row(),
    Index("containers_by_vertex", "deployment_id", "generation", "vertex", unique=True),
)

runtimes = Table(
    "runtimes",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False, unique=True),
    _row(),
)

leases = Table(
    "leases",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("closed", Boolean, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    _row(),
    Index("leases_by_age", "closed", "created_at_ns"),
)

files = Table(
    "files",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("lease_id", _ID),
    Column("created_at_ns", BigInteger, nullable=False),
    _row(),
    Index("files_by_name", "name", "created_at_ns"),
    Index("files_by_content", "content_hash"),
    Index("files_by_lease", "lease_id"),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at_ns", BigInteger, nullable=False),
    Column("type", String(64), nullable=False),
    Column("actor", Text, nullable=False),
    Column("backend_id", _ID),
    Column("deployment_id", _ID),
    Column("lease_id", _ID),
    Column("data", Text, nullable=False),
    Index("events_by_backend", "backend_id", "seq"),
    Index("events_by_deployment", "deployment_id", "seq"),
    Index("events_by_lease", "lease_id", "seq"),
    sqlite_autoincrement=True,  # a seq is never used twice, not after a deletion either
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    _row(),
    Index("api_keys_by_digest", "digest", unique=True),
)

counters = Table("counters", metadata, Column("name", String(300), primary_key=True), Column("value", BigInteger, nullable=False))

schema_version = Table(
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("applied_at_ns", BigInteger, nullable=False),
)

writer_lock = Table("writer_lock", metadata, Column("id", Integer, primary_key=True, autoincrement=False))
