"""From a container's pipes to its log, on the event loop of the supervisor.

A stream is read a piece at a time, so one that floods does not hold up the others, and no faster than its allowance: then its pipe
fills and the program waits in `write`. Nothing is dropped that the ring could hold.
"""

import asyncio
import contextlib
import os

from pie_deploy.clock import Clock
from pie_deploy.launchers.process.allowance import Allowance
from pie_deploy.launchers.process.log_lines import LineStamper, Stream, platform_line
from pie_deploy.launchers.process.log_ring import LogRing
from pie_deploy.limits import LOG_BURST_BYTES, LOG_BYTES_PER_S, LOG_READ_BYTES, LOG_REST_READS_MAX


class ContainerLog:
    """The log of a container, over all its incarnations."""

    def __init__(self, ring: LogRing, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock
        self._allowance = Allowance(LOG_BYTES_PER_S, LOG_BURST_BYTES)
        self.incarnation = 0

    def say(self, text: str) -> None:
        """A line of the platform's own."""
        self._ring.write(platform_line(self._clock.now_ns(), self.incarnation, text))

    def pump(self, descriptor: int, stream: Stream) -> "Pump":
        return Pump(self, descriptor, LineStamper(stream, self.incarnation))

    def write(self, stamper: LineStamper, data: bytes, now_s: float) -> float:
        """Seconds to wait before more is read."""
        block = stamper.feed(data, self._clock.now_ns()) if data else stamper.flush(self._clock.now_ns())
        if block:
            self._mention_lost()
            self._ring.write(block)
        return self._allowance.take(max(len(block), len(data)), now_s)

    def _mention_lost(self) -> None:
        """Before the first line that the disk takes again."""
        if lost_bytes := self._ring.lost_bytes:
            self._ring.lost_bytes = 0
            self.say(f"{lost_bytes} bytes of the log are lost: the disk did not take them")
            if self._ring.lost_bytes:
                self._ring.lost_bytes = lost_bytes

    def close(self) -> None:
        self._ring.close()


class Pump:
    """One stream of one incarnation. Owns the descriptor."""

    def __init__(self, log: ContainerLog, descriptor: int, stamper: LineStamper) -> None:
        self._log = log
        self._descriptor = descriptor
        self._stamper = stamper
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        os.set_blocking(descriptor, False)
        self._loop.add_reader(descriptor, self._read)

    @property
    def is_paused(self) -> bool:
        """Whether the stream has used up its allowance, so that its writer has to wait."""
        return self._pause is not None

    def _read(self) -> None:
        data = self._take()
        if data is None:
            return
        wait_s = self._log.write(self._stamper, data, self._loop.time())
        if not data:
            self.close()
        elif wait_s > 0:
            self._loop.remove_reader(self._descriptor)
            self._pause = self._loop.call_later(wait_s, self._resume)

    def _take(self) -> bytes | None:
        """None: nothing there now. Empty: the end."""
        try:
            return os.read(self._descriptor, LOG_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._descriptor, self._read)

    def drain(self) -> None:
        """Takes what is left in the pipe when all its writers are dead, and ends."""
        if self._descriptor < 0:
            return
        for _ in range(LOG_REST_READS_MAX):
            data = self._take()
            if not data:
                break
            self._log.write(self._stamper, data, self._loop.time())
        self._log.write(self._stamper, b"", self._loop.time())
        self.close()

    def close(self) -> None:
        if self._descriptor < 0:
            return
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._descriptor)
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = -1
