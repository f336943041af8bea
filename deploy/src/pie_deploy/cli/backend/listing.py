"""The verbs that look at backends, make and delete them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

import msgspec
import typer

from pie_deploy.cli.backend.arguments import BackendRef
from pie_deploy.cli.backend.operations import columns as operation_columns
from pie_deploy.cli.backend.operations import sentence
from pie_deploy.cli.client import Client, at, connect, given
from pie_deploy.cli.options import Json, LeaseId, Watch, Wide
from pie_deploy.cli.patience import present
from pie_deploy.cli.screen import Columns, Listing, say, show, show_done, show_facts, show_json
from pie_deploy.cli.text import ago, described, joined, when
from pie_deploy.cli.verbs import warn
from pie_deploy.domain.operations import Operation, OperationRecord
from pie_deploy.domain.records import Backend
from pie_deploy.domain.suggestion import hint
from pie_deploy.errors import NotFoundError
from pie_deploy.services.views import AliasView, BackendView, EdgeView, EndpointView, VertexView

app = typer.Typer()

NewName = Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")]

VERTICES: Columns[VertexView] = Columns(
    {
        "VERTEX": lambda row: row.name,
        "RUNS": lambda row: row.component or row.transformation,
        "INPUTS": lambda row: joined([slot.type for slot in row.inputs]),
        "OUTPUTS": lambda row: joined([slot.type for slot in row.outputs]),
        "PARAMETERS": lambda row: described(row.parameters),
        "FILES": lambda row: described(row.files),
        "ENDPOINTS": lambda row: joined([f"{name} ({direction})" for name, direction in row.endpoints.items()]),
    },
    least=("FILES", "PARAMETERS", "ENDPOINTS", "OUTPUTS", "INPUTS"),
    texts=("INPUTS", "OUTPUTS", "PARAMETERS", "FILES"),
)
EDGES: Columns[EdgeView] = Columns(
    {
        "OUTPUT": lambda row: f"{row.from_vertex}.out{row.from_position}",
        "INPUT": lambda row: f"{row.to_vertex}.in{row.to_position}",
        "TYPE": lambda row: row.type,
    },
    texts=("TYPE",),
)
ENDPOINTS: Columns[EndpointView] = Columns(
    {
        "ROLE": lambda row: row.role,
        "ENDPOINT": lambda row: f"{row.vertex}.{row.endpoint}",
        "DIRECTION": lambda row: row.direction,
        "TRANSPORTS": lambda row: joined(row.transports),
        "TYPE": lambda row: row.type,
        "URL": lambda row: row.url,
    },
    least=("TYPE", "TRANSPORTS", "DIRECTION", "ENDPOINT"),
)


ALIASES: Columns[AliasView] = Columns(
    {
        "ROLE": lambda row: row.role,
        "ENDPOINT": lambda row: f"{row.vertex}.{row.endpoint}",
    }
)


class _Operations(msgspec.Struct, frozen=True):
    items: list[Operation]
    names: dict[str, str] = {}


class _Log(msgspec.Struct, frozen=True):
    items: list[OperationRecord]
    names: dict[str, str] = {}


@app.command()
def create(name: NewName, lease: LeaseId = None, as_json: Json = False) -> None:
    """Make an empty backend. For example: pie backend create wordcount"""
    with connect() as client:
        row = client.post(at("backends"), Backend, given({"name": name, "lease": lease}))
    show_done(f"{row.id}: {row.name}", row, as_json=as_json)


@app.command("list")
def list_backends(watching: Watch = False, wide: Wide = False, as_json: Json = False) -> None:
    """List the backends. For example: pie backend list"""
    with connect() as client:

        def look() -> Listing[Backend]:
            rows = client.items(at("backends"), Backend)
            names = {row.id: row.name for row in rows}
            return Listing(columns(names, time.time_ns()), rows, empty="there are no backends")

        present(client, look, watching=watching, as_json=as_json, wide=wide)


@app.command("show")
def show_backend(backend: BackendRef, wide: Wide = False, as_json: Json = False) -> None:
    """Show a backend's graph, and what it lacks for a deployment. For example: pie backend show wordcount"""
    with connect() as client:
        view = client.get(at("backends", backend), BackendView)
    if as_json:
        show_json(view)
        return
    row, deployment = view.backend, view.deployment
    show_facts(
        {
            "Name": row.name,
            "Id": row.id,
            "Description": view.description,
            "Owner": row.owner,
            "Created": when(row.created_at_ns),
            "Operations": row.head,
            "Fork of": f"{row.forked_from} at operation {row.forked_at}" if row.forked_from else "",
            "Lease": row.lease_id,
            "Deployment": f"{deployment.id}, {deployment.status}" if deployment else "none",
        }
    )
    for listing in tables_of(view):
        if listing.cells:
            print()
            show(listing, as_json=False, wide=wide)
    warn("it cannot be deployed as it is", view.problems)


