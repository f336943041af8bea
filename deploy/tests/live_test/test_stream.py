"""Streams that a test listens to, when they are not what they should be."""

import asyncio
from collections.abc import AsyncGenerator

import httpx
import pytest
from live_test_platform import Endpoints, serving

from pie_deploy.errors import UnreachableError
from pie_deploy.live_test import stream as streams
from pie_deploy.live_test.stream import Stream, server_sent


async def values(*texts: str) -> AsyncGenerator[str]:
    for text in texts:
        yield text
    await asyncio.Event().wait()


async def listened(*texts: str) -> Stream:
    stream = Stream("counts")
    await stream.open(values("", *texts))
    while stream.count < len(texts):
        await stream.changed()
    await stream.close()
    return stream


async def test_values_are_json_or_else_text() -> None:
    assert list((await listened('{"a": 1}', "plain", "[" * 100_000)).values)[:2] == [{"a": 1}, "plain"]


async def test_only_the_newest_values_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIVE_TEST_VALUES_MAX", 3)
    stream = await listened("1", "2", "3", "4", "5")
    assert (list(stream.values), stream.count) == ([3, 4, 5], 5)


async def test_an_endpoint_that_does_not_stream_is_refused() -> None:
    async def missing(url: str) -> AsyncGenerator[str]:
        raise httpx.ConnectError("nobody there")
        yield url

    with pytest.raises(UnreachableError, match="the endpoint counts does not stream: nobody there"):
        await Stream("counts").open(missing("x"))


async def test_a_refusal_is_told_with_its_status() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(404))
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(UnreachableError, match="404"):
            await Stream("counts").open(server_sent(client, "http://127.0.0.1/f/x"))


async def test_events_may_come_in_pieces_and_several_lines() -> None:
    body = b": hello\n\nid: 1\ndata: {\ndata: }\r\n\ndata:5\n\ndata: unfinished"
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=pieces(body)))) as client:
        assert [text async for text in server_sent(client, "http://127.0.0.1/")] == ["", "{\n}", "5"]


async def pieces(body: bytes) -> AsyncGenerator[bytes]:
    for at in range(0, len(body), 3):
        yield body[at : at + 3]


async def test_a_value_without_end_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIVE_TEST_VALUE_BYTES_MAX", 100)
    content = pieces(b"data: 1\n\ndata: " + b"x" * 1000)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=content))) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="more than 100 bytes"):
            assert [text async for text in server_sent(client, "http://127.0.0.1/")]


async def test_closing_leaves_nobody_listening() -> None:
    endpoints = Endpoints()
    async with serving(endpoints) as url, httpx.AsyncClient() as client:
        stream = Stream("counts")
        await stream.open(server_sent(client, f"{url}/counts"))
        await stream.close()
        endpoints.emit(1)
    assert stream.count == 0
