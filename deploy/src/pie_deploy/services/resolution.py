"""What operations refer to outside the graph: component versions and files. Names become ids before anything is recorded, and
what is recorded is there, visible, and of the same lease or the workspace's.
"""

from collections.abc import Iterable
from functools import cache, partial

from msgspec.structs import replace

from pie_deploy.domain.document import GraphDocument, renamed
from pie_deploy.domain.graph import ComponentSource, Graph
from pie_deploy.domain.operations import AddFile, AddVertex, ChangeVersion, Operation, RestoreVertex
from pie_deploy.domain.records import Backend
from pie_deploy.errors import NotFoundError
from pie_deploy.ports.store import Reading
from pie_deploy.services.actor import Actor
from pie_deploy.services.lookup import file_for, foreign, version_for


class Resolver:
    """Ids for the names of one request, each looked up once. Raises NotFoundError, also for somebody else's prerelease, and
    LeaseOwnershipError.
    """

    def __init__(self, reading: Reading, actor: Actor, lease_id: str | None) -> None:
        self._version = cache(lambda ref: version_for(reading, actor, ref, lease_id).id)
        self._file = cache(lambda ref: file_for(reading, actor, ref, lease_id).id)

    def operation(self, operation: Operation) -> Operation:
        if isinstance(operation, AddVertex | ChangeVersion | RestoreVertex) and operation.component is not None:
            operation = replace(operation, component=self._version(operation.component))
        if isinstance(operation, AddFile):
            return replace(operation, file=self._file(operation.file))
        if isinstance(operation, RestoreVertex) and operation.files:
            return replace(operation, files={slot: self._file(file) for slot, file in operation.files.items()})
        return operation

    def document(self, document: GraphDocument) -> GraphDocument:
        return renamed(document, component=self._version, file=self._file)


def check_references(reading: Reading, backend: Backend, operations: Iterable[Operation]) -> None:
    """That what the operations refer to by id is still there and may be used by the backend. Raises NotFoundError,
    LeaseOwnershipError.
    """
    _check_ids(reading, backend, *_ids_in(operations))


def _ids_in(operations: Iterable[Operation]) -> tuple[set[str], set[str]]:
    """Of component versions, and of files."""
    versions: set[str] = set()
    files: set[str] = set()
    for operation in operations:
        if isinstance(operation, AddVertex | ChangeVersion | RestoreVertex) and operation.component is not None:
            versions.add(operation.component)
        if isinstance(operation, RestoreVertex):
            files.update(operation.files.values())
        if isinstance(operation, AddFile):
            files.add(operation.file)
    return versions, files


def check_graph_references(reading: Reading, backend: Backend, graph: Graph) -> None:
    """The same of everything that a graph refers to."""
    _check_ids(reading, backend, set(versions_of(graph).values()), files_of(graph))


def _check_ids(reading: Reading, backend: Backend, versions: set[str], files: set[str]) -> None:
    for kind, ids, find in (("component version", versions, reading.find_version), ("file", files, reading.find_file)):
        for id_ in sorted(ids):
            found = find(id_)
            if found is None or found.id != id_:
                raise NotFoundError(f"there is no {kind} {id_}")
            if found.lease_id not in (None, backend.lease_id):
                raise foreign(kind, id_, found.lease_id)


def names_in(reading: Reading, operations: Iterable[Operation]) -> dict[str, str]:
    """What people call the versions and files that the operations name by id; those that are gone have no name."""
    versions, files = _ids_in(operations)
    found = {id_: _version_name(reading, id_) for id_ in versions} | {id_: _name_of_file(reading, id_) for id_ in files}
    return {id_: name for id_, name in found.items() if name != id_}


def _name_of_file(reading: Reading, id_: str) -> str:
    file = reading.find_file(id_)
    return id_ if file is None else file.name


def with_names(reading: Reading, document: GraphDocument) -> GraphDocument:
    """A document that is shown: `name@version` for versions, names for files where they lead back to the same file."""
    return renamed(document, component=cache(partial(_version_name, reading)), file=cache(partial(_file_name, reading)))


def _version_name(reading: Reading, id_: str) -> str:
    version = reading.find_version(id_)
    return id_ if version is None else f"{version.name}@{version.version}"


def _file_name(reading: Reading, id_: str) -> str:
    file = reading.find_file(id_)
    newest = None if file is None else reading.find_file(file.name)
    return file.name if file is not None and newest == file else id_


def versions_of(graph: Graph) -> dict[str, str]:
    """Component version id by vertex."""
    return {name: vertex.source.version_id for name, vertex in graph.vertices.items() if isinstance(vertex.source, ComponentSource)}


def files_of(graph: Graph) -> set[str]:
    """Ids of the files that are bound."""
    return {file for vertex in graph.vertices.values() for file in vertex.files.values()}
