"""WebSockets over links."""

import asyncio
from dataclasses import replace

import pytest
import websockets
from endpoint_container import EndpointContainer
from gateway_serving import A_ROUTE, TOKEN, Serving

from pie_flow.endpoint_link import WINDOW_BYTES, AcceptSocket, Cancel, CloseSocket, FromGateway, OpenSocket, SocketMessage


async def echo(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
    if isinstance(message, OpenSocket):
        await container.say(AcceptSocket(id=message.id, subprotocol=next(iter(message.subprotocols), None)))
    elif isinstance(message, SocketMessage):
        await container.say(SocketMessage(id=message.id, text=message.text), body)


def connect(served: Serving, path: str = "", **options: object) -> websockets.connect:
    return websockets.connect(f"{served.url.replace('http', 'ws')}/f/{TOKEN}{path}", proxy=None, **options)  # type: ignore[arg-type]


async def test_messages_pass_both_ways(served: Serving) -> None:
    await served.serve(echo, transports=("ws",))
    async with connect(served) as socket:
        await socket.send("text ü")
        assert await socket.recv() == "text ü"
        await socket.send(b"\x00bytes")
        assert await socket.recv() == b"\x00bytes"


async def test_the_container_chooses_a_subprotocol_and_sees_path_and_query(served: Serving) -> None:
    container = await served.serve(echo, transports=("ws",))
    async with connect(served, "/a?b=c", subprotocols=["chat"]) as socket:
        assert socket.subprotocol == "chat"
    opened, _ = await container.get(OpenSocket)
    assert (opened.path, opened.query, opened.subprotocols) == ("/a", "b=c", ("chat",))
    assert not any(name.startswith("sec-websocket") for name, _ in opened.headers)


async def test_a_refused_socket_is_403(served: Serving) -> None:
    async def refuse(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        await container.say(CloseSocket(id=message.id, code=1008))

    await served.serve(refuse, transports=("ws",))
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connect(served)
    assert refused.value.response.status_code == 403


async def test_a_socket_that_nobody_accepts_is_504(served: Serving) -> None:
    container = await served.serve(transports=("ws",), timeout_ns=50_000_000)
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connect(served)
    assert refused.value.response.status_code == 504
    await container.get(Cancel)


async def test_the_container_is_told_that_the_caller_closed(served: Serving) -> None:
    container = await served.serve(echo, transports=("ws",))
    async with connect(served) as socket:
        await socket.close(4001, "enough")
    closed, _ = await container.get(CloseSocket)
    assert (closed.code, closed.reason) == (4001, "enough")


async def test_the_caller_is_told_that_the_container_closed(served: Serving) -> None:
    container = await served.serve(echo, transports=("ws",))
    async with connect(served) as socket:
        opened, _ = await container.get(OpenSocket)
        await container.say(CloseSocket(id=opened.id, code=4002, reason="done"))
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert (socket.close_code, socket.close_reason) == (4002, "done")


async def test_sockets_are_closed_with_1001_when_the_route_goes(served: Serving) -> None:
    container = await served.serve(echo, transports=("ws",))
    async with connect(served) as socket:
        served.publish({TOKEN: replace(A_ROUTE, state="not_running", transports=("ws",))}, status="tearing_down")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1001
    await container.get(Cancel)


async def test_sockets_are_closed_with_1012_when_the_container_ends(served: Serving) -> None:
    container = await served.serve(echo, transports=("ws",))
    async with connect(served) as socket:
        await container.stop()
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1012


async def test_a_message_above_the_endpoints_limit_closes_with_1009(served: Serving) -> None:
    await served.serve(echo, transports=("ws",), body_bytes_max=100)
    async with connect(served) as socket:
        await socket.send("x" * 101)
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1009


async def test_a_container_that_takes_nothing_holds_the_caller_back(served: Serving) -> None:
    async def accept(container: EndpointContainer, message: FromGateway, body: bytes) -> None:
        if isinstance(message, OpenSocket):
            await container.say(AcceptSocket(id=message.id))

    container = await served.serve(accept, transports=("ws",))
    size = 100_000
    socket = await connect(served, ping_interval=None, compression=None)

    async def flood() -> None:
        for _ in range(100):
            await socket.send(b"x" * size)

    flooding = asyncio.create_task(flood())
    await container.get(SocketMessage, WINDOW_BYTES // size + 1)
    await asyncio.sleep(0.1)
    assert container.count(SocketMessage) == WINDOW_BYTES // size + 1
    flooding.cancel()
    socket.transport.abort()


async def test_text_that_is_no_unicode_closes_with_1011(served: Serving) -> None:
    container = await served.serve(echo, transports=("ws",))
    async with connect(served) as socket:
        opened, _ = await container.get(OpenSocket)
        await container.say(SocketMessage(id=opened.id), b"\xff")
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1011
