"""What is refused before a route or a session sees it, and what is counted."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from pie.clock import ManualClock
from pie.limits import SERVER_BODY_BYTES_MAX
from pie.server import body
from pie.server.entrance import Entrance
from pie.server.http_metrics import HttpMetrics
from pie.server.readiness import Readiness
from pie.server.telemetry import NoTraces
from pie_http.origin import is_trusted


class Site:
    """An entrance with a small application behind it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.readiness = Readiness()
        self.registry = CollectorRegistry()
        self.metrics = HttpMetrics(self.registry)
        self.sessions = 0
        app = Starlette(
            routes=[
                Route("/healthz", self.hello),
                Route("/v1/echo", self.echo, methods=["POST"]),
                Route("/v1/stream/{count}", self.stream),
                Route("/v1/broken", self.broken),
            ]
        )
        self.entrance = Entrance(
            http=app,
            websocket=self.session,
            readiness=self.readiness,
            metrics=self.metrics,
            tracer=NoTraces(),
            clock=self.clock,
            is_welcome=lambda headers: is_trusted(headers, "127.0.0.1"),
            wait_s=0.05,
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.entrance, raise_app_exceptions=False), base_url="http://127.0.0.1:8080"
        )

    async def hello(self, _: HttpRequest) -> Response:
        return PlainTextResponse("hello")

    async def echo(self, request: HttpRequest) -> Response:
        return Response(await request.body())

    async def stream(self, _: HttpRequest) -> Response:
        async def chunks() -> AsyncIterator[str]:
            for _ in range(3):
                self.clock.advance(1_000_000_000)
                yield "token"

        return StreamingResponse(chunks())

    async def broken(self, _: HttpRequest) -> Response:
        raise RuntimeError("a bug")

    async def session(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.sessions += 1

    async def websocket(self, path: str = "/", **headers: str) -> list[Message]:
        """What is sent to who asks for a WebSocket."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        lines = [(b"host", b"127.0.0.1"), *((name.encode(), value.encode()) for name, value in headers.items())]
        await self.entrance({"type": "websocket", "path": path, "headers": lines}, receive, send)
        return sent

    def count(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def site() -> Site:
    site = Site()
    site.readiness.enter("ready")
    return site


async def test_a_websocket_becomes_a_session_on_both_paths(site: Site) -> None:
    assert [await site.websocket("/"), await site.websocket("/v1/ws")] == [[], []]
    assert site.sessions == 2


async def test_other_paths_have_no_websocket(site: Site) -> None:
    assert (await site.websocket("/v1/models"))[0]["status"] == 404
    assert site.sessions == 0


async def test_pages_of_other_sites_get_neither_websocket_nor_http(site: Site) -> None:
    sent = await site.websocket(origin="http://evil.example")
    assert (sent[0]["type"], sent[0]["status"]) == ("websocket.http.response.start", 403)
    answer = await site.client.post("/v1/echo", headers={"origin": "http://evil.example"})
    assert answer.status_code == 403
    assert "other sites" in answer.json()["error"]["message"]
    assert (await site.client.get("http://evil.example/healthz")).status_code == 403
    assert site.sessions == 0


async def test_while_models_load_only_health_is_answered() -> None:
    site = Site()
    assert (await site.client.get("/healthz")).status_code == 200
    answer = await site.client.post("/v1/echo")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["error"]["message"] == "the server is loading"


async def test_a_websocket_waits_for_the_models_but_not_forever() -> None:
    site = Site()
    assert (await site.websocket())[0]["status"] == 503
    waiting = asyncio.create_task(site.websocket())
    await asyncio.sleep(0)
    site.readiness.enter("ready")
    assert await waiting == []
    assert site.sessions == 1


async def test_a_stopping_server_takes_nobody_in(site: Site) -> None:
    site.readiness.enter("stopping")
    assert (await site.websocket())[0]["status"] == 503
    assert (await site.client.post("/v1/echo")).status_code == 503


async def test_a_body_that_is_too_long_is_refused_announced_or_not(site: Site) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(SERVER_BODY_BYTES_MAX // (1 << 20) + 1):
            yield bytes(1 << 20)

    assert (await site.client.post("/v1/echo", content=bytes(SERVER_BODY_BYTES_MAX + 1))).status_code == 413
    assert (await site.client.post("/v1/echo", content=chunks())).status_code == 413
    assert (await site.client.post("/v1/echo", content=b"x" * 100)).content == b"x" * 100


async def test_a_body_that_does_not_come_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "SERVER_BODY_TIMEOUT_S", 0.02)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(3600)

    assert (await site.client.post("/v1/echo", content=chunks())).status_code == 408


async def test_requests_are_counted_by_route_and_not_by_path(site: Site) -> None:
    for path in ("/v1/stream/1", "/v1/stream/2", "/nowhere/1", "/nowhere/2"):
        await site.client.get(path)
    await site.client.get("/v1/broken")
    assert site.count("pie_http_requests_total", route="/v1/stream/{count}", status="200") == 2
    assert site.count("pie_http_requests_total", route="none", status="404") == 2
    assert site.count("pie_http_requests_total", route="/v1/broken", status="500") == 1
    assert site.metrics.in_flight == 0


async def test_the_first_token_and_the_end_of_an_answer_are_timed(site: Site) -> None:
    await site.client.get("/v1/stream/1")
    assert site.count("pie_http_first_chunk_seconds_sum", route="/v1/stream/{count}") == 1
    assert site.count("pie_http_request_seconds_sum", route="/v1/stream/{count}") == 3
