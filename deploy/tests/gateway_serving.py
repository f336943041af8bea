"""A gateway behind a real port, with containers of the test."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import uvicorn
from endpoint_container import EndpointContainer, Handler, socket_folder

from pie_deploy.gateway import Gateway
from pie_deploy.ports.routes import BackendRoutes, Link, Port, Route
from pie_http.protocols import ConnectionLimits, bounded
from pie_http.server import EmbeddedServer

TOKEN = "t0ken-of-an-ingress"

A_ROUTE = Route(
    vertex="v",
    endpoint="text",
    direction="ingress",
    transports=("http",),
    state="running",
    upstream=None,
    respond=True,
    timeout_ns=20 * 10**9,
    body_bytes_max=4 << 20,
)


@dataclass
class Serving:
    gateway: Gateway
    client: httpx.AsyncClient
    url: str
    folder: Path
    containers: list[EndpointContainer] = field(default_factory=list)

    async def container(self, name: str = "c", handler: Handler | None = None, *, start: bool = True) -> EndpointContainer:
        container = EndpointContainer(Link(container_id=name, address=f"ipc://{self.folder / name}"), handler)
        if start:
            await container.start()
        self.containers.append(container)
        return container

    def publish(self, routes: Mapping[str, Route], *links: Link, backend: str = "b-1", status: str | None = "running") -> None:
        self.gateway.publish(BackendRoutes(backend_id=backend, deployment_status=status, routes=routes, links=links))

    async def serve(self, handler: Handler | None = None, **changes: object) -> EndpointContainer:
        """One container behind `TOKEN`."""
        container = await self.container(handler=handler)
        self.publish({TOKEN: replace(A_ROUTE, upstream=container.link, **changes)}, container.link)  # type: ignore[arg-type]
        return container

    def serve_port(self, port: int, **changes: object) -> None:
        self.publish({TOKEN: replace(A_ROUTE, upstream=Port(container_id="c", port=port), **changes)})  # type: ignore[arg-type]


@asynccontextmanager
async def asgi_server(app: object) -> AsyncIterator[int]:
    """A port on which the application answers."""
    listening = socket.create_server(("127.0.0.1", 0))
    http, websocket = bounded(ConnectionLimits(connections_max=1000, head_timeout_s=20, stall_timeout_s=20))
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=http,
        ws=websocket,
        loop="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = EmbeddedServer(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    await server.has_begun.wait()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def serving() -> AsyncIterator[Serving]:
    gateway = Gateway()
    running = asyncio.create_task(gateway.run())
    async with socket_folder() as folder, asgi_server(gateway.app) as port:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as client:
            served = Serving(gateway, client, url, folder)
            try:
                yield served
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                for container in served.containers:
                    await container.close()
