"""Changing: `ports.store.Transaction` on one connection that writes alone."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, Table, delete, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from pie_deploy.domain.operations import OperationRecord
from pie_deploy.domain.records import ApiKey, Backend, ComponentVersion, Container, Deployment, File, Lease, Runtime
from pie_deploy.errors import AlreadyExistsError, ConflictError, DeploymentLiveError
from pie_deploy.store import statements
from pie_deploy.store.reading import SqlReading
from pie_deploy.store.tables import (
    api_keys,
    archived_operations,
    backends,
    component_versions,
    containers,
    counters,
    deployments,
    events,
    files,
    leases,
    operations,
    runtimes,
)

_ENCODER = msgspec.json.Encoder()


class SqlTransaction(SqlReading):
    """A method that raises leaves the transaction to be rolled back: let the error leave the block."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._upserts = statements.UPSERTS[connection.dialect.name]

    def put_version(self, version: ComponentVersion) -> None:
        self._put(
            component_versions,
            version,
            id=version.id,
            name=version.name,
            number=int(version.version),
            state=version.state,
            content_hash=version.content_hash,
            lease_id=version.lease_id,
        )

    def delete_version(self, version_id: str) -> None:
        self._connection.execute(delete(component_versions).where(component_versions.c.id == version_id))

    def next_version(self, name: str) -> int:
        """Numbers are not used twice, not after a version was discarded either."""
        return self._count(f"component/{name}")

    def put_backend(self, backend: Backend) -> None:
        deleted = backend.deleted_at_ns is not None
        try:
            self._put(backends, backend, id=backend.id, name=backend.name, lease_id=backend.lease_id, deleted=deleted)
        except IntegrityError as error:
            raise AlreadyExistsError(f"there is a backend {backend.name} already") from error

    def append(self, records: Sequence[OperationRecord]) -> None:
        if not records:
            return
        backend_id, first = records[0].backend_id, records[0].seq
        head = self._connection.scalar(statements.HEAD, {"ref": backend_id}) or 0
        if first != head + 1:
            raise ConflictError(f"the log of {backend_id} is at {head}, not at {first - 1}")
        self._write_log(records)

    def replace_log(self, backend_id: str, records: Sequence[OperationRecord]) -> None:
        archive = self._count(f"archive/{backend_id}")
        this = operations.c.backend_id == backend_id
        columns = ["backend_id", "archive", "seq", "row"]
        old = select(operations.c.backend_id, literal(archive), operations.c.seq, operations.c.row)
        self._connection.execute(insert(archived_operations).from_select(columns, old.where(this)))
        self._connection.execute(delete(operations).where(this))
        self._write_log(records)

    def put_deployment(self, deployment: Deployment) -> None:
        try:
            self._put(
                deployments,
                deployment,
                id=deployment.id,
                backend_id=deployment.backend_id,
                runtime_id=deployment.runtime_id,
                lease_id=deployment.lease_id,
                gone=deployment.gone_at_ns is not None,
                created_at_ns=deployment.created_at_ns,
            )
        except IntegrityError as error:
            raise DeploymentLiveError(f"backend {deployment.backend_id} has a deployment already") from error

    def put_container(self, container: Container) -> None:
        self._put(
            containers,
            container,
            id=container.id,
            deployment_id=container.deployment_id,
            vertex=container.vertex,
            generation=container.generation,
        )

    def delete_containers(self, container_ids: Sequence[str]) -> None:
        if container_ids:
            self._connection.execute(delete(containers).where(containers.c.id.in_(container_ids)))

    def put_runtime(self, runtime: Runtime) -> None:
        try:
            self._put(runtimes, runtime, id=runtime.id, name=runtime.name)
        except IntegrityError as error:
            raise AlreadyExistsError(f"there is a runtime {runtime.name} already") from error

    def put_lease(self, lease: Lease) -> None:
        closed = lease.state in ("committed", "rolled_back")
        self._put(leases, lease, id=lease.id, closed=closed, created_at_ns=lease.created_at_ns)

    def put_file(self, file: File) -> None:
        self._put(
            files,
            file,
            id=file.id,
            name=file.name,
            content_hash=file.content_hash,
            lease_id=file.lease_id,
            created_at_ns=file.created_at_ns,
        )

    def delete_file(self, file_id: str) -> None:
        self._connection.execute(delete(files).where(files.c.id == file_id))

    def put_api_key(self, key: ApiKey) -> None:
        self._put(api_keys, key, id=key.id, digest=key.digest, created_at_ns=key.created_at_ns)

    def delete_api_keys(self, key_ids: Sequence[str]) -> None:
        if key_ids:
            self._connection.execute(delete(api_keys).where(api_keys.c.id.in_(key_ids)))

    def add_event(
        self,
        type_: str,
        at_ns: int,
        *,
        actor: str = "",
        backend_id: str | None = None,
        deployment_id: str | None = None,
        lease_id: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        row = {
            "type": type_,
            "at_ns": at_ns,
            "actor": actor,
            "backend_id": backend_id,
            "deployment_id": deployment_id,
            "lease_id": lease_id,
            "data": _ENCODER.encode(data or {}).decode(),
        }
        self._connection.execute(statements.ADD_EVENT, row)

    def delete_events(self, before_ns: int, most: int) -> int:
        """Of the oldest by seq only: so all that are kept need not be looked at."""
        oldest = select(events.c.seq, events.c.at_ns).order_by(events.c.seq).limit(most).subquery()
        return self._delete_events(select(oldest.c.seq).where(oldest.c.at_ns < before_ns))

    def delete_events_of(self, deployment_id: str, before_seq: int, most: int) -> int:
        this = (events.c.deployment_id == deployment_id) & (events.c.seq < before_seq)
        return self._delete_events(select(events.c.seq).where(this).order_by(events.c.seq).limit(most))

    def _delete_events(self, seqs: Select[tuple[int]]) -> int:
        return self._connection.execute(delete(events).where(events.c.seq.in_(seqs))).rowcount

    def _put(self, table: Table, row: msgspec.Struct, **columns: Any) -> None:
        self._connection.execute(self._upserts[table], {**columns, "row": _ENCODER.encode(row).decode()})

    def _write_log(self, records: Sequence[OperationRecord]) -> None:
        rows = [{"backend_id": record.backend_id, "seq": record.seq, "row": _ENCODER.encode(record).decode()} for record in records]
        if rows:
            self._connection.execute(statements.APPEND, rows)

    def _count(self, name: str) -> int:
        this = counters.c.name == name
        if not self._connection.execute(update(counters).where(this).values(value=counters.c.value + 1)).rowcount:
            self._connection.execute(insert(counters).values(name=name, value=1))
        return int(self._connection.scalar(select(counters.c.value).where(this)) or 0)
