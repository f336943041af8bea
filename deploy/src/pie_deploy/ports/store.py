"""What the platform keeps. One contract suite (`deploy/tests/store/`) on SQLite and PostgreSQL.

Synchronous and thread-safe: services and the controller call it from worker threads. A transaction is serialisable and durable once
the block has
ended without an exception; an exception rolls all of it back. Rows are immutable structs: to change one, `put` the changed copy.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pie_deploy.domain.operations import OperationRecord
from pie_deploy.domain.records import ApiKey, Backend, ComponentVersion, Container, Deployment, Event, File, Lease, Runtime


class Reading(Protocol):
    """One consistent view. `find_*` answers None for what is not there; names resolve as well as ids, and an id goes before a name.

    Lists are in order: by name (versions of a name newest first); deployments, leases and files newest first; containers by
    deployment, generation and vertex; logs and events oldest first.
    """

    def find_version(self, id_or_name: str) -> ComponentVersion | None:
        """By id, `name@version`, or `name` (the newest released one, else the newest)."""
        ...

    def versions(self, name: str | None = None, lease_id: str | None = None) -> Sequence[ComponentVersion]: ...

    def find_backend(self, id_or_name: str) -> Backend | None:
        """Not deleted ones; by id also deleted ones."""
        ...

    def backends(self, lease_id: str | None = None) -> Sequence[Backend]: ...

    def operations(self, backend_id: str, after: int = 0, limit: int | None = None) -> Sequence[OperationRecord]: ...

    def find_deployment(self, deployment_id: str) -> Deployment | None:
        """Also gone ones."""
        ...

    def deployment_of(self, backend_id: str) -> Deployment | None:
        """The one that is not gone."""
        ...

    def deployments(
        self, *, gone: bool = False, lease_id: str | None = None, runtime_id: str | None = None
    ) -> Sequence[Deployment]:
        """Those that are not gone; with `gone` all."""
        ...

    def find_container(self, container_id: str) -> Container | None: ...

    def containers(self, deployment_id: str | None = None) -> Sequence[Container]:
        """Of one deployment (also a gone one), or of all that are not gone."""
        ...

    def find_runtime(self, id_or_name: str) -> Runtime | None: ...

    def runtimes(self) -> Sequence[Runtime]: ...

    def find_lease(self, lease_id: str) -> Lease | None: ...

    def leases(self, *, closed: bool = False) -> Sequence[Lease]: ...

    def find_file(self, id_or_name: str) -> File | None:
        """By id or name (the newest of that name)."""
        ...

    def files(self, lease_id: str | None = None) -> Sequence[File]: ...

    def find_api_key(self, digest: str) -> ApiKey | None:
        """By its digest."""
        ...

    def api_keys(self) -> Sequence[ApiKey]:
        """All of them, oldest first."""
        ...

    def is_content_used(self, content_hash: str) -> bool:
        """Whether a file or a component version has this content."""
        ...

    def events(
        self,
        after: int = 0,
        *,
        deployment_id: str | None = None,
        backend_id: str | None = None,
        lease_id: str | None = None,
        limit: int = 1000,
    ) -> Sequence[Event]: ...

    def oldest_of_newest_events(self, deployment_id: str, count: int) -> int | None:
        """The seq from which on a deployment has that many events; None: it has no more than that."""
        ...


class Transaction(Reading, Protocol):
    """What it reads is what all transactions before it left, and nobody else writes until it ends: do before it what takes long."""

    def put_version(self, version: ComponentVersion) -> None: ...

    def delete_version(self, version_id: str) -> None: ...

    def next_version(self, name: str) -> int:
        """1, 2, … per component; a number is never given twice."""
        ...

    def put_backend(self, backend: Backend) -> None:
        """Raises AlreadyExistsError when another live backend has the name."""
        ...

    def append(self, records: Sequence[OperationRecord]) -> None:
        """Add to a backend's log. Raises ConflictError when the first seq is not the head's successor."""
        ...

    def replace_log(self, backend_id: str, records: Sequence[OperationRecord]) -> None:
        """For compact: the old log is archived."""
        ...

    def put_deployment(self, deployment: Deployment) -> None:
        """Raises DeploymentLiveError when the backend has another one that is not gone."""
        ...

    def put_container(self, container: Container) -> None: ...

    def delete_containers(self, container_ids: Sequence[str]) -> None: ...

    def put_runtime(self, runtime: Runtime) -> None: ...

    def put_lease(self, lease: Lease) -> None: ...

    def put_file(self, file: File) -> None: ...

    def delete_file(self, file_id: str) -> None: ...

    def put_api_key(self, key: ApiKey) -> None: ...

    def delete_api_keys(self, key_ids: Sequence[str]) -> None: ...

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
    ) -> None: ...

    def delete_events(self, before_ns: int, most: int) -> int:
        """The oldest ones, of those from before a moment; how many."""
        ...

    def delete_events_of(self, deployment_id: str, before_seq: int, most: int) -> int:
        """A deployment's oldest ones, of those before a seq; how many."""
        ...


class Store(Protocol):
    def reading(self) -> AbstractContextManager[Reading]: ...

    def transaction(self) -> AbstractContextManager[Transaction]: ...

    def close(self) -> None: ...
