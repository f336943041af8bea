"""Statements of single rows, built once: building one for each use takes four times as long as running it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, Select, Table, bindparam, false, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ColumnElement

from pie_deploy.store.tables import (
    api_keys,
    backends,
    component_versions,
    containers,
    deployments,
    events,
    files,
    leases,
    operations,
    runtimes,
)


def _one(table: Table, *conditions: ColumnElement[bool], order: tuple[ColumnElement[Any], ...] = ()) -> Select[Any]:
    return select(table.c.row).where(*conditions).order_by(*order).limit(1)


def _upserts(dialect: Any) -> Mapping[Table, Any]:
    """By table: a row that is new, or takes the place of the one with its id."""
    made: dict[Table, Any] = {}
    for table in (component_versions, backends, deployments, containers, runtimes, leases, files, api_keys):
        statement = dialect.insert(table)
        changes = {column.name: statement.excluded[column.name] for column in table.c if column.name != "id"}
        made[table] = statement.on_conflict_do_update(index_elements=["id"], set_=changes)
    return made


_REF: BindParameter[Any] = bindparam("ref")

VERSION_BY_ID = _one(component_versions, component_versions.c.id == _REF)
VERSION_BY_NUMBER = _one(
    component_versions, component_versions.c.name == bindparam("name"), component_versions.c.number == bindparam("number")
)
RELEASE_BY_NAME = _one(
    component_versions,
    component_versions.c.name == _REF,
    component_versions.c.state == "released",
    order=(component_versions.c.number.desc(),),
)
VERSION_BY_NAME = _one(component_versions, component_versions.c.name == _REF, order=(component_versions.c.number.desc(),))

BACKEND_BY_ID = _one(backends, backends.c.id == _REF)
BACKEND_BY_NAME = _one(backends, backends.c.name == _REF, backends.c.deleted == false())

DEPLOYMENT_BY_ID = _one(deployments, deployments.c.id == _REF)
DEPLOYMENT_OF_BACKEND = _one(deployments, deployments.c.backend_id == _REF, deployments.c.gone == false())

CONTAINER_BY_ID = _one(containers, containers.c.id == _REF)
RUNTIME_BY_ID = _one(runtimes, runtimes.c.id == _REF)
RUNTIME_BY_NAME = _one(runtimes, runtimes.c.name == _REF)
LEASE_BY_ID = _one(leases, leases.c.id == _REF)
FILE_BY_ID = _one(files, files.c.id == _REF)
FILE_BY_NAME = _one(files, files.c.name == _REF, order=(files.c.created_at_ns.desc(), files.c.id))

API_KEY_BY_DIGEST = _one(api_keys, api_keys.c.digest == _REF)

CONTENT_USERS = [select(table.c.id).where(table.c.content_hash == _REF).limit(1) for table in (files, component_versions)]

HEAD = select(func.max(operations.c.seq)).where(operations.c.backend_id == _REF)
LOG = (
    select(operations.c.row)
    .where(operations.c.backend_id == _REF, operations.c.seq > bindparam("after"))
    .order_by(operations.c.seq)
    .limit(bindparam("most"))
)
APPEND = insert(operations)
ADD_EVENT = insert(events)

UPSERTS = {"sqlite": _upserts(sqlite), "postgresql": _upserts(postgresql)}
"""By dialect."""
