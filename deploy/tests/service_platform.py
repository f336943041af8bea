"""All services over a real store in a folder, with a clock that moves when told to; and components to publish."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from pie_deploy.clock import ManualClock
from pie_deploy.config import Home
from pie_deploy.domain.operations import AddVertex, ChangeEndpointAlias, Connect, Input, Operation, Output
from pie_deploy.domain.records import Backend, ComponentVersion, Deployment, Runtime
from pie_deploy.services import Actor, Services, assemble
from pie_deploy.services.ids import NewId, new_id
from pie_deploy.services.views import NodeRequest
from pie_deploy.store import SqlStore, open_store

ALICE = Actor("alice", "test", "request-1")
BOB = Actor("bob")
SECOND_NS = 10**9
START_NS = 1_800_000_000 * SECOND_NS
MAC_KEY = b"k" * 32
GATEWAY = "http://127.0.0.1:8471"


def archive_of(files: Mapping[str, str | bytes]) -> bytes:
    """A `.tar.gz` with these files."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as plain, tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def component_archive(name: str = "shout", *, http: object = None, source: str = "", **worker: object) -> bytes:
    """A Python component; String in, String out if nothing else is said."""
    worker = {"input_types": ["String"], "output_types": ["String"], **worker}
    manifest = {"name": name, "worker": worker, **({"http": http} if http else {})}
    return archive_of({"component.yml": yaml.safe_dump(manifest), "src/main.py": source or "print()", "README.md": f"# {name}\n"})


SHOUT = component_archive(
    "shout",
    http={
        "text": {"direction": "ingress", "type": "String", "into": 0},
        "loud": {"direction": "egress", "transports": ["http", "sse"], "type": "String", "of": 0},
    },
    config_schema={
        "marks": {"type": "Int64", "default": "1", "mutable": True},
        "voice": {"type": "String", "default": '"low"'},
    },
    file_schema={
        "names": {"type": "text", "required": False, "mutable": True},
        "model": {"type": "weights", "required": False},
    },
    resources={"cpu": 1.0, "memory": "1GiB"},
)
"""A component that can stand alone: an ingress feeds its input; mutable and fixed slots of both kinds."""


@dataclass(frozen=True)
class ServicePlatform:
    services: Services
    store: SqlStore
    clock: ManualClock
    home: Home

    def publish(self, archive: bytes = SHOUT, actor: Actor = ALICE, lease: str | None = None) -> ComponentVersion:
        return self.services.components.publish(actor, archive, lease)

    def released(self, archive: bytes = SHOUT, actor: Actor = ALICE) -> ComponentVersion:
        return self.services.components.promote(actor, self.publish(archive, actor).id)

    def runtime(self, name: str = "local", *, cpu: float = 4.0, **more: object) -> Runtime:
        node = NodeRequest(cpu=cpu, memory_bytes=64 << 30)
        return self.services.runtimes.create(ALICE, name, launcher="fake", nodes=[node], **more)  # type: ignore[arg-type]

    def backend(self, name: str = "words", lease: str | None = None, component: str = "shout") -> Backend:
        """One vertex `v`, published as `text`: complete."""
        created = self.services.backends.create(ALICE, name, lease)
        self.services.backends.append(ALICE, created.id, shout_operations(component))
        return self.services.backends.show(ALICE, created.id).backend

    def deployed(self, name: str = "words", **more: object) -> Deployment:
        """A deployment of a complete backend on a runtime, both new."""
        self.runtime()
        self.released()
        backend = self.backend(name)
        return self.services.deployments.deploy(ALICE, backend.id, **more)  # type: ignore[arg-type]

    def put(self, deployment: Deployment) -> None:
        """What the controller would have recorded."""
        with self.store.transaction() as transaction:
            transaction.put_deployment(deployment)

    def event_types(self) -> list[str]:
        return [event.type for event in self.services.audit.list(ALICE)]

    def close(self) -> None:
        self.store.close()


def shout_operations(component: str = "shout", vertex: str = "v") -> list[Operation]:
    return [
        AddVertex(vertex=vertex, component=component),
        ChangeEndpointAlias(vertex=vertex, endpoint="text", role=f"{vertex}-text"),
    ]


def connect(output: str, input_: str) -> Connect:
    """`connect("a.1", "b.0")`: position 0 if none is said."""
    (source, _, out), (target, _, into) = output.partition("."), input_.partition(".")
    return Connect(output=Output(source, int(out or 0)), input=Input(target, int(into or 0)))


def service_platform(folder: Path, url: str | None = None, new_id: NewId = new_id) -> ServicePlatform:
    """Call it again with the same folder, after `close`, for a platform that starts anew."""
    home = Home(folder / "home")
    home.root.mkdir(parents=True, exist_ok=True)
    clock = ManualClock(START_NS)
    store = open_store(url or f"sqlite:///{home.database}", clock)
    services = assemble(store, home, clock, mac_key=MAC_KEY, gateway_url=lambda: GATEWAY, new_id=new_id)
    return ServicePlatform(services, store, clock, home)
