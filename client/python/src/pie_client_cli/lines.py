"""Lines of stdin for an event loop. A thread reads them, because a pipe, a file and a terminal have nothing else in common."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress

LINES_AHEAD_MAX = 64
"""Lines read before anybody asked for them: a process that ends early has not swallowed a whole file."""


async def lines() -> AsyncIterator[str]:
    """The lines of stdin without their ends; none if it is closed. The thread does not keep the command from ending."""
    stream = sys.stdin
    if stream is None:
        return
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[str | None] = asyncio.Queue()
    room = threading.Semaphore(LINES_AHEAD_MAX)

    def read() -> None:
        with suppress(RuntimeError, OSError, ValueError):  # the loop is closed, or stdin is
            for line in stream.buffer:
                room.acquire()
                loop.call_soon_threadsafe(waiting.put_nowait, line.decode("utf-8", "replace").removesuffix("\n"))
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(waiting.put_nowait, None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await waiting.get()) is not None:
        room.release()
        yield line
