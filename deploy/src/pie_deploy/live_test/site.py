"""Where a live test runs: its lease, backend, deployment, and the endpoints of the graph."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from pie_deploy.domain.live_test import LiveTest
from pie_deploy.domain.manifest import ComponentManifest
from pie_deploy.domain.records import Container, Deployment, File, Lease
from pie_deploy.domain.suggestion import hint
from pie_deploy.errors import InvalidArgumentError, NotFoundError
from pie_deploy.live_test.api import Api
from pie_deploy.live_test.stream import Stream
from pie_deploy.services.views import EndpointView


@dataclass(frozen=True, slots=True)
class Packed:
    """A component's folder."""

    archive: bytes
    manifest: ComponentManifest


@dataclass(slots=True)
class Site:
    """What is known so far."""

    api: Api
    test: LiveTest
    folder: Path
    """Of the manifest: paths in it are relative to this."""
    http: httpx.AsyncClient
    """For the gateway."""
    lease: Lease
    packed: Mapping[str, Packed] = field(default_factory=dict)
    """The components that are folders, by what the manifest calls them."""
    backend_id: str = ""
    deployment: Deployment | None = None
    is_over: bool = False
    """Whether the deployment has been ended, so that its generated files are there."""
    endpoints: Mapping[str, EndpointView] = field(default_factory=dict)
    """By role."""
    streams: dict[str, Stream] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    """Newest, by vertex."""
    generated: dict[tuple[str, str], File] = field(default_factory=dict)
    """By vertex and slot."""

    def endpoint(self, role: str) -> EndpointView:
        """Raises NotFoundError."""
        if role not in self.endpoints:
            raise NotFoundError(f"the graph publishes no endpoint as {role}", hint=hint(role, sorted(self.endpoints)))
        return self.endpoints[role]

    def container(self, vertex: str) -> Container:
        """Raises NotFoundError."""
        if vertex not in self.containers:
            raise NotFoundError(f"the graph has no vertex {vertex}", hint=hint(vertex, self.containers))
        return self.containers[vertex]

    def fixture(self, name: str) -> bytes:
        """Raises InvalidArgumentError."""
        return read(self.folder / self.test.fixtures[name].path)


def read(path: Path) -> bytes:
    """Raises InvalidArgumentError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidArgumentError(f"{path}: cannot be read: {error.strerror}") from error
