"""Reads a container's log from its files: also while it is written, after the container is gone, and without a supervisor."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

from pie_deploy.launchers.process.log_lines import parse_line
from pie_deploy.launchers.process.log_ring import segment_path, segments
from pie_deploy.limits import LOG_FOLLOW_POLL_S, LOG_READ_BYTES
from pie_deploy.ports.launcher import LogLine


class LogReader:
    """Goes through the segments from the oldest on, and on and on as they grow. Blocking."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._descriptor: int | None = None
        self._rest = b""
        self._lock = threading.Lock()
        """A thread may be reading when whoever wanted the lines has gone; the descriptor must not be somebody else's by then."""
        self._is_closed = False

    def read(self) -> list[bytes]:
        """The next whole lines; empty when there are none now."""
        with self._lock:
            return [] if self._is_closed else self._read()

    def _read(self) -> list[bytes]:
        while True:
            if self._descriptor is None and not self._open_next():
                return []
            if lines := self._read_segment():
                return lines
            if not self._is_behind():
                return []
            # The writer goes on in a newer segment, so this one grows no more: what came between the two looks is its last.
            if lines := self._read_segment():
                return lines
            self._leave_segment()

    def _read_segment(self) -> list[bytes]:
        assert self._descriptor is not None
        while data := os.read(self._descriptor, LOG_READ_BYTES):
            *lines, self._rest = (self._rest + data).split(b"\n")
            if lines:
                return lines
        return []

    def _is_behind(self) -> bool:
        return any(number > self._number for number in segments(self._folder))

    def _open_next(self) -> bool:
        for number in segments(self._folder):
            if number > self._number:
                try:
                    self._descriptor = os.open(segment_path(self._folder, number), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                except FileNotFoundError:
                    continue  # the ring has gone round
                self._number, self._rest = number, b""
                return True
        return False

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._leave_segment()

    def _leave_segment(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


async def read_log(
    folder: Path, *, follow: bool, since_ns: int, tail: int | None, is_over: Callable[[], bool]
) -> AsyncGenerator[LogLine, None]:
    """With `follow` it ends when `is_over` and everything has been given."""
    reader = LogReader(folder)
    try:
        if tail is not None:
            for line in _parse(await asyncio.to_thread(_last_lines, reader, tail), since_ns):
                yield line
        while True:
            was_over = is_over()  # asked first, so that the last look is later than the last line
            lines = await asyncio.to_thread(reader.read)
            for line in _parse(lines, since_ns):
                yield line
            if not lines:
                if not follow or was_over:
                    return
                await asyncio.sleep(LOG_FOLLOW_POLL_S)
    finally:
        reader.close()


def _last_lines(reader: LogReader, count: int) -> list[bytes]:
    kept: deque[bytes] = deque(maxlen=max(0, count))
    while lines := reader.read():
        kept.extend(line for line in lines if line)
    return list(kept)


def _parse(lines: list[bytes], since_ns: int) -> Iterator[LogLine]:
    for text in lines:
        line = parse_line(text)
        if line is not None and line.at_ns >= since_ns:
            yield line
