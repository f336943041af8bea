"""What a process tells the outside, in order, through a bounded queue.

A producer that finds no room waits (a guest's `print` or `send` suspends its fiber), so a process that talks faster than anybody
listens costs a bounded amount of memory and loses nothing. The terminal event (`return` or `error`) always fits.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

EventKind = Literal["stdout", "stderr", "message", "file", "return", "error"]
TERMINAL: frozenset[EventKind] = frozenset({"return", "error"})


@dataclass(frozen=True, slots=True)
class ProcessEvent:
    kind: EventKind
    value: str
    """The text; a file's name, which may be empty."""
    data: bytes = b""
    """A file's content."""

    @property
    def size(self) -> int:
        """What it counts for in a queue: characters and bytes."""
        return len(self.value) + len(self.data)


@dataclass(frozen=True, slots=True)
class EventStatistics:
    events: int
    characters: int


class EventQueue:
    """First in, first out; bounded by the number of events and by the characters in them.

    `on_event` and `on_room` are called when an event was added and when room came back: shells hang their wake-ups there.
    """

    def __init__(self, events_max: int, characters_max: int) -> None:
        self._events: deque[ProcessEvent] = deque()
        self._events_max = events_max
        self._characters_max = characters_max
        self._characters = 0
        self._ended = False
        self.on_event: Callable[[], None] = _nothing
        self.on_room: Callable[[], None] = _nothing

    @property
    def ended(self) -> bool:
        """The terminal event has been put. It may still wait to be taken."""
        return self._ended

    def room(self) -> int:
        """How many characters may be put now; 0 tells the producer to wait."""
        if len(self._events) >= self._events_max:
            return 0
        return max(0, self._characters_max - self._characters)

    def put(self, event: ProcessEvent) -> None:
        """Add an event. The producer has asked for room; an event larger than the room is still taken whole, once.

        After the terminal event nothing is taken any more: what a dying guest still prints has no reader.
        """
        if self._ended:
            return
        self._ended = event.kind in TERMINAL
        self._events.append(event)
        self._characters += event.size
        self.on_event()

    def take(self) -> ProcessEvent | None:
        """The oldest event, or None."""
        if not self._events:
            return None
        had_room = self.room() > 0
        event = self._events.popleft()
        self._characters -= event.size
        if not had_room and self.room() > 0:
            self.on_room()
        return event

    def statistics(self) -> EventStatistics:
        return EventStatistics(events=len(self._events), characters=self._characters)


def _nothing() -> None:
    pass
