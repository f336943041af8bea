"""What a container writes: lines on stderr, which the platform keeps. `log` is the author's logger."""

import logging
import sys
import time
from collections.abc import Callable, Sequence

_TRACED_IDS_MAX = 8

log = logging.getLogger("pie")
"""For the component and its library; goes to the container's log."""


def set_up(*, debug: bool) -> None:
    """Everything that is logged in this process goes to stderr, a line for each entry; with `debug` from DEBUG on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.INFO)


class Throttle:
    """Lets so many entries through in each second; tells the next one how many did not come through before it."""

    def __init__(self, per_second: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._second = -1
        self._admitted = 0
        self._held_back = 0

    def admit(self) -> int | None:
        """None: hold it back. Else how many were held back before."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._admitted = second, 0
        if self._admitted >= self._per_second:
            self._held_back += 1
            return None
        self._admitted += 1
        held_back, self._held_back = self._held_back, 0
        return held_back


def trace(correlations: Sequence[int], size_bytes: int) -> str:
    """What a container that is debugged says of a batch: how many, how large, for which requests. Never the values."""
    ids = [correlation for correlation in correlations[:_TRACED_IDS_MAX] if correlation]
    return f"{len(correlations)} messages, {size_bytes} bytes" + (f", requests {ids}" if ids else "")
