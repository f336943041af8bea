"""A registry on loopback that does as it is told, good or bad."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route


def manifest_text(name: str, version: str) -> str:
    return f'[package]\nname = "{name}"\nversion = "{version}"\n'


@dataclass
class Version:
    """A published version, and what is wrong with it."""

    component: bytes
    manifest: str
    checksum: str
    yanked: bool = False
    size_bytes: int | None = None


@dataclass
class FakeRegistry:
    """`calls` counts requests by what they ask for. `fault` is what goes wrong with all of them."""

    programs: dict[str, dict[str, Version]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    fault: str = ""
    url: str = ""

    def publish(self, name: str, version: str, component: bytes, **changes: Any) -> Version:
        published = Version(component, manifest_text(name.rpartition("/")[2], version), hashlib.sha256(component).hexdigest())
        for key, value in changes.items():
            setattr(published, key, value)
        self.programs.setdefault(name, {})[version] = published
        return published

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FakeRegistry"]:
        config = uvicorn.Config(self._application(), host="127.0.0.1", port=0, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.force_exit = server.should_exit = True
            await task

    def _application(self) -> Starlette:
        names = ("{name}", "{scope}/{name}")
        routes = [
            Route(f"/api/v1/inferlets/{name}{rest}", endpoint)
            for name in names
            for rest, endpoint in (
                ("", self._info),
                ("/{version}/manifest", self._manifest),
                ("/{version}/download", self._download),
            )
        ]
        return Starlette(routes=sorted(routes, key=lambda route: -len(route.path)))

    async def _info(self, request: Request) -> Response:
        name, _ = self._count("info", request)
        match self.fault:
            case "error":
                return JSONResponse({"detail": "the database\x1b[31m is gone"}, status_code=500)
            case "redirect":
                return RedirectResponse("http://169.254.169.254/secret")
            case "garbage":
                return PlainTextResponse("<html>Welcome to the hotel's WLAN</html>")
            case "compressed":
                return Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
            case "hangs":
                await asyncio.sleep(600)
        if name not in self.programs:
            return JSONResponse({"detail": "no such program"}, status_code=404)
        versions = [
            {"num": num, "checksum": version.checksum, "size_bytes": version.size_bytes, "yanked": version.yanked, "wit": None}
            for num, version in self.programs[name].items()
        ]
        return JSONResponse({"id": 1, "name": name, "downloads": 0, "versions": versions})

    async def _manifest(self, request: Request) -> Response:
        _, version = self._count("manifest", request)
        return PlainTextResponse(version.manifest) if version else PlainTextResponse("", 404)

    async def _download(self, request: Request) -> Response:
        _, version = self._count("download", request)
        if version is None:
            return PlainTextResponse("", 404)
        if self.fault == "dies":
            headers = {"Content-Length": str(len(version.component))}
            return StreamingResponse(_half(version.component), headers=headers)
        if self.fault == "floods":
            return StreamingResponse(_flood())
        return Response(version.component, media_type="application/wasm")

    def _count(self, what: str, request: Request) -> tuple[str, Version | None]:
        self.calls[what] = self.calls.get(what, 0) + 1
        parts = request.path_params
        name = f"{parts['scope']}/{parts['name']}" if "scope" in parts else parts["name"]
        return name, self.programs.get(name, {}).get(parts.get("version", ""))


async def _half(component: bytes) -> AsyncIterator[bytes]:
    yield component[: len(component) // 2]
    raise ConnectionResetError("the registry dies")


async def _flood() -> AsyncIterator[bytes]:
    for _ in range(64):
        yield bytes(65536)
