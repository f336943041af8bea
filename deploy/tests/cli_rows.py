"""Rows as an API would show them."""

from typing import Any

from msgspec.structs import replace

from pie_deploy.domain.manifest import ComponentManifest, Parameter, Worker
from pie_deploy.domain.operations import Operation, OperationRecord
from pie_deploy.domain.records import Backend, ComponentVersion, Container, Deployment, File, Lease, Node, Runtime

SECOND_NS = 10**9
THEN_NS = 1_700_000_000 * SECOND_NS
"""2023-11-14T22:13:20Z"""


def backend(name: str = "wordcount", **changes: Any) -> Backend:
    row = Backend(id="b-aaaaaaaaaaaa", name=name, owner="ann", head=7, graph_hash="h", created_at_ns=THEN_NS)
    return replace(row, **changes)


def deployment(**changes: Any) -> Deployment:
    row = Deployment(
        id="d-aaaaaaaaaaaa",
        backend_id="b-aaaaaaaaaaaa",
        backend_seq=7,
        graph_hash="h",
        runtime_id="r-aaaaaaaaaaaa",
        status="deploying",
        containers=2,
        expires_at_ns=None,
        startup_timeout_ns=300 * SECOND_NS,
        created_by="ann",
        created_at_ns=THEN_NS,
        status_since_ns=THEN_NS,
    )
    return replace(row, **changes)


def container(vertex: str = "tokenise", **changes: Any) -> Container:
    row = Container(
        id=f"c-{vertex}",
        deployment_id="d-aaaaaaaaaaaa",
        vertex=vertex,
        generation=1,
        node_id="n-1",
        state="ready",
        secret="",
        created_at_ns=THEN_NS,
    )
    return replace(row, **changes)


def runtime(**changes: Any) -> Runtime:
    node = Node(id="n-1", runtime_id="r-aaaaaaaaaaaa", cpu=2.0, memory_bytes=4 << 30)
    row = Runtime(id="r-aaaaaaaaaaaa", name="local", launcher="process", nodes=(node,), created_at_ns=THEN_NS)
    return replace(row, **changes)


def lease(**changes: Any) -> Lease:
    row = Lease(
        id="l-aaaaaaaaaaaa",
        state="open",
        runtime_id=None,
        ttl_ns=900 * SECOND_NS,
        heartbeat_at_ns=THEN_NS,
        owner="ann",
        created_at_ns=THEN_NS,
    )
    return replace(row, **changes)


def file(**changes: Any) -> File:
    row = File(
        id="f-aaaaaaaaaaaa",
        name="stopwords.txt",
        file_type="text",
        size_bytes=2048,
        content_hash="h",
        owner="ann",
        created_at_ns=THEN_NS,
    )
    return replace(row, **changes)


def version(name: str = "tokenise", **changes: Any) -> ComponentVersion:
    worker = Worker(
        input_types=("String",),
        output_types=("[String]",),
        config_schema={"lower": Parameter(type="Bool", default="true", mutable=True)},
    )
    row = ComponentVersion(
        id="cv-aaaaaaaaaaaa",
        name=name,
        version="1",
        state="prerelease",
        manifest=ComponentManifest(name=name, summary="Splits a text into words.", worker=worker),
        content_hash="h",
        owner="ann",
        created_at_ns=THEN_NS,
    )
    return replace(row, **changes)


def record(seq: int, operation: Operation, **changes: Any) -> OperationRecord:
    row = OperationRecord(
        backend_id="b-aaaaaaaaaaaa",
        seq=seq,
        operation=operation,
        inverse=None,
        actor="ann",
        at_ns=THEN_NS,
        graph_hash="h",
    )
    return replace(row, **changes)
