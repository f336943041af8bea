"""What a connection sends next. No I/O: whoever has the socket asks for frames when it can take some.

Answers go first, so that the answer to a launch is sent before the process's events. Then the processes that have events take
turns. An event stays in its process's queue until its turn comes: a client that does not read holds up its own processes, nobody
else's.
"""

from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from pie.host.relay import McpRelay
from pie.limits import EVENTS_PER_TURN, SESSION_ANSWERS_MAX, SESSION_UNREAD_CHARACTERS_MAX
from pie.net.event_frames import encodable, has_chunks, long_frames, text_frame
from pie.net.held import Held
from pie.net.relay import SessionRelay
from pie.processes.events import TERMINAL, ProcessEvent
from pie_wire.limits import FRAME_BYTES_MAX
from pie_wire.messages import ProcessEvent as EventMessage
from pie_wire.messages import Response

_encode = msgspec.msgpack.Encoder().encode


class Outgoing:
    """The way out to one client. `on_work` is called when there is something to send, `on_room` after something was sent."""

    def __init__(self) -> None:
        self.processes: set[Held] = set()
        self.relay = SessionRelay(self.put)
        self._answers: deque[bytes] = deque()
        self._ready: deque[Held] = deque()
        self._long: dict[Held, Iterator[bytes]] = {}
        """What is left of events that take several frames."""
        self._chunks_of: Held | None = None
        """The process whose file is being sent. Clients tell files apart by hash alone: one at a time."""
        self.on_work: Callable[[], None] = _nothing
        self.on_room: Callable[[], None] = _nothing

    @property
    def is_idle(self) -> bool:
        """There is nothing to send."""
        return not self._answers and not self._ready

    @property
    def is_full(self) -> bool:
        """The client has so much to read that it should not ask for more."""
        if len(self._answers) >= SESSION_ANSWERS_MAX:
            return True
        return bool(self._ready) and self._unread_characters() > SESSION_UNREAD_CHARACTERS_MAX

    def answer(self, corr_id: int, ok: bool, result: str) -> None:
        frame = _encode(Response(corr_id, ok, encodable(result)))
        if len(frame) > FRAME_BYTES_MAX:
            size = f"{len(frame)} bytes, more than the {FRAME_BYTES_MAX} of a frame"
            frame = _encode(Response(corr_id, False, f"the answer would take {size}; ask for less at a time"))
        self.put(frame)

    def notice(self, process_id: str, text: str) -> None:
        """Tell the client something about a process, on its `stderr`."""
        self.put(_encode(EventMessage(process_id, "stderr", text)))

    def put(self, frame: bytes) -> None:
        """Send a frame before all events."""
        self._answers.append(frame)
        self.on_work()

    def relay_of(self, process_id: str) -> McpRelay:
        return self.relay.of_process(process_id)

    def ready(self, held: Held) -> None:
        """The process has events. Called again only after `held.is_ready` was set to False."""
        self._ready.append(held)
        self.on_work()

    def frames(self) -> Iterator[bytes]:
        """Until there is nothing to send. Taking the next one means that the one before was sent."""
        answers, ready = self._answers, self._ready
        while True:
            while answers:
                yield answers.popleft()
            self.on_room()
            if not ready:
                return
            held = ready.popleft()
            if held.attachment is not self:
                self._let_go(held)
            elif held in self._long:
                yield from self._next_piece(held)
            else:
                yield from self._turn(held)

    def _turn(self, held: Held) -> Iterator[bytes]:
        events = held.events
        for _ in range(EVENTS_PER_TURN):
            event = held.in_flight = events.take()
            if event is None:
                held.is_ready = False
                return
            frame = text_frame(held.id, event)
            if frame is None:
                self._begin_long(held, event)
                break
            yield frame
            if held.attachment is not self or held.in_flight is not event:  # taken over while the frame was on its way
                return
            if event.kind in TERMINAL:
                held.finish(event)
                return
        self._ready.append(held)

    def _begin_long(self, held: Held, event: ProcessEvent) -> None:
        if has_chunks(event):
            if self._chunks_of is not None:
                held.take_back()
                return
            self._chunks_of = held
        self._long[held] = long_frames(held.id, event)

    def _next_piece(self, held: Held) -> Iterator[bytes]:
        event = held.in_flight
        frame = next(self._long[held], None) if event is not None else None
        if frame is not None:
            yield frame
            self._ready.append(held)
            return
        self._let_go(held)
        held.in_flight = None
        if event is not None and event.kind in TERMINAL:
            held.finish(event)
        else:
            self._ready.append(held)

    def _let_go(self, held: Held) -> None:
        self._long.pop(held, None)
        if self._chunks_of is held:
            self._chunks_of = None

    def _unread_characters(self) -> int:
        return sum(held.events.characters for held in self._ready if held.events.ended)


class Postponed:
    """Stands in for a way out until an answer was sent: what is attached to it waits for its client, but is not heard yet."""

    def __init__(self, outgoing: Outgoing) -> None:
        self.processes: set[Held] = set()
        self._outgoing = outgoing

    def relay_of(self, process_id: str) -> McpRelay:
        return self._outgoing.relay_of(process_id)

    def ready(self, held: Held) -> None:
        pass

    def notice(self, process_id: str, text: str) -> None:
        pass


def _nothing() -> None:
    pass
