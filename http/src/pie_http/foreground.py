"""A server as the program in front of somebody: what it says, what it asks of its OS process, and how it is stopped."""

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

EXIT_INTERRUPTED = 130
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

DESCRIPTORS = 1 << 20
"""File descriptors that we ask for. Some systems grant a billion, which makes programs slow that look at each of them."""


class Stop:
    """Asked for by a first signal, or from inside; a second signal ends the program at once."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def heed_signals(self) -> None:
        """From now on, on the event loop that is running."""
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # whoever started us in the background wants it so
                loop.add_signal_handler(number, self._signalled)

    def ask(self) -> None:
        self._asked.set()

    async def wait(self) -> None:
        await self._asked.wait()

    @property
    def is_asked(self) -> bool:
        return self._asked.is_set()

    def _signalled(self) -> None:
        if self.is_asked:
            os._exit(EXIT_INTERRUPTED)  # our children notice that we are gone
        self.ask()


def allow_many_connections() -> None:
    """Each connection takes a file descriptor, of which shells grant 1024 unless they are asked for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, DESCRIPTORS)), hard))


def spare_collector() -> None:
    """What is there by now stays: the garbage collector need not look through it again, which takes 50 ms each time, during which
    nobody is served.
    """
    gc.collect()
    gc.freeze()


def boxed(title: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    """A table in a frame."""
    left = max(len(name) for name, _ in rows)
    lines = [f"{name:{left}}  {value}" for name, value in rows]
    width = max(len(title) + 1, *map(len, lines))
    return [
        f"╭─ {title} {'─' * (width - len(title) - 1)}╮",
        *(f"│ {line:{width}} │" for line in lines),
        f"╰{'─' * (width + 2)}╯",
    ]


def say(text: str) -> None:
    """To whoever watches, if there is somebody; stdout is for programs."""
    if sys.stderr is not None:
        with suppress(OSError):  # the reader of our stderr has gone, which is no reason to stop
            print(text, file=sys.stderr, flush=True)
