"""What can be known of a live test before anything is begun: that everything which its manifest names is there, and fits.

The graph is put together here as the platform will do it, by the same rules, from the manifests of its components. All that is
wrong is told at once.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pie_deploy.domain.completeness import check_complete
from pie_deploy.domain.document import changes, renamed
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.live_test import LiveTest, folders, operations, streamed_roles
from pie_deploy.domain.manifest import ComponentManifest, Endpoint
from pie_deploy.domain.operations import Operation
from pie_deploy.domain.records import ComponentVersion, File, Runtime
from pie_deploy.domain.shape import shapes_from
from pie_deploy.domain.suggestion import hint
from pie_deploy.errors import DeployError, Detail, InvalidArgumentError, NotFoundError
from pie_deploy.limits import REFUSAL_REASONS_MAX
from pie_deploy.live_test.api import Api, at
from pie_deploy.live_test.site import Packed
from pie_deploy.services.shown import graph_of
from pie_deploy.services.views import BackendView

Pack = Callable[[Path], Packed]
STREAMING = {"sse", "ws"}


def check(api: Api, test: LiveTest, folder: Path, pack: Pack, runtime: str | None) -> Mapping[str, Packed]:
    """The components that are folders, packed. Raises the first thing that is wrong, with all others in its details."""
    checking = _Checking(api, test, folder)
    checking.fixtures()
    checking.pack(pack)
    with checking.collecting():
        if runtime is not None:
            api.get(at("runtimes", runtime), Runtime)
    with checking.collecting():
        checking.graph()
    checking.raise_found()
    return checking.packed


@dataclass(slots=True)
class _Checking:
    api: Api
    test: LiveTest
    folder: Path
    packed: dict[str, Packed] = field(default_factory=dict)
    found: list[DeployError] = field(default_factory=list)
    manifests: dict[str, ComponentManifest] = field(default_factory=dict)
    """By what the graph calls a component: an id, or a folder."""

    @contextmanager
    def collecting(self, place: str = "") -> Iterator[None]:
        try:
            yield
        except DeployError as error:
            self.found.append(error.within(place) if place else error)

    def raise_found(self) -> None:
        if not self.found:
            return
        first, *others = self.found
        if not others:
            raise first
        details = [detail for error in self.found for detail in _details(error)][:REFUSAL_REASONS_MAX]
        raise type(first)(f"{first} (and {len(details) - 1} more)", details)

    def fixtures(self) -> None:
        for name, fixture in self.test.fixtures.items():
            path = self.folder / fixture.path
            if not path.is_file():
                self.found.append(InvalidArgumentError(f"fixtures.{name}: there is no file {path}"))

    def pack(self, pack: Pack) -> None:
        for name in folders(self.test):
            with self.collecting():
                self.packed[name] = pack(self.folder / name)
                self.manifests[name] = self.packed[name].manifest

    def graph(self) -> None:
        """The graph with everything in it that the test puts there, and what the test asks of it."""
        known = len(self.found)
        base, wanted = self._base()
        if base is None or len(self.found) > known or len(self.packed) < len(folders(self.test)):
            return  # what cannot be made cannot be looked at
        head = Head(shapes_from(self._manifest), base, files=self._file_type)
        head.apply(wanted)
        for operation in operations(self.test, self._candidate(), {name: f"@{name}" for name in self.test.fixtures}):
            with self.collecting():
                head.apply([operation])
        self._roles(head)
        self._vertices(head)
        if not self.found:
            check_complete(head.graph(), head.shapes, head.files)

    def _candidate(self) -> str | None:
        return None if self.test.candidate is None else self.test.candidate.component

    def _base(self) -> tuple[Graph | None, list[Operation]]:
        """The graph that is there, and what makes it that of the test. No graph: it cannot be known before it is forked."""
        if self.test.backend is not None:
            view = self.api.get(at("backends", self.test.backend.fork), BackendView)
            seq, head = self.test.backend.at, view.backend.head
            if seq is not None and seq > head:
                raise InvalidArgumentError(f"backend.at: {view.backend.name} has {head} operations, not {seq}")
            return (graph_of(view) if seq in (None, head) else None), []
        assert self.test.graph is not None, "a test has a backend or a graph"
        return Graph(), changes(Graph(), renamed(self.test.graph, self._version, str))

    def _version(self, ref: str) -> str:
        if ref not in self.manifests and ref not in folders(self.test):
            with self.collecting():
                self.manifests[ref] = self.api.get(at("components", ref), ComponentVersion).manifest
        return ref

    def _manifest(self, ref: str) -> ComponentManifest:
        if ref not in self.manifests:
            self.manifests[ref] = self.api.get(at("components", ref), ComponentVersion).manifest
        return self.manifests[ref]

    def _file_type(self, ref: str) -> str | None:
        if ref.startswith("@"):
            fixture = self.test.fixtures.get(ref[1:])
            return None if fixture is None else fixture.type
        with suppress(NotFoundError):
            return self.api.get(at("files", ref), File).file_type
        return None

    def _roles(self, head: Head) -> None:
        for number, step in enumerate(self.test.steps):
            role = step.send.role if step.send else step.expect_stream.role if step.expect_stream else None
            if role is not None:
                with self.collecting(f"steps[{number}]"):
                    _endpoint(head, role)
        for number, one in enumerate(self.test.collect):
            if one.role is not None:
                with self.collecting(f"collect[{number}]"):
                    _endpoint(head, one.role)
        for role in streamed_roles(self.test):
            if role in head.tables.roles and not STREAMING & {*_endpoint(head, role).transports}:
                self.found.append(InvalidArgumentError(f"the endpoint {role} does not stream: it has neither sse nor ws"))

    def _vertices(self, head: Head) -> None:
        for number, step in enumerate(self.test.steps):
            with self.collecting(f"steps[{number}]"):
                if step.expect_log is not None:
                    _vertex(head, step.expect_log.vertex)
                if step.expect_file is not None:
                    _generated(head, step.expect_file.vertex, step.expect_file.slot)
        for number, one in enumerate(self.test.collect):
            with self.collecting(f"collect[{number}]"):
                if one.logs not in (None, "all"):
                    _vertex(head, one.logs or "")
                if one.vertex is not None and one.slot is not None:
                    _generated(head, one.vertex, one.slot)


def _endpoint(head: Head, role: str) -> Endpoint:
    if role not in head.tables.roles:
        raise NotFoundError(f"the graph publishes no endpoint as {role}", hint=hint(role, sorted(head.tables.roles)))
    vertex, name = head.tables.roles[role]
    return head.shape(vertex).endpoints[name]


def _vertex(head: Head, name: str) -> None:
    if name not in head.vertices:
        raise NotFoundError(f"the graph has no vertex {name}", hint=hint(name, head.vertices))


def _generated(head: Head, vertex: str, slot: str) -> None:
    _vertex(head, vertex)
    manifest = head.shape(vertex).manifest
    slots = {} if manifest is None else manifest.worker.generated_file_schema
    if slot not in slots:
        raise NotFoundError(f"vertex {vertex} generates no file {slot}", hint=hint(slot, slots))


def _details(error: DeployError) -> tuple[Detail, ...]:
    told = f"{error}; {error.hint}" if error.hint else str(error)
    return error.details or (Detail(code=error.code, message=told),)
