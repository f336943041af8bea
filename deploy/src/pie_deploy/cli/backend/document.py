"""The verbs that make a backend what a file says, and the other way round."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from pie_deploy.cli.backend.arguments import BackendRef
from pie_deploy.cli.backend.operations import sentence
from pie_deploy.cli.client import Client, at, connect, given
from pie_deploy.cli.component.packing import read_manifest
from pie_deploy.cli.component.publishing import Packed, packed, publish, published
from pie_deploy.cli.options import Json, LeaseId
from pie_deploy.cli.screen import say, show_json
from pie_deploy.cli.verbs import warn
from pie_deploy.domain.completeness import problems
from pie_deploy.domain.document import GraphDocument, changes, parse_document, print_document, renamed
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.manifest import ComponentManifest
from pie_deploy.domain.records import ComponentVersion, File
from pie_deploy.domain.shape import shapes_from
from pie_deploy.errors import (
    InvalidArgumentError,
    InvalidOperationError,
    LiteralError,
    NotFoundError,
    StorageError,
    TypeMismatchError,
)
from pie_deploy.limits import DOCUMENT_BYTES_MAX
from pie_deploy.services.shown import graph_of
from pie_deploy.services.views import AppliedDocument, BackendView

app = typer.Typer()

FILE_NAME = "backend.yml"


@app.command()
def apply(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The graph, in YAML, as `pie backend export` prints it; or a folder with a backend.yml."
        ),
    ],
    name: Annotated[str | None, typer.Option("--name", metavar="BACKEND", help="Another backend than the file names.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be appended.")] = False,
    lease: LeaseId = None,
    as_json: Json = False,
) -> None:
    """Make a backend what a file says: append the operations that are missing, take away what the file lacks.

    A backend that is not there is made. Components given as folders (./tokenise) are published first when their content is new.
    For example: pie backend apply deploy/examples/wordcount/backend.yml
    """
    file = file / FILE_NAME if file.is_dir() else file
    document = read(file, name)
    with connect() as client, _in_file(file):
        folders = Folders(client, file.parent, lease, quiet=as_json)
        if dry_run:
            applied = preview(client, folders, document)
        else:
            resolved = renamed(document, folders.published, str)
            applied = _apply(client, resolved, dry_run=False, lease=lease)
    if as_json:
        show_json(applied)
    else:
        tell(applied, document.name or "", dry_run=dry_run)


@app.command()
def export(
    backend: BackendRef,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PATH", help="Write it there, instead of to stdout.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print a backend's graph as a file for `pie backend apply`. For example: pie backend export wordcount -o backend.yml"""
    with connect() as client:
        document = client.get(at("backends", backend, "export"), GraphDocument)
    if as_json:
        show_json(document)
        return
    text = print_document(document)
    if output is None:
        print(text, end="", flush=True)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{output}: cannot be written: {error.strerror}") from error
    say(f"{output}: {document.name}")


def read(file: Path, name: str | None) -> GraphDocument:
    """The document, with the name of the backend in it. Raises InvalidArgumentError and ManifestError."""
    try:
        with file.open("rb") as opened:
            document = parse_document(opened.read(DOCUMENT_BYTES_MAX + 1), str(file))
    except OSError as error:
        raise InvalidArgumentError(f"{file}: cannot be read: {error.strerror}") from error
    document = replace(document, name=name or document.name)
    if document.name is None:
        raise InvalidArgumentError(f"{file} names no backend; say which with --name")
    return document


def preview(client: Client, folders: "Folders", document: GraphDocument) -> AppliedDocument:
    """What `apply` would append. The platform says, unless it would have to know components that it does not have yet."""
    references = {vertex.component for vertex in document.vertices.values() if vertex.component is not None}
    known = {ref: folders.found(ref) for ref in references}
    if None not in known.values():
        return _apply(client, renamed(document, lambda ref: known[ref] or ref, str), dry_run=True, lease=None)

    versions = Versions(client, folders)
    view = _view(client, document.name or "")
    graph = Graph() if view is None else graph_of(view)
    wanted = renamed(document, versions.id_of, lambda ref: client.get(at("files", ref), File).id)
    operations = changes(graph, wanted)
    head = Head(shapes_from(versions.manifest), graph)
    for operation in operations:
        head.apply([operation])  # raises what the platform would
    return AppliedDocument(
        backend_id=None if view is None else view.backend.id,
        created=view is None,
        operations=tuple(operations),
        problems=tuple(problems(head.graph(), head.shapes)),
        names=versions.names,
    )


