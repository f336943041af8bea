"""What stands before a deployment: the candidate's prerelease, fixtures, the backend with both in it. The lease owns all of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from msgspec.structs import replace

from pie_deploy.domain.graph_document import GraphDocument, renamed
from pie_deploy.domain.live_test import operations
from pie_deploy.domain.records import Backend, ComponentVersion, File
from pie_deploy.live_test.api import at
from pie_deploy.live_test.events import Event, EventLog
from pie_deploy.live_test.site import Site
from pie_deploy.services.views import Appended, AppliedDocument


async def prepare(site: Site, log: EventLog) -> AsyncIterator[Event]:
    """Raises DeployError."""
    published: dict[str, ComponentVersion] = {}
    for folder, packed in site.packed.items():
        yield log.event("build.started", component=folder)
        yield log.event("build.log", component=folder, text=f"packed, {len(packed.archive)} bytes")
        version = await asyncio.to_thread(_publish, site, packed.archive)
        published[folder] = version
        yield log.event("build.finished", component=folder, version=f"{version.name}@{version.version}", id=version.id)
    file_ids: dict[str, str] = {}
    for name in site.test.fixtures:
        file = await asyncio.to_thread(_upload, site, name)
        file_ids[name] = file.id
        yield log.event("file.uploaded", fixture=name, id=file.id, size_bytes=file.size_bytes)
    ids = {folder: version.id for folder, version in published.items()}
    site.backend_id = await asyncio.to_thread(_make_backend, site, ids, file_ids)
    yield log.event("backend.ready", backend=site.backend_id, name=_name(site))


def _publish(site: Site, archive: bytes) -> ComponentVersion:
    return site.api.upload(at("components"), ComponentVersion, archive, lease=site.lease.id)


def _upload(site: Site, name: str) -> File:
    fixture = site.test.fixtures[name]
    query = {"name": Path(fixture.path).name, "type": fixture.type, "lease": site.lease.id}
    return site.api.upload(at("files"), File, site.fixture(name), **query)


def _name(site: Site) -> str:
    return f"{site.test.name}-{site.lease.id.removeprefix('l-')}"


def _make_backend(site: Site, version_ids: dict[str, str], file_ids: dict[str, str]) -> str:
    backend_id = _fork(site) if site.test.backend is not None else _apply(site, version_ids, file_ids)
    candidate = site.test.candidate
    changes = operations(site.test, version_ids[candidate.component] if candidate else None, file_ids)
    if changes:
        site.api.post(at("backends", backend_id, "operations"), Appended, {"operations": changes})
    return backend_id


def _fork(site: Site) -> str:
    origin = site.test.backend
    assert origin is not None, "asked for only where there is one"
    body = {"name": _name(site), "lease": site.lease.id} | ({} if origin.at is None else {"at": origin.at})
    return site.api.post(at("backends", origin.fork, "fork"), Backend, body).id


def _apply(site: Site, version_ids: dict[str, str], file_ids: dict[str, str]) -> str:
    graph = site.test.graph
    assert graph is not None, "a test has a backend or a graph"
    document = _known(replace(graph, name=_name(site)), version_ids, file_ids)
    body = {"document": document, "lease": site.lease.id}
    applied = site.api.post(at("backends", _name(site), "apply"), AppliedDocument, body)
    assert applied.backend_id is not None, "no dry run"
    return applied.backend_id


def _known(document: GraphDocument, version_ids: dict[str, str], file_ids: dict[str, str]) -> GraphDocument:
    """The document with ids for folders and `@fixtures`."""
    return renamed(
        document,
        component=lambda ref: version_ids.get(ref, ref),
        file=lambda ref: file_ids.get(ref[1:], ref) if ref.startswith("@") else ref,
    )
