"""Rows of the platform for tests: all fields filled, those of interest given by name."""

from typing import Any

from pie_deploy.domain.manifest import ComponentManifest
from pie_deploy.domain.operations import AddVertex, Operation, OperationRecord
from pie_deploy.domain.records import ApiKey, Backend, ComponentVersion, Container, Deployment, File, Lease, Node, Runtime
from pie_deploy.domain.role import Role

SECOND_NS = 10**9
START_NS = 1_800_000_000 * SECOND_NS


def a_version(id_: str = "cv-1", name: str = "count", version: str = "1", **more: Any) -> ComponentVersion:
    fields = {
        "state": "prerelease",
        "manifest": ComponentManifest(name=name),
        "content_hash": "ab" * 32,
        "owner": "alice",
        "created_at_ns": START_NS,
    }
    return ComponentVersion(id=id_, name=name, version=version, **{**fields, **more})


def a_backend(id_: str = "b-1", name: str = "words", **more: Any) -> Backend:
    fields = {"owner": "alice", "head": 0, "graph_hash": "", "created_at_ns": START_NS}
    return Backend(id=id_, name=name, **{**fields, **more})


def an_operation(seq: int, backend_id: str = "b-1", operation: Operation | None = None, **more: Any) -> OperationRecord:
    fields = {"inverse": None, "actor": "alice", "at_ns": START_NS, "graph_hash": f"{seq:x}"}
    operation = operation or AddVertex(vertex=f"v{seq}", transformation="zip")
    return OperationRecord(backend_id=backend_id, seq=seq, operation=operation, **{**fields, **more})


def a_deployment(id_: str = "d-1", backend_id: str = "b-1", **more: Any) -> Deployment:
    fields = {
        "backend_seq": 0,
        "graph_hash": "",
        "runtime_id": "r-1",
        "status": "deploying",
        "containers": 1,
        "expires_at_ns": None,
        "startup_timeout_ns": 300 * SECOND_NS,
        "created_by": "alice",
        "created_at_ns": START_NS,
        "status_since_ns": START_NS,
    }
    return Deployment(id=id_, backend_id=backend_id, **{**fields, **more})


def a_container(id_: str = "c-1", deployment_id: str = "d-1", vertex: str = "tokenise", **more: Any) -> Container:
    fields = {"generation": 1, "node_id": "n-1", "state": "pending", "secret": "s", "created_at_ns": START_NS}
    return Container(id=id_, deployment_id=deployment_id, vertex=vertex, **{**fields, **more})


def a_runtime(id_: str = "r-1", name: str = "local", **more: Any) -> Runtime:
    node = Node(id="n-1", runtime_id=id_, cpu=8.0, memory_bytes=16 << 30)
    return Runtime(id=id_, name=name, **{"launcher": "fake", "nodes": (node,), "created_at_ns": START_NS, **more})


def a_lease(id_: str = "l-1", **more: Any) -> Lease:
    fields = {"state": "open", "runtime_id": None, "ttl_ns": 600 * SECOND_NS, "heartbeat_at_ns": START_NS}
    return Lease(id=id_, **{**fields, "owner": "alice", "created_at_ns": START_NS, **more})


def a_file(id_: str = "f-1", name: str = "stopwords", **more: Any) -> File:
    fields = {"file_type": "text", "size_bytes": 3, "content_hash": "cd" * 32, "owner": "alice", "created_at_ns": START_NS}
    return File(id=id_, name=name, **{**fields, **more})


def an_api_key(id_: str = "k-1", **more: Any) -> ApiKey:
    fields = {
        "name": "ci",
        "prefix": "pie_abcd1234",
        "digest": "ef" * 32,
        "user": "alice",
        "role": Role.VIEWER,
        "granted_by": "alice",
        "made_with": "local",
        "created_at_ns": START_NS,
        "expires_at_ns": START_NS + 3600 * SECOND_NS,
    }
    return ApiKey(id=id_, **{**fields, **more})
