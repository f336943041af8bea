"""What the tests of WASI share: a process's state, a sink that fills up, ways into a scratch."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pie.clock import SystemClock
from pie.wasi.confinement import Place, located
from pie.wasi.poll import Pollable, Wake
from pie.wasi.scratch import OpenFile, Scratch
from pie.wasi.sinks import CaptureSink
from pie.wasi.state import WasiState
from pie.wasi.streams import SinkOutput


class ShiftedClock(SystemClock):
    """Counts from a day in 2001."""

    def wall_ns(self) -> int:
        return 1_000_000_000_500_000_000


@dataclass
class Process:
    """The state object of an instance that has nothing but WASI."""

    wasi: WasiState


def process(**given: Any) -> Process:
    outputs = {"stdout": SinkOutput(CaptureSink()), "stderr": SinkOutput(CaptureSink())}
    return Process(WasiState(**(outputs | given)))


class FullSink:
    """Holds a number of bytes until they are taken, and wakes those who wait for room."""

    def __init__(self, size_bytes_max: int) -> None:
        self.size_bytes_max = size_bytes_max
        self.held = b""
        self.waiting: list[asyncio.Future[None]] = []

    def room(self) -> int:
        return max(0, self.size_bytes_max - len(self.held))

    def write(self, data: bytes) -> None:
        self.held += data

    def roomy(self) -> asyncio.Future[None]:
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    def take(self) -> bytes:
        taken, self.held = self.held, b""
        waiting, self.waiting = self.waiting, []
        for future in waiting:
            future.set_result(None)
        return taken


class Switch(Pollable):
    """A pollable that tests turn on and off; remembers its watcher."""

    def __init__(self, on: bool = False) -> None:
        self.on = on
        self.wake: Wake | None = None

    def ready(self) -> bool:
        return self.on

    def watch(self, wake: Wake) -> None:
        self.wake = wake

    def unwatch(self) -> None:
        self.wake = None

    def turn_on(self) -> None:
        self.on = True
        if self.wake is not None:
            self.wake()


@contextmanager
def at(scratch: Scratch, path: str) -> Iterator[Place]:
    """The place of a path in a scratch; a link at its end is not followed."""
    root = scratch.root()
    try:
        with located(root.fd, path, follow=False) as place:
            yield place
    finally:
        root.release()


def opened(scratch: Scratch, path: str, access: int = os.O_RDWR, **options: bool) -> OpenFile:
    with at(scratch, path) as place:
        return scratch.open(place, access=access, **options)