def tell(applied: AppliedDocument, name: str, *, dry_run: bool) -> None:
    if dry_run and applied.backend_id is None:
        print(f"✓ {name} would be made", flush=True)
    elif applied.created:
        print(f"✓ {name} is made ({applied.backend_id})", flush=True)
    if applied.records:
        for record in applied.records:
            print(f"✓ {record.seq}  {sentence(record.operation, applied.names)}", flush=True)
    else:
        for operation in applied.operations:
            print(f"  {sentence(operation, applied.names)}", flush=True)
    if applied.inserted:
        print(f"  inserted to make the types fit: {', '.join(applied.inserted)}", flush=True)
    if not applied.operations:
        say(f"{name} is what the file says")
    warn(f"{name} {'could not' if dry_run else 'cannot'} be deployed like this", applied.problems)


@contextmanager
def _in_file(file: Path) -> Iterator[None]:
    """What is wrong with the graph is wrong in the file."""
    try:
        yield
    except (InvalidOperationError, LiteralError, TypeMismatchError) as error:
        raise error.within(str(file)) from error


class Versions:
    """What the platform has, and folders as if it had them."""

    def __init__(self, client: Client, folders: "Folders") -> None:
        self._client = client
        self._folders = folders
        self._manifests: dict[str, ComponentManifest] = {}
        self.names: dict[str, str] = {}
        """`name@version` by id."""

    def id_of(self, ref: str) -> str:
        found = self._folders.found(ref)
        if found is None:
            id_ = f"{ref} (to be published)"
            self._manifests[id_] = self._folders.manifest(ref)
            return id_
        version = self._client.get(at("components", found), ComponentVersion)
        self._manifests[version.id] = version.manifest
        self.names[version.id] = f"{version.name}@{version.version}"
        return version.id

    def manifest(self, id_: str) -> ComponentManifest:
        """Also of a version that the graph has and the document has not. Raises NotFoundError."""
        if id_ not in self._manifests:
            self._manifests[id_] = self._client.get(at("components", id_), ComponentVersion).manifest
        return self._manifests[id_]


class Folders:
    """The components that a document gives as folders, which are relative to the document; each is packed once."""

    def __init__(self, client: Client, base: Path, lease: str | None, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._client = client
        self._base = base
        self._lease = lease
        self._packed: dict[str, Packed] = {}
        self._ids: dict[str, str] = {}

    def published(self, ref: str) -> str:
        """A reference that the platform knows: what is new is published now."""
        found = self.found(ref)
        if found is not None:
            return found
        version = publish(self._client, self._packed[ref], self._lease)
        if not self._quiet:
            say(f"published {ref} as {version.name}@{version.version}")
        self._ids[ref] = version.id
        return version.id

    def found(self, ref: str) -> str | None:
        """A reference that the platform knows; None: a folder whose content it does not have."""
        if not is_folder(ref):
            return ref
        if ref not in self._packed:
            self._packed[ref] = packed(self._base / ref)
            version = published(self._client, self._packed[ref], self._lease)
            if version is not None:
                self._ids[ref] = version.id
        return self._ids.get(ref)

    def manifest(self, ref: str) -> ComponentManifest:
        """Of a folder that was looked for."""
        return read_manifest(self._packed[ref].folder)


def is_folder(ref: str) -> bool:
    """`./tokenise`, `../tokenise`, `/srv/tokenise`; everything else is a name or an id."""
    return ref.startswith(("./", "../", "/")) or ref in (".", "..")


def _view(client: Client, name: str) -> BackendView | None:
    try:
        return client.get(at("backends", name), BackendView)
    except NotFoundError:
        return None


def _apply(client: Client, document: GraphDocument, *, dry_run: bool, lease: str | None) -> AppliedDocument:
    body = given({"document": document, "dry_run": dry_run, "lease": lease})
    return client.post(at("backends", document.name or "", "apply"), AppliedDocument, body)
