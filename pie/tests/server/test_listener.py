"""Connections are bounded before anybody has said who he is: raw bytes over real sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from pie.config.config import Config, LimitsConfig, ServerConfig
from pie.errors import ServerError
from pie.limits import SERVER_HEAD_BYTES_MAX
from pie.server.listener import Listener
from pie_wire.limits import FRAME_BYTES_MAX
from server_fakes.certificates import certificate

PORT_0 = ServerConfig(port=0)
UPGRADE = b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: " + b"A" * 22 + b"==\r\n"


FLOOD = 1000
"""Messages of 64 KiB: far more than sockets hold."""


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Gives back bodies and frames; `/flood` sends without being asked."""
    rounds = FLOOD if scope["path"] == "/flood" else 0
    if scope["type"] == "http":
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(rounds):
            await send({"type": "http.response.body", "body": bytes(1 << 16), "more_body": True})
        await send({"type": "http.response.body", "body": body + message["body"]})
        return
    await receive()
    await send({"type": "websocket.accept"})
    for _ in range(rounds):
        await send({"type": "websocket.send", "bytes": bytes(1 << 16)})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message["bytes"]})


@asynccontextmanager
async def listening(config: Config | None = None) -> AsyncIterator[Listener]:
    listener = Listener(echo, config or Config(server=PORT_0))
    await listener.start()
    try:
        yield listener
    finally:
        await listener.close()


@asynccontextmanager
async def connection(listener: Listener) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(listener.url("ws").rpartition(":")[2]))
    try:
        yield reader, writer
    finally:
        writer.close()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What comes before the other side closes, however it does that."""
    received = b""
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            received += data
    return received


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_requests_and_frames_are_served_without_a_word_about_the_software() -> None:
    async with listening() as listener, connection(listener) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello")
        answer = (await reader.read()).lower()
        assert answer.endswith(b"hello\r\n0\r\n\r\n")
        assert b"server:" not in answer
        async with connect(listener.url("ws")) as client:
            await client.send(b"hello")
            assert await client.recv() == b"hello"


async def test_after_stop_accepting_who_is_there_stays_and_nobody_else_comes() -> None:
    async with listening() as listener, connect(listener.url("ws")) as client:
        listener.stop_accepting()
        await client.send(b"still here")
        assert await client.recv() == b"still here"
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", int(listener.url("ws").rpartition(":")[2]))


async def test_a_taken_port_is_an_error_and_close_works_all_the_same() -> None:
    async with listening() as listener:
        port = int(listener.url("ws").rpartition(":")[2])
        second = Listener(echo, Config(server=ServerConfig(port=port)))
        with pytest.raises(ServerError, match="taken"):
            await second.start()
        await second.close()


async def test_headers_without_end_are_refused() -> None:
    async with listening() as listener, connection(listener) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nx: " + b"y" * SERVER_HEAD_BYTES_MAX)
        assert (await ended(reader)).startswith(b"HTTP/1.1 431 ")


async def test_trailers_without_end_are_refused() -> None:
    async with listening() as listener, connection(listener) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n")
        for _ in range(100):
            writer.write(b"x: " + b"y" * 4000 + b"\r\n")
        await ended(reader)


async def test_a_long_body_in_small_pieces_is_not_taken_for_headers() -> None:
    async with listening() as listener, connection(listener) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n")
        writer.write(b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nhost: x\r\n"])
async def test_who_says_nothing_or_never_ends_his_headers_is_sent_away(sent: bytes) -> None:
    limits = LimitsConfig(handshake_timeout_s=0.05)
    async with listening(Config(server=PORT_0, limits=limits)) as listener, connection(listener) as (reader, writer):
        writer.write(sent)
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")


async def test_one_connection_too_many_is_sent_away() -> None:
    limits = LimitsConfig(connections=1)
    async with listening(Config(server=PORT_0, limits=limits)) as listener, connection(listener):
        await until(lambda: listener.connections == 1)
        async with connection(listener) as (reader, _):
            assert (await reader.read()).startswith(b"HTTP/1.1 503 ")
        listener.reconfigure(LimitsConfig(connections=2))
        async with connect(listener.url("ws")) as client:
            await client.send(b"in")
            assert await client.recv() == b"in"


@pytest.mark.parametrize("upgrade", [b"", UPGRADE], ids=["http", "websocket"])
async def test_who_reads_nothing_is_cut_off(upgrade: bytes) -> None:
    config = Config(server=PORT_0, limits=LimitsConfig(idle_timeout_s=0.2))
    async with listening(config) as listener, connection(listener) as (reader, writer):
        writer.write(b"GET /flood HTTP/1.1\r\nhost: x\r\n" + upgrade + b"\r\n")
        assert len(await reader.readexactly(1000)) == 1000
        await until(lambda: listener.connections == 0)


async def test_a_silent_websocket_is_closed_and_one_that_answers_pings_is_not() -> None:
    config = Config(server=PORT_0, limits=LimitsConfig(idle_timeout_s=2))
    async with listening(config) as listener, connect(listener.url("ws")) as lively, connection(listener) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n" + UPGRADE + b"\r\n")
        assert b"keepalive ping timeout" in await ended(reader)
        await lively.send(b"alive")
        assert await lively.recv() == b"alive"


async def test_a_frame_that_is_too_large_ends_its_connection_only() -> None:
    async with listening() as listener, connect(listener.url("ws")) as good, connect(listener.url("ws"), max_size=None) as bad:
        with pytest.raises(ConnectionClosed) as closed:
            await bad.send(bytes(FRAME_BYTES_MAX + 1))
            await bad.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        await good.send(b"good")
        assert await good.recv() == b"good"


async def test_with_a_certificate_only_encrypted_connections_are_served(tmp_path: Path) -> None:
    server = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=server.tls_cert)
    trust.check_hostname = False
    async with listening(Config(server=server)) as listener:
        assert listener.url("ws").startswith("wss://127.0.0.1:")
        assert listener.url("http").startswith("https://")
        async with connect(listener.url("ws"), ssl=trust) as client:
            await client.send(b"secret")
            assert await client.recv() == b"secret"
        async with connection(listener) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b"200" not in await reader.read()


PIECES = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\n",
        b"host: x\r\n",
        b"content-length: 3\r\n",
        b"content-length: -1\r\n",
        b"transfer-encoding: chunked\r\n",
        b"expect: 100-continue\r\n",
        b"upgrade: h2c\r\n",
        UPGRADE,
        b"\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"\x82\x80\0\0\0\0",
        b"\x88\x80\0\0\0\0",
        b"\xff\xff\xff",
    ]
)


@settings(max_examples=10)
@given(st.lists(st.lists(PIECES | st.binary(max_size=64), max_size=12), max_size=16))
async def test_whatever_anybody_sends_the_next_one_is_served(conversations: list[list[bytes]]) -> None:
    async with listening() as listener:
        for pieces in conversations:
            async with connection(listener) as (reader, writer):
                writer.write(b"".join(pieces))
                with suppress(OSError):
                    writer.write_eof()
                await ended(reader)
        async with connect(listener.url("ws")) as client:
            await client.send(b"hello")
            assert await client.recv() == b"hello"
