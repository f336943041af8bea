"""What people see in tables, as golden text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cli_rows as rows
import golden_text
import pytest

from pie_deploy.cli import component, container, deployment, file, lease, runtime
from pie_deploy.cli.backend import listing
from pie_deploy.cli.backend.operations import columns as operation_columns
from pie_deploy.cli.naming import Names
from pie_deploy.cli.screen import Listing
from pie_deploy.cli.type import COLUMNS as TYPES
from pie_deploy.domain.operations import AddVertex, ChangeParameter, Connect, Input, Output
from pie_deploy.services.views import EdgeView, EndpointView, SlotView, TypeView, VertexView

NOW_NS = rows.THEN_NS + 90_061 * rows.SECOND_NS
NAMES = Names({"b-aaaaaaaaaaaa": "wordcount"}, {"r-aaaaaaaaaaaa": "local"})


def backends() -> Listing[Any]:
    forked = rows.backend("staging", id="b-2", forked_from="b-aaaaaaaaaaaa")
    return Listing(listing.columns(NAMES.backends, NOW_NS), [rows.backend(), forked])


def vertices() -> Listing[Any]:
    words = SlotView(type="[String]", declared="[String]")
    text = SlotView(type="String", declared="String")
    one = VertexView(
        name="tokenise",
        component="tokenise@1",
        inputs=(text,),
        outputs=(words,),
        parameters={"lower": "true"},
        endpoints={"text": "ingress"},
    )
    return Listing(listing.VERTICES, [one, VertexView(name="tee", transformation="tee")])


def edges() -> Listing[Any]:
    edge = EdgeView(from_vertex="tokenise", from_position=0, to_vertex="count", to_position=1, type="[String]")
    return Listing(listing.EDGES, [edge])


def endpoints() -> Listing[Any]:
    view = EndpointView(
        role="text",
        vertex="tokenise",
        endpoint="text",
        direction="ingress",
        transports=("http", "ws"),
        type="String",
        url="http://127.0.0.1:8471/f/abc",
    )
    return Listing(listing.ENDPOINTS, [view])


def operations() -> Listing[Any]:
    add = AddVertex(vertex="count", component="cv-1", parameters={"top": "5"})
    connect = Connect(output=Output("tokenise"), input=Input("count"))
    unset = ChangeParameter(vertex="count", name="top")
    return Listing(
        operation_columns({"cv-1": "count@1"}), [rows.record(1, add), rows.record(2, connect), rows.record(3, unset, undoes=1)]
    )


def deployments() -> Listing[Any]:
    failed = rows.deployment(id="d-2", status="failed", status_reason="crashloop", debug=True)
    running = rows.deployment(status="running", containers_ready=2, expires_at_ns=NOW_NS + 3_600 * rows.SECOND_NS)
    gone = rows.deployment(id="d-3", status="tearing_down", backend_id="b-?", gone_at_ns=NOW_NS)
    return Listing(deployment.columns(NAMES, NOW_NS), [running, failed, gone])


def containers() -> Listing[Any]:
    crashed = rows.container("count", state="backoff", restarts=3, exit_code=-9, last_error="out of memory\n" + "x" * 200)
    return Listing(container.columns(NOW_NS), [rows.container(pid=17), crashed])


def runtimes() -> Listing[Any]:
    locked = rows.runtime(name="gpu", labels=("cpu", "gpu"), locked=True, ceiling_ns=86_400 * rows.SECOND_NS)
    return Listing(runtime.columns(NOW_NS), [rows.runtime(), locked])


def leases() -> Listing[Any]:
    closed = rows.lease(id="l-2", state="rolled_back", reason="ttl", runtime_id="r-aaaaaaaaaaaa")
    return Listing(lease.columns({"r-aaaaaaaaaaaa": "local"}, NOW_NS), [rows.lease(label="try it"), closed])


def files() -> Listing[Any]:
    return Listing(file.columns(NOW_NS), [rows.file(), rows.file(name="\x1b[31mred", size_bytes=5)])


def versions() -> Listing[Any]:
    return Listing(component.columns(NOW_NS), [rows.version(), rows.version("count", version="12", state="released")])


def types() -> Listing[Any]:
    maybe = TypeView(name="Maybe", parameters=("t",), definition="Nothing | Just<t>", description="Something, or nothing.")
    return Listing(TYPES, [maybe, TypeView(name="Nothing", definition="")])


@pytest.mark.parametrize(
    "table",
    [backends, vertices, edges, endpoints, operations, deployments, containers, runtimes, leases, files, versions, types],
    ids=lambda table: table.__name__,
)
def test_a_table_reads(table: Callable[[], Listing[Any]]) -> None:
    text = "\n".join([*table().lines(), ""])
    golden_text.check(Path(__file__).parent / "golden" / f"{table.__name__}.txt", text)
