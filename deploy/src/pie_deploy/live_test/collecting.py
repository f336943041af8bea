"""What a test takes home before its lease goes: values of streams, logs, generated files."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from pie_deploy.domain.live_test import Collect
from pie_deploy.errors import InvalidArgumentError, NotFoundError
from pie_deploy.live_test import deploying
from pie_deploy.live_test.api import at
from pie_deploy.live_test.events import Event, EventLog
from pie_deploy.live_test.site import Site
from pie_deploy.live_test.steps import log_lines


async def collect(site: Site, output: Path | None, log: EventLog) -> AsyncIterator[Event]:
    """In the manifest's order, but generated files, for which the deployment has to end, last. Raises DeployError."""
    if output is not None:
        await asyncio.to_thread(make_folder, output)
    for one in sorted(site.test.collect, key=lambda one: one.slot is not None):
        if one.slot is not None and not site.is_over:
            await deploying.end(site)
        for fields in await asyncio.to_thread(_collected, site, one, output):
            yield log.event("output.collected", **fields)


def _collected(site: Site, one: Collect, output: Path | None) -> list[dict[str, object]]:
    if one.role is not None:
        return [_values(site, one.role, output)]
    if one.logs is not None:
        vertices = sorted(site.containers) if one.logs == "all" else [one.logs]
        return [_log(site, vertex, output) for vertex in vertices]
    assert one.vertex is not None and one.slot is not None, "a manifest that was checked has both"
    return [_generated(site, one.vertex, one.slot, output)]


def _values(site: Site, role: str, output: Path | None) -> dict[str, object]:
    stream = site.streams[role]
    values = list(stream.values)
    written = _write(output, f"{role}.jsonl", b"".join(msgspec.json.encode(value) + b"\n" for value in values))
    return {"role": role, "count": stream.count, **written}


def _log(site: Site, vertex: str, output: Path | None) -> dict[str, object]:
    lines = log_lines(site, site.container(vertex).id)
    written = _write(output, f"{vertex}.log", "".join(f"{line.text}\n" for line in lines).encode(errors="replace"))
    return {"logs": vertex, "lines": len(lines), **written}


def _generated(site: Site, vertex: str, slot: str, output: Path | None) -> dict[str, object]:
    file = site.generated.get((vertex, slot))
    if file is None:
        raise NotFoundError(f"vertex {vertex} has generated no file {slot}")
    fields: dict[str, object] = {"vertex": vertex, "slot": slot, "file": file.id, "size_bytes": file.size_bytes}
    if output is None:
        return fields
    path = output / f"{vertex}.{slot}"
    try:
        with path.open("wb") as target:
            site.api.download(at("files", file.id, "content"), target)
    except OSError as error:
        raise InvalidArgumentError(f"{path}: cannot be written: {error.strerror}") from error
    return {**fields, "path": str(path)}


def make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidArgumentError(f"{output}: cannot be made: {error.strerror}") from error


def _write(output: Path | None, name: str, data: bytes) -> dict[str, object]:
    if output is None:
        return {}
    path = output / name
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InvalidArgumentError(f"{path}: cannot be written: {error.strerror}") from error
    return {"path": str(path)}
