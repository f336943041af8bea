"""The verbs that append operations to a backend's log."""

from collections.abc import Mapping
from typing import Annotated

import typer

from pie_deploy.cli.backend.arguments import BackendRef, IfMatch, VertexName, assignment, slot
from pie_deploy.cli.backend.operations import sentence
from pie_deploy.cli.client import at, connect
from pie_deploy.cli.options import Json
from pie_deploy.cli.screen import show_done, show_json
from pie_deploy.cli.verbs import warn
from pie_deploy.domain.operations import (
    AddFile,
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    ChangeVersion,
    Connect,
    DeleteVertex,
    Describe,
    Disconnect,
    Input,
    MoveVertex,
    Operation,
    Output,
    RemoveFile,
    RenameBackend,
    RenameVertex,
    RotateEndpoint,
    SetNote,
)
from pie_deploy.domain.records import Backend
from pie_deploy.errors import InvalidArgumentError
from pie_deploy.services.views import Appended

app = typer.Typer()

Endpoint = Annotated[str, typer.Argument(metavar="ENDPOINT", help="One of its endpoints.")]
Slot = Annotated[str, typer.Argument(metavar="SLOT", help="One of its file slots.")]
ComponentRef = Annotated[str, typer.Argument(metavar="COMPONENT", help="A name, name@version, or an id.")]


def append(ref: str, operation: Operation, if_match: int | None, *, as_json: bool, bridge: bool = True) -> None:
    """One operation; what was inserted to make it possible is told."""
    headers: Mapping[str, str] = {} if if_match is None else {"if-match": str(if_match)}
    body = {"operations": [operation], "bridge": bridge}
    with connect() as client:
        appended = client.post(at("backends", ref, "operations"), Appended, body, headers=headers)
    tell(appended, as_json=as_json)


def tell(appended: Appended, *, as_json: bool) -> None:
    if as_json:
        show_json(appended)
        return
    for record in appended.records:
        print(f"✓ {record.seq}  {sentence(record.operation, appended.names)}", flush=True)
    if appended.inserted:
        print(f"  inserted to make the types fit: {', '.join(appended.inserted)}", flush=True)
    warn("it cannot be deployed like this", appended.warnings)


@app.command("add-vertex")
def add_vertex(
    backend: BackendRef,
    vertex: Annotated[str, typer.Argument(metavar="VERTEX", help="What to call it.")],
    component: Annotated[
        str | None, typer.Option("--component", metavar="COMPONENT", help="What it runs: a name, name@version, or an id.")
    ] = None,
    transformation: Annotated[
        str | None, typer.Option("--transformation", metavar="NAME", help="What it does, instead of a component.")
    ] = None,
    parameters: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=LITERAL", help="A parameter; may be repeated.")
    ] = None,
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Add a vertex. For example: pie backend add-vertex wordcount count --component count@3 --set top=5"""
    if (component is None) == (transformation is None):
        raise InvalidArgumentError("say what the vertex is: either --component or --transformation")
    values = dict(map(assignment, parameters or ()))
    operation = AddVertex(vertex=vertex, component=component, transformation=transformation, parameters=values)
    append(backend, operation, if_match, as_json=as_json)


@app.command("delete-vertex")
def delete_vertex(backend: BackendRef, vertex: VertexName, if_match: IfMatch = None, as_json: Json = False) -> None:
    """Delete a vertex with its edges and aliases. For example: pie backend delete-vertex wordcount count"""
    append(backend, DeleteVertex(vertex=vertex), if_match, as_json=as_json)


@app.command("connect")
def connect_slots(
    backend: BackendRef,
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="VERTEX.out0, or VERTEX for its first.")],
    input_: Annotated[str, typer.Argument(metavar="INPUT", help="VERTEX.in0, or VERTEX for its first.")],
    bridge: Annotated[
        bool, typer.Option("--bridge/--no-bridge", help="Whether transformations may be inserted to make the types fit.")
    ] = True,
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Connect an output with an input. For example: pie backend connect wordcount tokenise.out0 count.in0"""
    operation = Connect(output=Output(*slot(output, "out")), input=Input(*slot(input_, "in")))
    append(backend, operation, if_match, as_json=as_json, bridge=bridge)


@app.command()
def disconnect(
    backend: BackendRef,
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="VERTEX.out0, or VERTEX for its first.")],
    input_: Annotated[str, typer.Argument(metavar="INPUT", help="VERTEX.in0, or VERTEX for its first.")],
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Take an edge away. For example: pie backend disconnect wordcount tokenise.out0 count.in0"""
    operation = Disconnect(output=Output(*slot(output, "out")), input=Input(*slot(input_, "in")))
    append(backend, operation, if_match, as_json=as_json)


@app.command("change-parameter", context_settings={"ignore_unknown_options": True})  # -1 is a literal
def change_parameter(
    backend: BackendRef,
    vertex: VertexName,
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of its parameters.")],
    value: Annotated[
        str | None, typer.Argument(metavar="[LITERAL]", help="Its value, such as 5, true, '\"text\"' or '[1, 2]'.")
    ] = None,
    unset: Annotated[bool, typer.Option("--unset", help="Back to the default.")] = False,
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Give a parameter a value. A mutable one reaches the running container at once.

    Text needs its quotes, and the shell its own around them.
    For example: pie backend change-parameter wordcount report title '"Words"'
    """
    if (value is None) != unset:
        raise InvalidArgumentError("give a literal, or --unset")
    append(backend, ChangeParameter(vertex=vertex, name=name, value=value), if_match, as_json=as_json)


