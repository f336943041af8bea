"""Lines of a stream that blocks, such as stdin, for an event loop. A thread reads: pipes and terminals have little in common."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import BinaryIO

LINES_AHEAD_MAX = 64
"""Lines read before anybody asked for them: enough that the thread is seldom waited for, and a program that ends early has not
swallowed a whole file."""


async def lines_of(stream: BinaryIO) -> AsyncIterator[str]:
    """The lines as UTF-8, without their ends; none once the stream is closed. The thread does not keep the OS process alive."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[str | None] = asyncio.Queue()
    room = threading.Semaphore(LINES_AHEAD_MAX)

    def read() -> None:
        with suppress(RuntimeError, OSError, ValueError):  # the loop is closed, or the stream is
            for line in stream:
                room.acquire()
                loop.call_soon_threadsafe(waiting.put_nowait, line.decode("utf-8", "replace").removesuffix("\n"))
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(waiting.put_nowait, None)

    threading.Thread(target=read, name="lines", daemon=True).start()
    while (line := await waiting.get()) is not None:
        room.release()
        yield line
