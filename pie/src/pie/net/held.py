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

A process belongs to a user. Another connection of the same user may take it over at any time: whoever reconnects after a broken
connection need not wait until the server has noticed that it broke. The connection that loses it is told so by a line on `stderr`.
"""

from typing import Protocol

from pie.clock import Clock
from pie.engine.launched import LaunchedProcess
from pie.host.relay import McpRelay
from pie.net.kept import Kept, KeptLimits, KeptResult
from pie.net.refused import RefusedError
from pie.processes.events import EventQueue, ProcessEvent

PERMISSION_DENIED = "Permission denied"
NOT_FOUND = "Process not found"
TAKEN_OVER = "[pie] another connection of yours has attached to this process: its events go there from now on\n"


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

    def __init__(self, launched: LaunchedProcess, table: "HeldProcesses") -> None:
        self._table = table
        self.launched = launched
        self.id = launched.process.id
        self.username = launched.process.username
        self.events: EventQueue = launched.process.events
        self.attachment: Attachment | None = None
        self.is_ready = False
        """It stands in the line of its attachment."""
        self.in_flight: ProcessEvent | None = None
        """Taken from the queue and not sent yet, or not altogether."""
        self.events.on_event = self._on_event

    def attach(self, attachment: Attachment) -> None:
        """Send events there from now on, those that wait first."""
        self.attachment = attachment
        attachment.processes.add(self)
        self.launched.relay = attachment.relay_of(self.id)
        self.events.keep("all")
        if not self.events.is_empty:
            self._on_event()

    def detach(self) -> None:
        """From whatever it is attached to. The process runs on; what was not sent yet is kept for the next one."""
        if self.attachment is not None:
            self.attachment.processes.discard(self)
        self.attachment = None
        self.launched.relay = None
        self.is_ready = False
        self.take_back()
        self.events.keep("newest")

    def take_back(self) -> None:
        """The event that was to be sent."""
        if self.in_flight is not None:
            self.events.give_back(self.in_flight)
            self.in_flight = None

    def forget(self) -> None:
        """Its terminal event was sent."""
        self.in_flight = None
        self._table.forget(self)

    def _on_event(self) -> None:
        if self.attachment is None:
            if self.events.ended:
                self._table.keep(self)
        elif not self.is_ready:
            self.is_ready = True
            self.attachment.ready(self)


class HeldProcesses:
    """All of them, by id."""

    def __init__(self, limits: KeptLimits, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[str, Held] = {}
        self.kept = Kept(limits)

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
        held = self._held[launched.process.id] = Held(launched, self)
        held.detach()
        return held

    def attach(self, process_id: str, username: str, attachment: Attachment) -> None:
        """Send the process's events there, those that waited first. Raises `RefusedError`."""
        self.expire()
        held = self._held.get(process_id)
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

    def release(self, attachment: Attachment) -> None:
        """A connection has ended: what was attached to it runs on, what has ended there unread is kept."""
        for held in list(attachment.processes):
            held.detach()
            if held.events.ended:
                self.keep(held)

    def keep(self, held: Held) -> None:
        """It has ended with nobody there."""
        size = held.events.characters
        for gone in self.kept.add(KeptResult(held.id, held.username, size, self._clock.monotonic_ns())):
            del self._held[gone]

    def forget(self, held: Held) -> None:
        """Its client has had everything."""
        held.detach()
        del self._held[held.id]

    def expire(self) -> None:
        """Let go of results that nobody came for in time."""
        for gone in self.kept.expire(self._clock.monotonic_ns()):
            del self._held[gone]

    def check(self) -> None:
        """Every process is in one of the states above."""
        self.kept.check()
        for held in self._held.values():
            is_kept = held.id in self.kept
            assert is_kept == (held.attachment is None and held.events.ended), held.id
            assert held.attachment is None or held in held.attachment.processes


def _dropped(count: int) -> str:
    return f"[pie] {count} events were dropped while nobody was attached: this process keeps its newest ones\n"
