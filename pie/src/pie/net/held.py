"""The processes that clients have launched: whose they are, who is attached, and what becomes of them without anybody. No I/O.

                  attach                    the terminal event was taken
     detached ──────────────▶ attached ─────────────────────────────────▶ gone
        │ ▲                     │  ▲ attach
        │ └─────────────────────┘  │
        │    connection ends,      │
        │    taken over            │
        └──────────────▶ kept ─────┴─▶ gone
         terminal event     too old, too many, too large

While somebody is attached, a process that talks faster than its client reads waits. While nobody is, it runs on, and its queue
keeps the newest events. Processes whose outputs are not captured are not held here: nobody can attach to them.

A result that was sent over a connection that turns out to be dead is kept as well (`pie.net.unconfirmed`).

A process belongs to a user. Another connection of the same user may take it over at any time: whoever reconnects after a broken
connection need not wait until the server has noticed that it broke. The connection that loses it is told so by a line on `stderr`.
"""

from typing import Protocol

from pie.clock import Clock
from pie.engine.launched import LaunchedProcess
from pie.host.relay import McpRelay
from pie.net.kept import Kept, KeptLimits, KeptResult
from pie.net.refused import RefusedError
from pie.net.unconfirmed import SentResult, Unconfirmed
from pie.processes.events import EventQueue, ProcessEvent

PERMISSION_DENIED = "Permission denied"
NOT_FOUND = "Process not found"
TAKEN_OVER = "[pie] another connection of yours has attached to this process: its events go there from now on\n"
SENT_BEFORE = "[pie] this process has ended, and its connection broke: of what it sent before, something may be missing\n"


class Attachment(Protocol):
    """One client's connection, as far as processes go."""

    processes: "set[Held]"
    """What is attached to it. Kept by this module."""

    def relay_of(self, process_id: str) -> McpRelay:
        """The process's way to MCP servers beside the client."""
        ...

    def ready(self, held: "Held") -> None:
        """The process has events. Called again only after `held.is_ready` was set to False."""
        ...

    def notice(self, process_id: str, text: str) -> None:
        """Tell the client something about a process, on its `stderr`."""
        ...


class Held:
    """One process."""

    __slots__ = ("_table", "attachment", "events", "id", "in_flight", "is_ready", "launched", "username")

    def __init__(self, process_id: str, username: str, events: EventQueue, table: "HeldProcesses") -> None:
        self._table = table
        self.id = process_id
        self.username = username
        self.events = events
        self.launched: LaunchedProcess | None = None
        """None once it has ended with nobody there: only its events are kept."""
        self.attachment: Attachment | None = None
        self.is_ready = False
        """It stands in the line of its attachment."""
        self.in_flight: ProcessEvent | None = None
        """Taken from the queue and not sent yet, or not altogether."""
        self.events.on_event = self._on_event

    def attach(self, attachment: Attachment) -> None:
        """Send events there from now on, those that wait first."""
        if self.attachment is not None:
            self.attachment.processes.discard(self)
        self.is_ready = False
        self.attachment = attachment
        attachment.processes.add(self)
        if self.launched is not None:
            self.launched.relay = attachment.relay_of(self.id)
        self.events.keep("all")
        if not self.events.is_empty:
            self._on_event()

    def detach(self) -> None:
        """From whatever it is attached to. The process runs on; what was not sent yet is kept for the next one."""
        if self.attachment is not None:
            self.attachment.processes.discard(self)
        self.attachment = None
        if self.launched is not None:
            self.launched.relay = None
        self.is_ready = False
        self.take_back()
        self.events.keep("newest")

    def take_back(self) -> None:
        """The event that was to be sent."""
        if self.in_flight is not None:
            self.events.give_back(self.in_flight)
            self.in_flight = None

    def finish(self, event: ProcessEvent) -> None:
        """Its terminal event was sent."""
        self.in_flight = None
        self._table.finish(self, event)

    def _on_event(self) -> None:
        if self.attachment is None:
            if self.events.ended:
                self._table.keep(self)
        elif not self.is_ready:
            self.is_ready = True
            self.attachment.ready(self)


