"""Where the bytes that a guest prints go.

A sink is asked for room before it is written to; while it has none, the guest that prints waits. So a guest that prints without end
runs at the speed of whoever reads, and costs a bounded amount of memory.
"""

import asyncio
from typing import Protocol

from pie.limits import WASI_OUTPUT_BYTES_MAX


class Sink(Protocol):
    def room(self) -> int:
        """Above 0, one write may follow, whatever its size; 0 tells the guest to wait."""
        ...

    def write(self, data: bytes) -> None:
        """Take all of the bytes, at most `WASI_OUTPUT_BYTES_MAX`, even if there is less room. They may end within a character."""
        ...

    def roomy(self) -> asyncio.Future[None]:
        """A future that ends when there may be room again. It promises nothing: `room` is asked again."""
        ...


class CaptureSink:
    """Keeps the first `size_bytes_max` bytes and counts the rest, so the guest never waits. For tests and for one-shot runs."""

    def __init__(self, size_bytes_max: int = 1 << 20) -> None:
        self._size_bytes_max = size_bytes_max
        self._kept = bytearray()
        self.dropped_bytes = 0

    def room(self) -> int:
        return WASI_OUTPUT_BYTES_MAX

    def write(self, data: bytes) -> None:
        kept = data[: self._size_bytes_max - len(self._kept)]
        self._kept += kept
        self.dropped_bytes += len(data) - len(kept)

    def roomy(self) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    @property
    def data(self) -> bytes:
        return bytes(self._kept)

    @property
    def text(self) -> str:
        """What was printed, with a notice at the end if not all of it was kept."""
        text = self._kept.decode("utf-8", "replace")
        return f"{text}\n[{self.dropped_bytes} more bytes were dropped]" if self.dropped_bytes else text
