"""Whose turn it is. One guest runs at a time; those that compute for long get in line.

A guest that has used up its slice is polled again after everything else that the loop had to do, one such guest per round of the
loop. So ten spinning guests delay a timer, a socket or a guest that was woken by at most one slice, not ten.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pie.sandbox.fiber import Fiber


class Turns:
    """Knows the fiber that is being polled: host functions look here for the guest that called them."""

    def __init__(self) -> None:
        self.current: Fiber | None = None
        self.notice: Callable[[], None] = _nobody
        """Called before each poll: a guest is about to run."""
        self._line: deque[Fiber] = deque()

    def are_taken(self) -> bool:
        """Whether a guest, or a host function that it called, is running now. From any thread."""
        return self.current is not None

    def queue(self, fiber: "Fiber") -> None:
        """Poll the fiber again when it is its turn."""
        self._line.append(fiber)
        if len(self._line) == 1:
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        fiber = self._line[0]
        try:
            fiber.poll()
        finally:
            self._line.popleft()
            if self._line:
                asyncio.get_running_loop().call_soon(self._next)


def _nobody() -> None:
    """No one wants to know."""
