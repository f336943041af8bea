"""The protocol over real sockets, served by uvicorn."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from types import SimpleNamespace

import msgspec
import pytest
import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection

from pie.config.config import Config, LimitsConfig
from pie.net.hub import Hub
from pie.net.login import KEYLESS_CLIENT
from pie.net.websocket import serve_websocket
from pie_wire.frames import decode_server_message, encode
from pie_wire.messages import (
    AuthIdentify,
    LaunchProcess,
    Message,
    Ping,
    ProcessEvent,
    Response,
    ServerMessage,
    SignalProcess,
)


@pytest.fixture
async def url(hub: Hub) -> AsyncIterator[str]:
    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        await serve_websocket(scope, receive, send, hub)

    settings = uvicorn.Config(
        app, port=0, ws="websockets-sansio", ws_max_size=1 << 20, ws_per_message_deflate=False, lifespan="off", log_level="error"
    )
    server = uvicorn.Server(settings)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"ws://127.0.0.1:{port}"
    server.should_exit = True
    await task


async def until(look) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(30):
        while not look():
            await asyncio.sleep(0.01)


async def ask(socket: ClientConnection, message: Message) -> ServerMessage:
    await socket.send(encode(message))
    return await receive(socket)


async def receive(socket: ClientConnection) -> ServerMessage:
    frame = await asyncio.wait_for(socket.recv(), 30)
    assert isinstance(frame, bytes)
    return decode_server_message(frame)


async def log_in(socket: ClientConnection, username: str = "ada") -> None:
    answer = await ask(socket, AuthIdentify(1, username))
    assert isinstance(answer, Response)
    assert answer.ok


async def launch(socket: ClientConnection, program: str, text: str) -> str:
    answer = await ask(socket, LaunchProcess(2, program, text, True))
    assert isinstance(answer, Response)
    return answer.result


@pytest.mark.parametrize("path", ["", "/", "/v1/ws"])
async def test_a_launch_over_a_socket(url: str, path: str) -> None:
    async with websockets.connect(url + path) as socket:
        await log_in(socket)
        process_id = await launch(socket, "echo", "hello")
        assert await receive(socket) == ProcessEvent(process_id, "return", "hello")


async def test_text_frames_are_counted_and_not_answered(url: str, hub: Hub) -> None:
    async with websockets.connect(url) as socket:
        await socket.send("hello")
        await log_in(socket)
        assert hub.statistics().frames_bad == 1


async def test_a_connection_that_ends_detaches_its_processes(url: str, hub: Hub) -> None:
    async with websockets.connect(url) as socket:
        await log_in(socket)
        await launch(socket, "waits", "{}")
        assert hub.statistics().attached == 1
        assert (hub.statistics().connections, hub.statistics().sessions) == (1, 1)
    await until(lambda: hub.statistics().connections == 0)
    assert (hub.statistics().attached, hub.statistics().processes) == (0, 1)


async def test_a_connection_that_breaks_without_a_word_does_so_too(url: str, hub: Hub) -> None:
    socket = await websockets.connect(url)
    await log_in(socket)
    await launch(socket, "waits", "{}")
    socket.transport.abort()
    await until(lambda: hub.statistics().connections == 0)
    assert hub.statistics().attached == 0


@pytest.mark.parametrize("properly", [True, False])
async def test_the_result_on_a_connection_that_breaks_is_kept(url: str, hub: Hub, properly: bool) -> None:
    async with websockets.connect(url) as socket:
        await log_in(socket)
        await launch(socket, "echo", "{}")
        await receive(socket)
        if not properly:
            socket.transport.abort()
    await until(lambda: hub.statistics().connections == 0)
    assert hub.statistics().kept_results == (0 if properly else 1)


async def test_a_client_that_does_not_read_holds_up_its_own_process_only(url: str, hub: Hub) -> None:
    async with websockets.connect(url, max_queue=1) as stuck, websockets.connect(url) as other:
        await log_in(stuck)
        await log_in(other, "bob")
        stuck.transport.pause_reading()
        await stuck.send(encode(LaunchProcess(2, "talks", "300000", True)))
        await until(lambda: hub.engine.processes("ada") and hub.engine.processes("ada")[0].events.room() == 0)
        process_id = await launch(other, "echo", "quick")
        assert await receive(other) == ProcessEvent(process_id, "return", "quick")
        assert hub.engine.processes("ada")[0].events.statistics().events <= 16
        stuck.transport.abort()


async def test_events_arrive_in_order_and_none_is_lost(url: str) -> None:
    async with websockets.connect(url) as socket:
        await log_in(socket)
        ids = [await launch(socket, "talks", "0") for _ in range(1)]
        await socket.send(encode(SignalProcess(ids[0], "end")))
        assert await receive(socket) == ProcessEvent(ids[0], "return", "end")
        await socket.send(encode(LaunchProcess(3, "talks", "2000", True)))
        answer = await receive(socket)
        assert isinstance(answer, Response)
        values = [await receive(socket) for _ in range(2000)]
        assert values == [ProcessEvent(answer.result, "message", str(number)) for number in range(2000)]


@pytest.mark.parametrize("limits", [LimitsConfig(handshake_timeout_s=0.05)])
async def test_who_does_not_log_in_is_let_go(url: str) -> None:
    async with websockets.connect(url) as socket:
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 30)
        assert closed.value.rcvd is not None
        assert "not logged in" in closed.value.rcvd.reason


@pytest.mark.parametrize("limits", [LimitsConfig(connections=1)])
async def test_one_connection_too_many_is_told_so(url: str, hub: Hub) -> None:
    async with websockets.connect(url) as first:
        await log_in(first)
        async with websockets.connect(url) as second:
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await asyncio.wait_for(second.recv(), 30)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1013
        assert hub.statistics().connections_refused == 1


async def test_a_frame_over_the_limit_ends_only_its_connection(url: str, hub: Hub) -> None:
    async with websockets.connect(url) as socket, websockets.connect(url) as other:
        await log_in(other)
        with suppress(websockets.ConnectionClosed):
            await socket.send(b"x" * ((1 << 20) + 1))
            await asyncio.wait_for(socket.recv(), 30)
        assert socket.close_code == 1009
        assert await ask(other, Ping(7)) == Response(7, True, "Pong")


async def test_closing_the_hub_says_goodbye_to_everybody(url: str, hub: Hub) -> None:
    async with websockets.connect(url) as socket:
        await log_in(socket)
        await hub.close()
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), 30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    assert hub.statistics().connections == 0
    await hub.close()


async def test_what_waits_is_sent_before_goodbye(url: str, hub: Hub) -> None:
    """As when a server stops: it ends the processes, then closes the connections."""
    async with websockets.connect(url) as socket:
        await log_in(socket)
        ids = {await launch(socket, "waits", "{}") for _ in range(20)}
        for process in hub.engine.processes():
            hub.engine.terminate(process.id)
        while hub.engine.processes():
            await asyncio.sleep(0)
        await hub.close()
        ended = [await receive(socket) for _ in range(20)]
        assert {event.process_id for event in ended if isinstance(event, ProcessEvent)} == ids
        with pytest.raises(websockets.ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 30)


async def test_a_client_of_pie_0_5_is_told_that_it_needs_a_key(url: str, hub: Hub, config: Config) -> None:
    hub.credentials = SimpleNamespace(enabled=True, keys_of=lambda _: ())  # type: ignore[assignment]
    header = {"x-pie-identity": "default/bench"}
    async with websockets.connect(f"{url}/v1/ws", additional_headers=header) as socket:
        assert await ask(socket, AuthIdentify(1, "ada")) == Response(1, False, KEYLESS_CLIENT)
    async with websockets.connect(url) as socket:
        answer = await ask(socket, AuthIdentify(1, "ada"))
        assert isinstance(answer, Response)
        assert answer.ok


async def test_what_two_frames_share_a_packet_for_is_answered_in_order(url: str) -> None:
    async with websockets.connect(url) as socket:
        await log_in(socket)
        for number in range(100):
            await socket.send(msgspec.msgpack.encode({"type": "ping", "corr_id": number}))
        assert [await receive(socket) for _ in range(100)] == [Response(number, True, "Pong") for number in range(100)]
