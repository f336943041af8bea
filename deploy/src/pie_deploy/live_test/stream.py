"""What comes out of an egress, listened to from the start of a test: server-sent events or WebSocket messages."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from pie_deploy.errors import UnreachableError
from pie_deploy.limits import LIVE_TEST_VALUE_BYTES_MAX, LIVE_TEST_VALUES_MAX

OPEN_TIMEOUT_S = 30.0


class Stream:
    """One role's values as they come. Keeps the newest `LIVE_TEST_VALUES_MAX`."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.values: deque[Any] = deque(maxlen=LIVE_TEST_VALUES_MAX)
        """JSON values; what is no JSON is text."""
        self.count = 0
        """All that have come."""
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self, values: AsyncGenerator[str]) -> None:
        """Begin to listen; returns when the endpoint has answered. `values` gives an empty text then. Raises UnreachableError."""
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._listen(values, opened), name=f"listen to {self.role}")
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                await opened
        except (TimeoutError, httpx.HTTPError, OSError, WebSocketException) as error:
            await self.close()
            raise UnreachableError(f"the endpoint {self.role} does not stream: {error}") from error

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def changed(self) -> None:
        """Returns when another value has come since the last call."""
        await self._changed.wait()
        self._changed.clear()

    async def _listen(self, values: AsyncGenerator[str], opened: asyncio.Future[None]) -> None:
        """Until the stream ends: whoever expects more then waits in vain, and says so."""
        try:
            async with aclosing(values):
                await anext(values)
                opened.set_result(None)
                async for text in values:
                    self.values.append(decoded(text))
                    self.count += 1
                    self._changed.set()
        except (httpx.HTTPError, OSError, WebSocketException) as error:
            if not opened.done():
                opened.set_exception(error)


def decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


async def server_sent(client: httpx.AsyncClient, url: str) -> AsyncGenerator[str]:
    """An empty text when the endpoint has answered, then the data of each event. Raises httpx.HTTPError."""
    timeout = httpx.Timeout(None, connect=OPEN_TIMEOUT_S)
    async with client.stream("GET", url, headers={"accept": "text/event-stream"}, timeout=timeout) as response:
        response.raise_for_status()
        yield ""
        data: list[str] = []
        async for line in _lines(response):
            if line.startswith("data:"):
                data.append(line.removeprefix("data:").removeprefix(" "))
            elif not line and data:
                yield "\n".join(data)
                data.clear()


async def _lines(response: httpx.Response) -> AsyncIterator[str]:
    """Lines without their ends; one that is too long ends the stream."""
    waiting = b""
    async for chunk in response.aiter_bytes():
        *lines, waiting = (waiting + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode(errors="replace")
        if len(waiting) > LIVE_TEST_VALUE_BYTES_MAX:
            raise httpx.RemoteProtocolError(f"a value has more than {LIVE_TEST_VALUE_BYTES_MAX} bytes")


async def messages(url: str) -> AsyncGenerator[str]:
    """An empty text when the WebSocket is open, then each message. Raises OSError and WebSocketException."""
    async with connect(url, max_size=LIVE_TEST_VALUE_BYTES_MAX, proxy=None, open_timeout=OPEN_TIMEOUT_S) as socket:
        yield ""
        async for message in socket:
            yield message if isinstance(message, str) else message.decode(errors="replace")
