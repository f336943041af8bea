"""Virtual input and output: queues that the component's own threads fill and drain, for what talks to the outside world."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from pie_component.edges.consumer import Queue
from pie_component.limits import VIRTUAL_MESSAGES_MAX


class VirtualInput:
    """What is pushed here comes to the function as its keyword `virtual_input`, as if it were a further input."""

    def __init__(self) -> None:
        self.queue: Queue = deque()
        self._room = threading.Condition()
        self._waiting = 0
        self._is_closed = False
        self._wake: Callable[[], None] = lambda: None

    def push(self, value: Any, correlation: int = 0, timeout_s: float | None = None) -> bool:
        """Hand a value to the function, from any thread. Waits while too many are unread; False: until the time was over.
        `correlation`: id of the request that the result answers."""
        with self._room:
            self._waiting += 1
            has_room = self._room.wait_for(lambda: len(self.queue) < VIRTUAL_MESSAGES_MAX and not self._is_closed, timeout_s)
            self._waiting -= 1
            if has_room:
                self.queue.append((correlation, value))
        self._wake()
        return has_room

    def close(self) -> None:
        """The container ends: whoever pushes from now on waits."""
        self._is_closed = True

    def bind(self, wake: Callable[[], None]) -> None:
        """`wake` is called after each push."""
        self._wake = wake

    def tend(self) -> None:
        """The worker has taken some: let those in who wait."""
        if self._waiting:
            with self._room:
                self._room.notify_all()


class VirtualOutput:
    """The last part of the function's result, where `run` was told to use it: to a callback, or to who gets it."""

    def __init__(self) -> None:
        self._callback: Callable[[Any], object] | None = None
        self._values: deque[Any] = deque()
        self._changed = threading.Condition()
        self._wake: Callable[[], None] = lambda: None

    def set_on_push(self, callback: Callable[[Any], object]) -> None:
        """Let every value come to the callback, on the thread of the function."""
        self._callback = callback

    def get(self, timeout_s: float | None = None) -> Any:
        """The next value. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._values), timeout_s):
                raise TimeoutError("nothing has come to the virtual output")
            value = self._values.popleft()
        self._wake()
        return value

    def bind(self, wake: Callable[[], None]) -> None:
        """`wake` is called when there is room again."""
        self._wake = wake

    @property
    def has_room(self) -> bool:
        return len(self._values) < VIRTUAL_MESSAGES_MAX

    def push(self, value: Any) -> None:
        """Called by the worker."""
        if self._callback is not None:
            self._callback(value)
            return
        with self._changed:
            self._values.append(value)
            self._changed.notify()
