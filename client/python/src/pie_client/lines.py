"""Lines of a stream that blocks, such as stdin, for an event loop. A thread reads: pipes and terminals have little in common."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

LINES_AHEAD_MAX = 64
"""Lines split off before anybody asked for them: enough that the thread is seldom waited for, and a program that ends early has not
swallowed a whole file."""

READ_BYTES = 1 << 16


async def lines_of(descriptor: int) -> AsyncIterator[str]:
    """The lines as UTF-8, without their ends; none from a descriptor that is closed. The thread does not keep the OS process alive.

    It reads the descriptor, not Python's file object: an interpreter that ends while a thread holds a file's lock aborts.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[str | None] = asyncio.Queue()
    room = threading.Semaphore(LINES_AHEAD_MAX)

    def read() -> None:
        with suppress(RuntimeError, OSError):  # the loop is closed, or the descriptor is
            for line in _lines(descriptor):
                room.acquire()
                loop.call_soon_threadsafe(waiting.put_nowait, line.decode("utf-8", "replace"))
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(waiting.put_nowait, None)

    threading.Thread(target=read, name="lines", daemon=True).start()
    while (line := await waiting.get()) is not None:
        room.release()
        yield line


def _lines(descriptor: int) -> Iterator[bytes]:
    rest: list[bytes] = []
    while data := os.read(descriptor, READ_BYTES):
        *ended, last = data.split(b"\n")
        for line in ended:
            yield b"".join((*rest, line))
            rest = []
        rest.append(last)
    if last := b"".join(rest):
        yield last