class HeldProcesses:
    """All of them, by id."""

    def __init__(self, limits: KeptLimits, clock: Clock, *, confirmed_after_ns: int) -> None:
        """A connection over which something was sent `confirmed_after_ns` ago was alive then, or would be known to be dead."""
        self._clock = clock
        self._held: dict[str, Held] = {}
        self.kept = Kept(limits)
        self.unconfirmed = Unconfirmed(confirmed_after_ns)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def attached(self) -> int:
        """How many are attached to somebody."""
        return sum(held.attachment is not None for held in self._held.values())

    def get(self, process_id: str) -> Held | None:
        return self._held.get(process_id)

    def add(self, launched: LaunchedProcess) -> Held:
        """A process just launched, attached to nobody yet."""
        self.expire()
        process = launched.process
        held = self._held[process.id] = Held(process.id, process.username, process.events, self)
        held.launched = launched
        held.detach()
        return held

    def attach(self, process_id: str, username: str, attachment: Attachment) -> None:
        """Send the process's events there, those that waited first. Raises `RefusedError`."""
        self.expire()
        held = self._held.get(process_id) or self._sent_to_nobody(process_id, username, attachment)
        if held is None or held.attachment is attachment:
            raise RefusedError(NOT_FOUND)
        if held.username != username:
            raise RefusedError(PERMISSION_DENIED)
        if held.attachment is not None:
            held.attachment.notice(process_id, TAKEN_OVER)
            held.detach()
        self.kept.discard(process_id)
        dropped = held.events.take_dropped()
        if dropped:
            held.events.give_back(ProcessEvent("stderr", _dropped(dropped)))
        held.attach(attachment)

    def release(self, attachment: Attachment, *, properly: bool) -> None:
        """A connection has ended: what was attached to it runs on, what has ended there unread is kept. `properly`: the client
        has closed it, so it has what was sent."""
        for held in list(attachment.processes):
            held.detach()
            if held.events.ended:
                self.keep(held)
        for result in self.unconfirmed.leave(attachment, self._clock.monotonic_ns()):
            if not properly:
                self.keep(self._revived(result))

    def keep(self, held: Held) -> None:
        """It has ended with nobody there."""
        held.launched = None
        size = held.events.characters
        for gone in self.kept.add(KeptResult(held.id, held.username, size, self._clock.monotonic_ns())):
            del self._held[gone]

    def finish(self, held: Held, event: ProcessEvent) -> None:
        """Its client was sent everything, the terminal event at last."""
        sent = SentResult(held.id, held.username, event, self._clock.monotonic_ns())
        assert held.attachment is not None
        self.unconfirmed.add(held.attachment, sent)
        held.detach()
        del self._held[held.id]

    def expire(self) -> None:
        """Let go of results that nobody came for in time."""
        for gone in self.kept.expire(self._clock.monotonic_ns()):
            del self._held[gone]

    def _sent_to_nobody(self, process_id: str, username: str, attachment: Attachment) -> Held | None:
        """A process whose result was sent over another connection of the user, which may be dead."""
        result = self.unconfirmed.take(process_id, username, attachment, self._clock.monotonic_ns())
        return None if result is None else self._revived(result)

    def _revived(self, result: SentResult) -> Held:
        events = EventQueue(events_max=2, characters_max=result.event.size)
        events.put(result.event)
        events.give_back(ProcessEvent("stderr", SENT_BEFORE))
        held = self._held[result.id] = Held(result.id, result.username, events, self)
        return held

    def check(self) -> None:
        """Every process is in one of the states above."""
        self.kept.check()
        for held in self._held.values():
            is_kept = held.id in self.kept
            assert is_kept == (held.attachment is None and held.events.ended), held.id
            assert held.attachment is None or held in held.attachment.processes


def _dropped(count: int) -> str:
    return f"[pie] {count} events were dropped while nobody was attached: this process keeps its newest ones\n"
