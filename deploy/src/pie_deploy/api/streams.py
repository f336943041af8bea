"""Answers that go on: NDJSON lines, server-sent events. Nothing is collected; what the caller does not take is not made."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from litestar.concurrency import sync_to_thread
from litestar.response import Stream

from pie_deploy.limits import API_PING_S, API_POLL_S
from pie_deploy.services.wakeup import Wakeup

NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"

_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}

_encode = msgspec.json.Encoder().encode


def line(value: object) -> bytes:
    return _encode(value) + b"\n"


def event(seq: int, kind: str, value: object) -> bytes:
    """One server-sent event. JSON has no raw newlines, so the data is one line."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, kind.encode(), _encode(value))


PING = b": still here\n\n"


def ndjson(lines: AsyncIterator[bytes]) -> Stream:
    return Stream(lines, media_type=NDJSON, headers=_HEADERS)


def server_sent(events: AsyncIterator[bytes]) -> Stream:
    return Stream(events, media_type=EVENTS, headers=_HEADERS)


async def looking(wakeup: Wakeup, look: Callable[..., Any], *, until_s: float | None = None) -> AsyncIterator[Any]:
    """What `look` returns, in a thread, now and after everything that is recorded, until that time of the loop.

    It is looked again after a while in any case: what another process records wakes nobody here.
    """
    loop = asyncio.get_running_loop()
    while True:
        seen = wakeup.count
        yield await sync_to_thread(look)
        left_s = API_POLL_S if until_s is None else min(API_POLL_S, until_s - loop.time())
        if left_s <= 0:
            return
        await _recorded(wakeup, seen, left_s)


async def _recorded(wakeup: Wakeup, seen: int, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await wakeup.wait(seen)
    except TimeoutError:
        pass


async def first(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same lines; the first one is there, so that an error before it is an answer of its own."""
    try:
        head: bytes | None = await anext(lines)
    except StopAsyncIteration:
        head = None

    async def all_of_them() -> AsyncIterator[bytes]:
        if head is not None:
            yield head
        async for following in lines:
            yield following

    return all_of_them()


class Pinging:
    """When it is time to say something, so that neither side takes the other for gone."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._said_s = now()

    def said(self) -> None:
        self._said_s = self._now()

    @property
    def is_due(self) -> bool:
        return self._now() - self._said_s >= API_PING_S
