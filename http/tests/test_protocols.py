"""What the bounds of a connection do, over real sockets. The engine's and the registry's tests of their servers add to this."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
import uvloop

from pie_http.protocols import ConnectionLimits, bounded
from pie_http.server import EmbeddedServer

GENEROUS = ConnectionLimits(connections_max=100, head_timeout_s=20, stall_timeout_s=20)


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """Answers without having read the body."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"no"})


@asynccontextmanager
async def connected(limits: ConnectionLimits) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    http, websocket = bounded(limits)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = uvicorn.Config(refuse, http=http, ws=websocket, loop="none", lifespan="off", log_config=None)
    server = EmbeddedServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await server.has_begun.wait()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await serving


async def ended(reader: asyncio.StreamReader) -> bytes:
    received = b""
    with suppress(ConnectionError):
        while piece := await reader.read(1 << 16):
            received += piece
    return received


async def test_an_answer_that_comes_before_the_body_has_is_not_lost() -> None:
    async with connected(GENEROUS) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n" + bytes(500_000))
        assert (await reader.readuntil(b"no")).startswith(b"HTTP/1.1 413 ")
        writer.write(bytes(500_000) + b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await reader.readuntil(b"no")).startswith(b"HTTP/1.1 413 ")


def test_on_uvloop_whose_transports_are_none_of_asyncios_classes() -> None:
    async def ask() -> bytes:
        async with connected(GENEROUS) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            return await reader.readuntil(b"no")

    assert uvloop.run(ask()).startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_never_ends_after_its_answer_is_cut_off() -> None:
    limits = ConnectionLimits(connections_max=100, head_timeout_s=0.2, stall_timeout_s=20)
    async with connected(limits) as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n")
        async with asyncio.timeout(20):
            assert (await ended(reader)).endswith(b"no")


async def test_a_head_above_the_limit_is_refused() -> None:
    limits = ConnectionLimits(connections_max=100, head_timeout_s=20, stall_timeout_s=20, head_bytes_max=1000)
    async with connected(limits) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nx: " + b"y" * 2000)
        assert (await ended(reader)).startswith(b"HTTP/1.1 431 ")


async def test_no_path_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with connected(GENEROUS) as (reader, writer):
        writer.write(b"GET /secret HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readuntil(b"no")
    assert "secret" not in caplog.text