@app.command()
def fork(
    backend: BackendRef,
    name: NewName,
    at_seq: Annotated[
        int | None, typer.Option("--at", min=0, metavar="SEQ", help="Up to this operation (default: all of them).")
    ] = None,
    lease: LeaseId = None,
    as_json: Json = False,
) -> None:
    """Make a backend of its own that begins as a copy of another one. For example: pie backend fork wordcount staging"""
    body = {"name": name, "at": at_seq, "lease": lease}
    with connect() as client:
        row = client.post(at("backends", backend, "fork"), Backend, given(body))
    show_done(f"{row.id}: {row.name}, from {backend} at operation {row.forked_at}", row, as_json=as_json)


@app.command()
def delete(
    backend: BackendRef,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a backend; its URLs are 404 for ever. Not while it is deployed. For example: pie backend delete staging"""
    if not yes:
        typer.confirm(f"Delete backend {backend}? Its URLs will never come back. (--yes does not ask)", abort=True, err=True)
    with connect() as client:
        client.delete(at("backends", backend), type(None))
    show_done(f"{backend} is deleted", {"deleted": backend}, as_json=as_json)


@app.command()
def operations(
    backend: BackendRef,
    after: Annotated[int, typer.Option("--after", min=0, metavar="SEQ", help="Only what came after this one.")] = 0,
    limit: Annotated[int | None, typer.Option("-n", "--limit", min=1, metavar="COUNT", help="At most so many.")] = None,
    vertex: Annotated[str | None, typer.Option("--vertex", metavar="VERTEX", help="Only what names this vertex.")] = None,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """Show the log of a backend. For example: pie backend operations wordcount --vertex count"""
    names: dict[str, str] = {}
    with connect() as client:
        records = list(islice(log(client, backend, after, limit, vertex, names), limit))
    show(Listing(operation_columns(names), records, empty="there are no operations"), as_json=as_json, wide=wide)


@app.command()
def endpoints(
    backend: BackendRef,
    role: Annotated[str | None, typer.Option("--role", metavar="ROLE", help="Print the URL of this role alone.")] = None,
    wide: Wide = False,
    as_json: Json = False,
) -> None:
    """List the published endpoints and their URLs. For example: curl --data hello $(pie backend endpoints greet --role ask)"""
    with connect() as client:
        rows = client.items(at("backends", backend, "endpoints"), EndpointView)
    if role is not None:
        rows = [_of_role(rows, role)]
        if not as_json:
            print(rows[0].url)
            return
    empty = "nothing is published; see: pie backend change-endpoint-alias"
    show(Listing(ENDPOINTS, rows, empty=empty), as_json=as_json, wide=wide)


def _of_role(rows: Sequence[EndpointView], role: str) -> EndpointView:
    for row in rows:
        if row.role == role:
            return row
    raise NotFoundError(f"no endpoint has the role {role!r}", hint=hint(role, [row.role for row in rows]))


@app.command()
def diff(
    backend: BackendRef,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Another backend's name or id.")],
    as_json: Json = False,
) -> None:
    """Show what would make a backend's graph that of another one. For example: pie backend diff wordcount staging"""
    with connect() as client:
        changes = client.get(at("backends", backend, "diff"), _Operations, other=other)
        if as_json:
            show_json(changes.items)
            return
        problems = client.get(at("backends", other), BackendView).problems
    for operation in changes.items:
        print(sentence(operation, changes.names))
    if not changes.items:
        say("their graphs are the same")
    warn(f"{other} cannot be deployed as it is", problems)


def log(
    client: Client, backend: str, after: int, limit: int | None, vertex: str | None, names: dict[str, str]
) -> Iterator[OperationRecord]:
    """As many as are asked for; an answer has only so many. `names` gets those of what the operations name by id."""
    path = at("backends", backend, "operations")
    while (page := client.get(path, _Log, after=after, limit=limit, vertex=vertex)).items:
        names |= page.names
        yield from page.items
        after = page.items[-1].seq


def columns(names: Mapping[str, str], now_ns: int) -> Columns[Backend]:
    return Columns(
        {
            "NAME": lambda row: row.name,
            "ID": lambda row: row.id,
            "OWNER": lambda row: row.owner,
            "OPERATIONS": lambda row: row.head,
            "AGE": lambda row: ago(row.created_at_ns, now_ns),
            "FORK OF": lambda row: names.get(row.forked_from or "", row.forked_from),
            "LEASE": lambda row: row.lease_id,
        },
        least=("LEASE", "FORK OF", "OWNER", "OPERATIONS", "AGE"),
    )


def tables_of(view: BackendView) -> tuple[Listing[Any], ...]:
    return Listing(VERTICES, view.vertices), Listing(EDGES, view.edges), Listing(ALIASES, view.aliases)
