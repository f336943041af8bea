"""A platform for live tests: the API in memory, with fault knobs, and endpoints on a real port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import msgspec
import uvicorn
from msgspec.structs import replace

from pie_deploy.domain.manifest import ComponentManifest, FileSlot, GeneratedFile, Parameter, Worker
from pie_deploy.domain.manifest import Endpoint as ManifestEndpoint
from pie_deploy.domain.records import Backend, ComponentVersion, Container, Deployment, File, Lease, Runtime
from pie_deploy.errors import DeployError, NotFoundError
from pie_deploy.ports.launcher import LogLine
from pie_deploy.services.views import AliasView, Appended, AppliedDocument, BackendView, EndpointView, LeaseView, VertexView

Scope = dict[str, Any]
Handler = Callable[[Scope, bytes], Awaitable[tuple[int, bytes]]]


@dataclass
class FakePlatform:
    """`pie_deploy.live_test.Api`: knows one lease, one backend, one deployment."""

    url: str = "http://127.0.0.1:1"
    statuses: list[str] = field(default_factory=lambda: ["deploying", "running"])
    """Of the deployment, look by look; the last one stays."""
    vertices: tuple[str, ...] = ("tokenise", "count")
    roles: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"text": ("http",), "counts": ("sse",)})
    """Transports by role; the URL of each is `{url}/{role}`."""
    logs: dict[str, list[str]] = field(default_factory=dict)
    generated: dict[tuple[str, str], bytes] = field(default_factory=dict)
    refusals: dict[str, DeployError] = field(default_factory=dict)
    """By the last word of the path of a POST or DELETE."""
    missing: set[str] = field(default_factory=set)
    """Names that are not there when they are looked up."""
    ttl_ns: int = 120 * 10**9
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    lease_state: str = "open"
    closing: list[str] = field(default_factory=list)
    """States that a closing lease has, look by look, before it is rolled back."""
    result: dict[str, Any] | None = None
    gone: bool = False

    def bodies(self, end: str) -> list[Any]:
        """What was sent to paths that end so."""
        return [body for _, path, body in self.calls if path.endswith(end)]

    # --- The protocol ------------------------------------------------------------------------------------------------

    def get(self, path: str, kind: type[Any], **query: object) -> Any:
        if kind in (BackendView, ComponentVersion, File, Runtime):
            return self._looked_up(path, kind)
        if "/leases/" in path:
            self.lease_state = self.closing.pop(0) if self.closing else "rolled_back"
            return LeaseView(lease=self._lease())
        assert "/deployments/" in path, path
        return self._deployment(advance=True)

    def items(self, path: str, kind: type[Any], **query: object) -> list[Any]:
        if path.endswith("/containers"):
            return [self._container(vertex) for vertex in self.vertices]
        if path.endswith("/endpoints"):
            return [self._endpoint(role) for role in self.roles]
        assert path == "/v1/files", path
        return [self._generated(*slot) for slot in self.generated] if self.gone else []

    def post(self, path: str, kind: type[Any], body: Any = None) -> Any:
        sent = None if body is None else msgspec.json.decode(msgspec.json.encode(body))
        verb = self._called("POST", path, sent)
        if kind is Lease:
            if verb == "rollback":
                self.lease_state = self.closing.pop(0) if self.closing else "rolled_back"
            if verb == "result":
                self.result = sent
            return self._lease()
        if kind is Backend:
            return Backend(id="b-1", name=sent["name"], owner="ann", head=1, graph_hash="", created_at_ns=0)
        if kind is AppliedDocument:
            return AppliedDocument(backend_id="b-1", created=True, operations=())
        if kind is Appended:
            return Appended(records=())
        assert kind is Deployment, path
        return self._deployment()

    def upload(self, path: str, kind: type[Any], body: bytes | Iterable[bytes], **query: object) -> Any:
        self._called("POST", path, {"body": body, **query})
        number = sum(called == path for _, called, _ in self.calls)
        if kind is File:
            return _file(f"f-{number}", str(query["name"]), body)
        return self._version(f"cv-{number}", number)

    def delete(self, path: str, kind: type[Any]) -> Any:
        self._called("DELETE", path, None)
        self.gone = True
        return self._deployment()

    def download(self, path: str, target: BinaryIO) -> None:
        file_id = path.split("/")[-2]
        for slot, data in self.generated.items():
            if file_id == "f-" + "-".join(slot):
                target.write(data)

    def lines(self, path: str, kind: type[Any], *, tail: int) -> Iterator[Any]:
        vertex = path.split("/")[-2].removeprefix("c-")
        for text in list(self.logs.get(vertex, ()))[-tail:]:
            yield LogLine(at_ns=0, stream="stderr", text=text)

    # --- What is there before the test -------------------------------------------------------------------------------

    def manifest(self) -> ComponentManifest:
        """Of every component: with everything that a test may ask for."""
        slot = FileSlot(type="any", required=False)
        worker = Worker(
            config_schema={"top": Parameter(type="Int64", default="1"), "label": Parameter(type="String", default='""')},
            file_schema={"model": slot, "other": slot},
            generated_file_schema={"report": GeneratedFile(type="text")},
        )
        endpoints = {role: ManifestEndpoint(direction="egress", transports=one) for role, one in self.roles.items()}  # type: ignore[arg-type]
        return ComponentManifest(name="scorer", worker=worker, http=endpoints)

    def _looked_up(self, path: str, kind: type[Any]) -> Any:
        ref = path.rpartition("/")[2]
        if ref in self.missing:
            raise NotFoundError(f"there is no {ref}", hint="there are none")
        if kind is File:
            return _file(ref, ref, b"")
        if kind is Runtime:
            return Runtime(id="r-1", name=ref, launcher="process", nodes=(), created_at_ns=0)
        if kind is ComponentVersion:
            return self._version(ref)
        names = dict.fromkeys((*self.vertices, "v"))
        return BackendView(
            backend=Backend(id="b-0", name=ref, owner="ann", head=7, graph_hash="", created_at_ns=0),
            vertices=tuple(VertexView(name=name, component="scorer@0", version_id="cv-0") for name in names),
            edges=(),
            aliases=tuple(AliasView(vertex="v", endpoint=role, role=role) for role in self.roles),
        )

    def _version(self, id_: str, number: int = 0) -> ComponentVersion:
        return ComponentVersion(
            id=id_,
            name="scorer",
            version=str(number),
            state="prerelease",
            manifest=self.manifest(),
            content_hash="",
            owner="ann",
            created_at_ns=0,
        )

    # --- Rows --------------------------------------------------------------------------------------------------------

    def _called(self, method: str, path: str, body: Any) -> str:
        self.calls.append((method, path, body))
        verb = path.rpartition("/")[2]
        if verb in self.refusals:
            raise self.refusals[verb]
        return verb

    def _lease(self) -> Lease:
        return Lease(
            id="l-abc",
            state=self.lease_state,  # type: ignore[arg-type]
            runtime_id=None,
            ttl_ns=self.ttl_ns,
            heartbeat_at_ns=0,
            owner="ann",
            created_at_ns=0,
        )

    def _deployment(self, *, advance: bool = False) -> Deployment:
        status = self.statuses.pop(0) if advance and len(self.statuses) > 1 else self.statuses[0]
        row = Deployment(
            id="d-1",
            backend_id="b-1",
            backend_seq=1,
            graph_hash="",
            runtime_id="r-1",
            status=status,  # type: ignore[arg-type]
            status_message="no luck" if status == "failed" else "",
            containers=len(self.vertices),
            expires_at_ns=None,
            startup_timeout_ns=0,
            created_by="ann",
            created_at_ns=0,
            status_since_ns=0,
        )
        return replace(row, status="tearing_down", gone_at_ns=1) if self.gone else row

    def _container(self, vertex: str) -> Container:
        is_ready = self.statuses[0] == "running"
        return Container(
            id=f"c-{vertex}",
            deployment_id="d-1",
            vertex=vertex,
            generation=1,
            node_id="n-1",
            state="ready" if is_ready else "starting",
            secret="",
            created_at_ns=0,
        )

    def _endpoint(self, role: str) -> EndpointView:
        transports = self.roles[role]
        return EndpointView(
            role=role,
            vertex="v",
            endpoint=role,
            direction="ingress" if "http" in transports else "egress",
            transports=transports,  # type: ignore[arg-type]
            type="String",
            url=f"{self.url}/{role}",
        )

    def _generated(self, vertex: str, slot: str) -> File:
        row = _file(f"f-{vertex}-{slot}", slot, self.generated[vertex, slot])
        return replace(row, generated_by=f"d-1/{vertex}/{slot}")


def _file(file_id: str, name: str, body: Any) -> File:
    return File(id=file_id, name=name, file_type="any", size_bytes=len(body), content_hash="", owner="ann", created_at_ns=0)


def not_found(message: str) -> DeployError:
    return NotFoundError(message)


# --- Endpoints -------------------------------------------------------------------------------------------------------


class Endpoints:
    """An ASGI application: each value that `emit` is given goes to everybody who listens, a request to `answer`."""

    def __init__(self, answer: Handler | None = None) -> None:
        self.answer = answer or self._echo
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        """Method, path with query, headers, body."""
        self._listeners: list[asyncio.Queue[bytes]] = []

    def emit(self, value: object) -> None:
        for listener in self._listeners:
            listener.put_nowait(msgspec.json.encode(value))

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self._socket(receive, send)
        elif dict(scope["headers"]).get(b"accept") == b"text/event-stream":
            await self._stream(send)
        else:
            await self._answer(scope, receive, send)

    async def _echo(self, scope: Scope, body: bytes) -> tuple[int, bytes]:
        self.emit(body.decode())
        return 200, body

    async def _answer(self, scope: Scope, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        self.asked.append((scope["method"], scope["path"] + (f"?{query}" if query else ""), headers, body))
        status, answer = await self.answer(scope, body)
        await send({"type": "http.response.start", "status": status, "headers": [(b"x-answer", b"yes")]})
        await send({"type": "http.response.body", "body": answer})

    async def _stream(self, send: Any) -> None:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._listeners.append(queue)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
        while True:
            await send({"type": "http.response.body", "body": b"data: %s\n\n" % await queue.get(), "more_body": True})

    async def _socket(self, receive: Any, send: Any) -> None:
        await receive()
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._listeners.append(queue)
        await send({"type": "websocket.accept"})
        while True:
            await send({"type": "websocket.send", "text": (await queue.get()).decode()})


@asynccontextmanager
async def serving(endpoints: Endpoints) -> AsyncIterator[str]:
    """The application on a port of its own; its URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(endpoints, lifespan="off", log_level="critical", timeout_graceful_shutdown=0)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await task
        listening.close()
