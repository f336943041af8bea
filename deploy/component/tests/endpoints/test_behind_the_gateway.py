"""Real containers behind the real gateway: what a caller sees."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from component_peers import Peers, endpoint
from gateway_serving import A_ROUTE, Serving, serving
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from pie_deploy.ports.routes import Link, Route
from pie_flow.container import EndpointSpec, InputSpec, OutputSpec

OWN = """
from pie_component import Response, endpoint, run

@endpoint("upper")
def upper(request):
    for piece in request.stream():
        yield piece.upper()

@endpoint("size")
def size(request):
    return sum(len(piece) for piece in request.stream())

@endpoint("large")
def large(request):
    return bytes(5_000_000)

@endpoint("chat")
async def chat(socket):
    async for message in socket:
        await socket.send(message * 2)

run()
"""
DIVIDE = "from pie_component import run\nrun(lambda value: 100 // value)\n"


@asynccontextmanager
async def served(text: str, *endpoints: EndpointSpec, **fields: Any) -> AsyncIterator[Serving]:
    """A container whose endpoints' names are their tokens."""
    with Peers() as peers:
        address = peers.address("link")
        peers.start(peers.python(text, endpoints=endpoints, endpoint_address=address, **fields))
        link = Link(container_id="c-1", address=address)
        async with serving() as serve:
            serve.publish({one.name: route(one, link) for one in endpoints}, link)
            async with asyncio.timeout(20):
                while serve.gateway.statistics().links_up == 0:
                    await asyncio.sleep(0.01)
            yield serve


def route(one: EndpointSpec, link: Link) -> Route:
    return replace(
        A_ROUTE,
        endpoint=one.name,
        direction=one.direction,
        transports=one.transports,
        upstream=link,
        respond=one.respond,
        body_bytes_max=64 << 20,
    )


def own(*names: str) -> tuple[EndpointSpec, ...]:
    return tuple(endpoint(name, transports=("http", "ws")) for name in names)


async def pieces(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"a" * 100_000


OWN_NAMES = ("upper", "size", "large", "chat")


async def test_bodies_stream_both_ways_at_once() -> None:
    async with served(OWN, *own(*OWN_NAMES)) as serve:
        answer = await serve.client.post("/f/upper", content=pieces(50))
        assert answer.content == b"A" * 5_000_000


async def test_a_body_larger_than_any_window_is_read() -> None:
    async with served(OWN, *own(*OWN_NAMES)) as serve:
        answer = await serve.client.post("/f/size", content=pieces(200))
        assert answer.json() == 20_000_000


async def test_an_answer_larger_than_any_window_arrives() -> None:
    async with served(OWN, *own(*OWN_NAMES)) as serve:
        assert (await serve.client.get("/f/large")).content == bytes(5_000_000)


async def test_a_socket_talks_both_ways() -> None:
    async with served(OWN, *own(*OWN_NAMES)) as serve, connect(f"{serve.url.replace('http', 'ws')}/f/chat") as socket:
        await socket.send("ab")
        assert await socket.recv() == "abab"
        await socket.send(b"\xff")
        assert await socket.recv() == b"\xff\xff"


ASK = (
    endpoint("ask", into=0, respond=True),
    endpoint("tell", into=0, transports=("ws",)),
    endpoint("answers", direction="egress", transports=("http", "sse", "ws"), of=0),
)
SLOTS = {"inputs": (InputSpec(type="Int64", address=None),), "outputs": (OutputSpec(type="Int64", addresses=()),)}


async def test_a_request_is_answered_by_the_graph() -> None:
    async with served(DIVIDE, *ASK, **SLOTS) as serve:
        answers = await asyncio.gather(*(serve.client.post("/f/ask", content=str(number)) for number in range(1, 21)))
        assert [answer.json() for answer in answers] == [100 // number for number in range(1, 21)]


async def test_a_failure_and_a_wrong_body_are_said_at_once() -> None:
    async with served(DIVIDE, *ASK, **SLOTS) as serve:
        failed = await serve.client.post("/f/ask", content="0")
        assert (failed.status_code, failed.json()["error"]["code"]) == (500, "component_failed")
        assert "ZeroDivisionError" in failed.json()["error"]["message"]
        wrong = await serve.client.post("/f/ask", content='"x"')
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "bad_value")


async def test_events_show_what_a_socket_brought() -> None:
    async with (
        served(DIVIDE, *ASK, **SLOTS) as serve,
        serve.client.stream("GET", "/f/answers", headers={"accept": "text/event-stream"}) as events,
        connect(f"{serve.url.replace('http', 'ws')}/f/tell") as socket,
    ):
        lines = events.aiter_lines()
        for number in (2, 4, 5):
            await socket.send(str(number))
        seen = []
        async with asyncio.timeout(20):
            while len(seen) < 3:
                line = await anext(lines)
                if line.startswith("data: "):
                    seen.append(line)
        assert seen == ["data: 50", "data: 25", "data: 20"]


async def test_a_socket_message_that_is_no_value_closes_the_socket() -> None:
    async with served(DIVIDE, *ASK, **SLOTS) as serve, connect(f"{serve.url.replace('http', 'ws')}/f/tell") as socket:
        await socket.send("x")
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007
