"""Where containers are built: for each one its rows, and the blueprint of its generation. Called from worker threads."""

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from pie_deploy.config import Home
from pie_deploy.config.home import handed_folder
from pie_deploy.controller import generated
from pie_deploy.controller.blueprint import Blueprint, Sources
from pie_deploy.controller.graphs import Graphs, Mirror
from pie_deploy.controller.snapshot import Snapshot
from pie_deploy.domain.graph import ComponentSource
from pie_deploy.domain.manifest import ComponentManifest
from pie_deploy.domain.plan import Desired
from pie_deploy.domain.records import ComponentVersion, Container, File, Runtime
from pie_deploy.domain.shape import shapes_from
from pie_deploy.errors import LauncherError, NotFoundError
from pie_deploy.limits import BLUEPRINTS_KEPT_MAX, SHAPES_KEPT_MAX
from pie_deploy.ports.launcher import ContainerLimits
from pie_deploy.ports.store import Store
from pie_deploy.services.blobs import Blobs
from pie_flow.container import ContainerSpec
from pie_flow.control import SetConfig

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Site:
    """A container and what it belongs to."""

    row: Container
    desired: Desired
    runtime: Runtime
    """Where it is, or is to be."""


class Sites:
    def __init__(
        self,
        store: Store,
        home: Home,
        component_folder: Callable[[ComponentVersion], Path],
        blobs: Blobs,
        control_address: str | None,
    ) -> None:
        self._store = store
        self._home = home
        self._blobs = blobs
        self._control_address = control_address
        self._lock = threading.Lock()
        self._snapshot = Snapshot()
        self._versions: dict[str, ComponentVersion] = {}
        self._blueprints: dict[str, tuple[tuple[Desired, int, int, str], Blueprint]] = {}
        self.graphs = Graphs()
        shapes = shapes_from(self.manifest)
        self._sources = Sources(shapes, self._version, component_folder, self._path_of)

    def use(self, snapshot: Snapshot) -> None:
        """From now on containers are built after this."""
        self._snapshot = snapshot

    def with_graphs(self, read: Callable[[], T]) -> T:
        """Call something that uses the graphs; nobody else does meanwhile."""
        with self._lock:
            return read()

    def site(self, container_id: str) -> Site | None:
        """None: nothing is written down of it."""
        snapshot = self._snapshot
        row, desired = snapshot.containers.get(container_id), snapshot.desired_of(container_id)
        if row is None or desired is None:
            return None
        return Site(row, desired, snapshot.runtime_of(row) or desired.runtime)

    def spec(self, site: Site) -> tuple[ContainerSpec, ContainerLimits]:
        """Raises LauncherError."""
        with self._lock:
            blueprint = self._blueprint(site)
            spec, limits = blueprint.spec(site.row), blueprint.limits(site.row)
        mutable = {slot: path for slot, path in spec.files.items() if slot in spec.mutable_files}
        return replace(spec, files={**spec.files, **self._handed_over(site, mutable)}), limits

    def config(self, site: Site, seq: int) -> SetConfig:
        """Raises LauncherError."""
        with self._lock:
            config = self._blueprint(site).config(site.row, seq)
        return replace(config, files=self._handed_over(site, config.files))

    def _handed_over(self, site: Site, files: Mapping[str, str]) -> dict[str, str]:
        """Files that may change while the container runs get a second name, in a folder that it can see: it must not see where all
        files lie. Raises LauncherError.
        """
        folder = handed_folder(self._home, site.row.id)
        return {slot: str(_linked(Path(path), folder)) for slot, path in files.items()}

    def taken_ports(self) -> set[int]:
        return {port for container in self._snapshot.containers.values() for port in container.ports.values()}

    def write_ports(self, site: Site, ports: dict[str, int]) -> None:
        with self._store.transaction() as transaction:
            row = transaction.find_container(site.row.id)
            if row is not None and not row.ports:
                transaction.put_container(replace(row, ports=ports))

    def save_generated(self, site: Site, now_ns: int) -> list[File]:
        """Files of what the container generated; written down. Raises StorageError."""
        folder = self._home.containers / site.row.id / "generated"
        if not folder.is_dir() or not any(folder.iterdir()):
            return []
        deployment = site.desired.deployment
        with self._store.reading() as reading:
            backend = reading.find_backend(deployment.backend_id)
        name = deployment.backend_id if backend is None else backend.name
        origin = generated.Origin(deployment, site.row.id, site.row.vertex, name, self._slots(site))
        with (
            generated.staged(folder, origin, self._blobs, now_ns) as made,
            self._blobs.lock,
            self._store.transaction() as transaction,
        ):
            for file, content in made:
                self._blobs.place(content)
                transaction.put_file(file)
                transaction.add_event(
                    "file.generated",
                    now_ns,
                    backend_id=deployment.backend_id,
                    deployment_id=deployment.id,
                    lease_id=deployment.lease_id,
                    data={"file": file.id, "name": file.name, "vertex": site.row.vertex},
                )
        return [file for file, _ in made]

    def give_up_generated(self, site: Site, why: str, now_ns: int) -> None:
        """Write down that what a container generated is lost."""
        deployment = site.desired.deployment
        with self._store.transaction() as transaction:
            data = {"container": site.row.id, "vertex": site.row.vertex, "error": why}
            transaction.add_event("file.lost", now_ns, backend_id=deployment.backend_id, deployment_id=deployment.id, data=data)

    def manifest(self, version_id: str) -> ComponentManifest:
        """Raises NotFoundError."""
        return self._version(version_id).manifest

    # --- Looking up ---

    def _blueprint(self, site: Site) -> Blueprint:
        deployment, generation = site.desired.deployment, site.row.generation
        with self._store.reading() as reading:
            backend = reading.find_backend(deployment.backend_id)
            if backend is None:
                raise LauncherError(f"backend {deployment.backend_id} is gone")
            mirror = self.graphs.at_head(reading, backend)
        known = self._blueprints.get(deployment.id)
        about = (site.desired, generation, mirror.seq, mirror.graph_hash)
        if known is not None and known[0][0] is site.desired and known[0][1:] == about[1:]:
            return known[1]
        rows = {row.vertex: row for row in site.desired.containers if row.generation == generation}
        blueprint = Blueprint(deployment, rows, mirror, self._sources, self._home, self._control_address)
        self._blueprints[deployment.id] = (about, blueprint)
        while len(self._blueprints) > BLUEPRINTS_KEPT_MAX:
            del self._blueprints[next(iter(self._blueprints))]
        return blueprint

    def _slots(self, site: Site) -> dict[str, str]:
        """File type by slot of what the container's component may generate."""
        mirror = self._mirror_of(site)
        vertex = mirror.tables.vertices.get(site.row.vertex)
        if vertex is None or not isinstance(vertex.source, ComponentSource):
            return {}
        declared = self.manifest(vertex.source.version_id).worker.generated_file_schema
        return {slot: one.type for slot, one in declared.items()}

    def _mirror_of(self, site: Site) -> Mirror:
        """The graph that the container was built after: a failed deployment's may have been edited since."""
        deployment = site.desired.deployment
        with self._lock, self._store.reading() as reading:
            backend = reading.find_backend(deployment.backend_id)
            if backend is not None and backend.graph_hash == deployment.graph_hash:
                return self.graphs.at_head(reading, backend)
            return self.graphs.at(reading, deployment.backend_id, site.row.config_seq_wanted or deployment.backend_seq)

    def _version(self, version_id: str) -> ComponentVersion:
        known = self._versions.get(version_id)
        if known is not None:
            return known
        with self._store.reading() as reading:
            version = reading.find_version(version_id)
        if version is None:
            raise NotFoundError(f"there is no component version {version_id}")
        while len(self._versions) >= SHAPES_KEPT_MAX:
            del self._versions[next(iter(self._versions))]
        self._versions[version_id] = version
        return version

    def _path_of(self, file_id: str) -> Path:
        with self._store.reading() as reading:
            file = reading.find_file(file_id)
        if file is None:
            raise NotFoundError(f"there is no file {file_id}")
        return self._blobs.path(file.content_hash)


def _linked(content: Path, folder: Path) -> Path:
    """Another name of the same content in a folder. Raises LauncherError."""
    name = folder / content.name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            name.hardlink_to(content)
    except OSError as error:
        raise LauncherError(f"the file {content.name} cannot be handed over: {error.strerror or error}") from error
    return name
