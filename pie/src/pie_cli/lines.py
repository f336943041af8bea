"""Lines of a stream that blocks, such as stdin, for an event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TextIO

LINES_AHEAD_MAX = 64
"""Lines read before anybody asked for them: enough that the thread is seldom waited for, and a program that ends early has not
swallowed a whole file."""


async def lines_of(stream: TextIO) -> AsyncIterator[str]:
    """The lines, without their ends. A thread reads them; it does not keep the OS process from ending while it waits for a line."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    room = threading.Semaphore(LINES_AHEAD_MAX)

    def read() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            for line in stream:
                room.acquire()
                loop.call_soon_threadsafe(lines.put_nowait, line.removesuffix("\n"))
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="lines", daemon=True).start()
    while (line := await lines.get()) is not None:
        room.release()
        yield line
