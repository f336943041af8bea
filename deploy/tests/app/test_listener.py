import asyncio
from typing import Any

import httpx
import pytest

from pie_deploy.app.listener import Listener
from pie_deploy.errors import StorageError


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def endless(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.sleep(0.01)


async def test_its_url_is_known_before_it_serves() -> None:
    listener = Listener("API", 0)
    url = listener.url
    await listener.start(hello, 10)
    async with httpx.AsyncClient() as http:
        assert (await http.get(url)).text == "hello"
    await listener.stop()


async def test_it_can_be_stopped_without_having_served() -> None:
    listener = Listener("API", 0)
    port = int(listener.url.rpartition(":")[2])
    await listener.stop()
    again = Listener("API", port)
    await again.stop()


async def test_a_port_that_is_taken_is_named() -> None:
    listener = Listener("API", 0)
    port = int(listener.url.rpartition(":")[2])
    with pytest.raises(StorageError, match=f"the gateway cannot listen on 127.0.0.1:{port}: .*; choose another port"):
        Listener("gateway", port)
    await listener.stop()


async def test_a_stream_without_an_end_does_not_keep_it_from_stopping() -> None:
    listener = Listener("API", 0, grace_s=0)
    serving = await listener.start(endless, 10)
    async with httpx.AsyncClient() as http, http.stream("GET", listener.url) as response:
        await anext(response.aiter_bytes())
        await listener.stop()
    assert serving.done()
