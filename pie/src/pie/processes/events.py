"""What a process tells the outside, in order, through a bounded queue.

A producer that finds no room waits (a guest's `print` or `send` suspends its fiber), so a process that talks faster than anybody
listens costs a bounded amount of memory and loses nothing. The terminal event (`return` or `error`) always fits.

That is how it is while somebody listens. A process that runs on with nobody there keeps its newest events, or none at all.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

EventKind = Literal["stdout", "stderr", "message", "file", "return", "error"]
TERMINAL: frozenset[EventKind] = frozenset({"return", "error"})

Keeping = Literal["all", "newest", "last"]
"""What a queue does when it is full. `all`: its producer waits. `newest`: the oldest events make room. `last`: it is always as if
full and keeps nothing but the terminal event."""


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
        self._keeping: Keeping = "all"
        self._dropped = 0
        self.on_event: Callable[[], None] = _nothing
        self.on_room: Callable[[], None] = _nothing

    @property
    def ended(self) -> bool:
        """The terminal event has been put. It may still wait to be taken."""
        return self._ended

    @property
    def is_empty(self) -> bool:
        return not self._events

    @property
    def characters(self) -> int:
        """In the events that wait, the bytes of files included."""
        return self._characters

    def keep(self, keeping: Keeping) -> None:
        """From now on. A producer that waits goes on if it need not wait any more."""
        self._keeping = keeping
        if keeping != "all":
            self._drop()
            self.on_room()

    def room(self) -> int:
        """How many characters may be put now; 0 tells the producer to wait."""
        if self._keeping != "all":
            return self._characters_max
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
        if self._keeping != "all":
            self._drop()
        self.on_event()

    def take(self) -> ProcessEvent | None:
        """The oldest event, or None."""
        if not self._events:
            return None
        had_room = self.room() > 0
        event = self._events.popleft()
        self._characters -= event.size
        if self._ended and not self._events:
            self.on_event = self.on_room = _nothing  # nothing follows; what was told of it is freed at once, not by the collector
        elif not had_room and self.room() > 0:
            self.on_room()
        return event

    def give_back(self, event: ProcessEvent) -> None:
        """An event that was taken and came to nobody: the next one that is taken."""
        self._events.appendleft(event)
        self._characters += event.size

    def take_dropped(self) -> int:
        """How many events made room for others since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def statistics(self) -> EventStatistics:
        return EventStatistics(events=len(self._events), characters=self._characters)

    def _drop(self) -> None:
        """The oldest events, as many as are too many. Never the newest one, so never the terminal one."""
        while self._events and self._is_too_much():
            self._characters -= self._events.popleft().size
            self._dropped += 1

    def _is_too_much(self) -> bool:
        if len(self._events) == 1:
            return self._keeping == "last" and not self._ended
        full = len(self._events) > self._events_max or self._characters > self._characters_max
        return full or self._keeping == "last"


def _nothing() -> None:
    pass
