"""The events of one process that nobody has read yet. Pure: the inbox around it does the waiting."""

from collections import deque

from pie_client.events import TERMINAL, ProcessEvent
from pie_client.limits import BACKLOG_BYTES_MAX, BACKLOG_EVENTS_MAX


class Backlog:
    """First in, first out. It takes whatever is put; `full` tells the one who reads the socket to stop."""

    def __init__(self) -> None:
        self._events: deque[ProcessEvent] = deque()
        self._size_bytes = 0
        self._ended = False

    @property
    def size_bytes(self) -> int:
        """Bytes of files, characters of texts, and one for each event."""
        return self._size_bytes

    @property
    def full(self) -> bool:
        return len(self._events) >= BACKLOG_EVENTS_MAX or self._size_bytes >= BACKLOG_BYTES_MAX

    @property
    def ended(self) -> bool:
        """The terminal event has been put. It may still lie here."""
        return self._ended

    def put(self, event: ProcessEvent) -> None:
        """After the terminal event nothing is taken any more."""
        if self._ended:
            return
        self._ended = event.event in TERMINAL
        self._events.append(event)
        self._size_bytes += _size(event)

    def take(self) -> ProcessEvent | None:
        """The oldest event; None if there is none."""
        if not self._events:
            return None
        event = self._events.popleft()
        self._size_bytes -= _size(event)
        return event


def _size(event: ProcessEvent) -> int:
    return 1 + len(event.value)