@app.command("add-file")
def add_file(
    backend: BackendRef,
    vertex: VertexName,
    slot_name: Slot,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file's id or name.")],
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Bind a file to a slot. For example: pie backend add-file wordcount tokenise stopwords stopwords.txt"""
    append(backend, AddFile(vertex=vertex, slot=slot_name, file=file), if_match, as_json=as_json)


@app.command("remove-file")
def remove_file(backend: BackendRef, vertex: VertexName, slot_name: Slot, if_match: IfMatch = None, as_json: Json = False) -> None:
    """Take a slot's file away. For example: pie backend remove-file wordcount tokenise stopwords"""
    append(backend, RemoveFile(vertex=vertex, slot=slot_name), if_match, as_json=as_json)


@app.command("change-version")
def change_version(
    backend: BackendRef, vertex: VertexName, component: ComponentRef, if_match: IfMatch = None, as_json: Json = False
) -> None:
    """Let a vertex run another version. For example: pie backend change-version wordcount count count@4"""
    append(backend, ChangeVersion(vertex=vertex, component=component), if_match, as_json=as_json)


@app.command("change-endpoint-alias")
def change_endpoint_alias(
    backend: BackendRef,
    vertex: VertexName,
    endpoint: Endpoint,
    role: Annotated[str | None, typer.Argument(metavar="[ROLE]", help="The role under which it is published.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Publish it no longer.")] = False,
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Publish an endpoint under a role; its URL is there from then on.

    For example: pie backend change-endpoint-alias wordcount tokenise text text
    """
    if (role is None) != remove:
        raise InvalidArgumentError("give a role, or --remove")
    append(backend, ChangeEndpointAlias(vertex=vertex, endpoint=endpoint, role=role), if_match, as_json=as_json)


@app.command("rotate-endpoint")
def rotate_endpoint(
    backend: BackendRef, vertex: VertexName, endpoint: Endpoint, if_match: IfMatch = None, as_json: Json = False
) -> None:
    """Give an endpoint a new URL; the old one is 404 from then on.

    For example: pie backend rotate-endpoint wordcount tokenise text
    """
    append(backend, RotateEndpoint(vertex=vertex, endpoint=endpoint), if_match, as_json=as_json)


@app.command("rename-vertex")
def rename_vertex(
    backend: BackendRef,
    vertex: VertexName,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="What people read; its name stays.")],
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Give a vertex a label. For example: pie backend rename-vertex wordcount count "Counts words" """
    append(backend, RenameVertex(vertex=vertex, label=label), if_match, as_json=as_json)


@app.command("move-vertex", context_settings={"ignore_unknown_options": True})  # -40 is a place
def move_vertex(
    backend: BackendRef,
    vertex: VertexName,
    x: Annotated[float, typer.Argument(metavar="X", help="To the right.")],
    y: Annotated[float, typer.Argument(metavar="Y", help="Down.")],
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Place a vertex in pictures of the graph. For example: pie backend move-vertex wordcount count 100 40"""
    append(backend, MoveVertex(vertex=vertex, position=(x, y)), if_match, as_json=as_json)


@app.command("set-note")
def set_note(
    backend: BackendRef,
    vertex: VertexName,
    note: Annotated[str, typer.Argument(metavar="TEXT", help="What to remember.")],
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Write a note to a vertex. For example: pie backend set-note wordcount count "slow for long texts" """
    append(backend, SetNote(vertex=vertex, note=note), if_match, as_json=as_json)


@app.command()
def rename(
    backend: BackendRef,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")],
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Give a backend another name; its URLs stay. For example: pie backend rename wordcount words"""
    append(backend, RenameBackend(name=name), if_match, as_json=as_json)


@app.command()
def describe(
    backend: BackendRef,
    description: Annotated[str, typer.Argument(metavar="TEXT", help="What it is for.")],
    if_match: IfMatch = None,
    as_json: Json = False,
) -> None:
    """Say what a backend is for. For example: pie backend describe wordcount "Counts words." """
    append(backend, Describe(description=description), if_match, as_json=as_json)


@app.command()
def undo(
    backend: BackendRef,
    count: Annotated[int, typer.Argument(metavar="[COUNT]", min=1, help="How many of the last operations.")] = 1,
    as_json: Json = False,
) -> None:
    """Take back the last operations, by appending their inverses. For example: pie backend undo wordcount 2"""
    with connect() as client:
        tell(client.post(at("backends", backend, "undo"), Appended, {"count": count}), as_json=as_json)


@app.command()
def compact(backend: BackendRef, as_json: Json = False) -> None:
    """Rewrite the log to the shortest that gives the same graph. Cannot be undone, and not while it is deployed.

    For example: pie backend compact wordcount
    """
    with connect() as client:
        row = client.post(at("backends", backend, "compact"), Backend)
    show_done(f"{row.name} has {row.head} operations", row, as_json=as_json)
