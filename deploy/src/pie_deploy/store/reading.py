"""Looking: `ports.store.Reading` on one connection."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Select, Table, false, select
from sqlalchemy.sql import ColumnElement

from pie_deploy.domain.operations import OperationRecord
from pie_deploy.domain.records import ApiKey, Backend, ComponentVersion, Container, Deployment, Event, File, Lease, Runtime
from pie_deploy.store import statements
from pie_deploy.store.tables import (
    api_keys,
    backends,
    component_versions,
    containers,
    deployments,
    events,
    files,
    leases,
    runtimes,
)

T = TypeVar("T")

_VERSION = msgspec.json.Decoder(ComponentVersion)
_BACKEND = msgspec.json.Decoder(Backend)
_OPERATION = msgspec.json.Decoder(OperationRecord)
_DEPLOYMENT = msgspec.json.Decoder(Deployment)
_CONTAINER = msgspec.json.Decoder(Container)
_RUNTIME = msgspec.json.Decoder(Runtime)
_LEASE = msgspec.json.Decoder(Lease)
_FILE = msgspec.json.Decoder(File)
_API_KEY = msgspec.json.Decoder(ApiKey)

_ALL = 2**31 - 1
"""Rows, where no limit is given; the last seq that a log can have."""
_EVENTS_MAX = 2**63 - 1

Condition = ColumnElement[bool]


class SqlReading:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # Component versions

    def find_version(self, id_or_name: str) -> ComponentVersion | None:
        name, at, number = id_or_name.partition("@")
        if at:
            if not (number.isascii() and number.isdecimal() and len(number) < 10):
                return None
            if not _is_text(name):
                return None
            return self._first(_VERSION, statements.VERSION_BY_NUMBER, name=name, number=int(number))
        return self._named(_VERSION, id_or_name, statements.VERSION_BY_ID, statements.RELEASE_BY_NAME, statements.VERSION_BY_NAME)

    def versions(self, name: str | None = None, lease_id: str | None = None) -> Sequence[ComponentVersion]:
        """By name, newest first."""
        columns = component_versions.c
        conditions = (_equal(columns.name, name), _equal(columns.lease_id, lease_id))
        return self._all(_VERSION, component_versions, conditions, columns.name, columns.number.desc())

    # Backends and their logs

    def find_backend(self, id_or_name: str) -> Backend | None:
        return self._named(_BACKEND, id_or_name, statements.BACKEND_BY_ID, statements.BACKEND_BY_NAME)

    def backends(self, lease_id: str | None = None) -> Sequence[Backend]:
        """Those that are not deleted, by name."""
        columns = backends.c
        conditions = (columns.deleted == false(), _equal(columns.lease_id, lease_id))
        return self._all(_BACKEND, backends, conditions, columns.name)

    def operations(self, backend_id: str, after: int = 0, limit: int | None = None) -> Sequence[OperationRecord]:
        if not _is_text(backend_id):
            return []
        bounds = {"ref": backend_id, "after": _within(after, _ALL), "most": _ALL if limit is None else limit}
        return [_OPERATION.decode(row) for row in self._connection.scalars(statements.LOG, bounds)]

    # Deployments

    def find_deployment(self, deployment_id: str) -> Deployment | None:
        return self._named(_DEPLOYMENT, deployment_id, statements.DEPLOYMENT_BY_ID)

    def deployment_of(self, backend_id: str) -> Deployment | None:
        return self._named(_DEPLOYMENT, backend_id, statements.DEPLOYMENT_OF_BACKEND)

    def deployments(
        self, *, gone: bool = False, lease_id: str | None = None, runtime_id: str | None = None
    ) -> Sequence[Deployment]:
        """Newest first."""
        columns = deployments.c
        conditions = (
            None if gone else columns.gone == false(),
            _equal(columns.lease_id, lease_id),
            _equal(columns.runtime_id, runtime_id),
        )
        return self._all(_DEPLOYMENT, deployments, conditions, columns.created_at_ns.desc(), columns.id)

    def find_container(self, container_id: str) -> Container | None:
        return self._named(_CONTAINER, container_id, statements.CONTAINER_BY_ID)

    def containers(self, deployment_id: str | None = None) -> Sequence[Container]:
        """By deployment, generation and vertex."""
        columns = containers.c
        living = select(deployments.c.id).where(deployments.c.gone == false())
        condition = columns.deployment_id.in_(living) if deployment_id is None else columns.deployment_id == deployment_id
        return self._all(_CONTAINER, containers, (condition,), columns.deployment_id, columns.generation, columns.vertex)

    # Runtimes, leases, files

    def find_runtime(self, id_or_name: str) -> Runtime | None:
        return self._named(_RUNTIME, id_or_name, statements.RUNTIME_BY_ID, statements.RUNTIME_BY_NAME)

    def runtimes(self) -> Sequence[Runtime]:
        """By name."""
        return self._all(_RUNTIME, runtimes, (), runtimes.c.name)

    def find_lease(self, lease_id: str) -> Lease | None:
        return self._named(_LEASE, lease_id, statements.LEASE_BY_ID)

    def leases(self, *, closed: bool = False) -> Sequence[Lease]:
        """Newest first."""
        conditions = (None if closed else leases.c.closed == false(),)
        return self._all(_LEASE, leases, conditions, leases.c.created_at_ns.desc(), leases.c.id)

    def find_file(self, id_or_name: str) -> File | None:
        return self._named(_FILE, id_or_name, statements.FILE_BY_ID, statements.FILE_BY_NAME)

    def files(self, lease_id: str | None = None) -> Sequence[File]:
        """Newest first."""
        return self._all(_FILE, files, (_equal(files.c.lease_id, lease_id),), files.c.created_at_ns.desc(), files.c.id)

    def is_content_used(self, content_hash: str) -> bool:
        users = (self._connection.scalar(statement, {"ref": content_hash}) for statement in statements.CONTENT_USERS)
        return any(user is not None for user in users)

    # API keys

    def find_api_key(self, digest: str) -> ApiKey | None:
        return self._named(_API_KEY, digest, statements.API_KEY_BY_DIGEST)

    def api_keys(self) -> Sequence[ApiKey]:
        """Oldest first."""
        return self._all(_API_KEY, api_keys, (), api_keys.c.created_at_ns, api_keys.c.id)

    # Events

    def events(
        self,
        after: int = 0,
        *,
        deployment_id: str | None = None,
        backend_id: str | None = None,
        lease_id: str | None = None,
        limit: int = 1000,
    ) -> Sequence[Event]:
        """Oldest first."""
        columns = events.c
        conditions = (
            columns.seq > _within(after, _EVENTS_MAX),
            _equal(columns.deployment_id, deployment_id),
            _equal(columns.backend_id, backend_id),
            _equal(columns.lease_id, lease_id),
        )
        statement = select(events).where(*_given(conditions)).order_by(columns.seq).limit(limit)
        return [Event(**{**row._mapping, "data": msgspec.json.decode(row.data)}) for row in self._connection.execute(statement)]

    def oldest_of_newest_events(self, deployment_id: str, count: int) -> int | None:
        columns = events.c
        newest = select(columns.seq).where(columns.deployment_id == deployment_id).order_by(columns.seq.desc()).limit(count + 1)
        found = self._connection.scalars(newest).all()
        return found[count - 1] if len(found) > count else None

    def _named(self, decoder: msgspec.json.Decoder[T], ref: str, *ways: Select[Any]) -> T | None:
        """What the first way finds that finds something."""
        if not _is_text(ref):
            return None
        for way in ways:
            found = self._first(decoder, way, ref=ref)
            if found is not None:
                return found
        return None

    def _first(self, decoder: msgspec.json.Decoder[T], statement: Select[Any], **parameters: object) -> T | None:
        row = self._connection.scalar(statement, parameters)
        return None if row is None else decoder.decode(row)

    def _all(
        self,
        decoder: msgspec.json.Decoder[T],
        table: Table,
        conditions: Sequence[Condition | None],
        *order: ColumnElement[Any],
    ) -> list[T]:
        return [decoder.decode(row) for row in self._connection.scalars(_select(table, conditions, *order))]


def _is_text(ref: str) -> bool:
    """Whether databases take it as text; what is none is the name of nothing."""
    return "\0" not in ref and (ref.isascii() or not any("\ud800" <= character <= "\udfff" for character in ref))


def _within(number: int, most: int) -> int:
    """What a database takes as a number of that size."""
    return max(0, min(number, most))


def _select(table: Table, conditions: Sequence[Condition | None], *order: ColumnElement[Any]) -> Select[Any]:
    return select(table.c.row).where(*_given(conditions)).order_by(*order)


def _given(conditions: Sequence[Condition | None]) -> list[Condition]:
    return [condition for condition in conditions if condition is not None]


def _equal(column: ColumnElement[str], value: str | None) -> Condition | None:
    if value is None:
        return None
    return column == value if _is_text(value) else false()
