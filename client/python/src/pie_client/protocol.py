"""The client's side of the protocol: frames in, outcomes out. No I/O, no waiting, no clock.

    request ──begin──▶ pending ──Response──▶ Answer
                                    │ names processes
                                    ▼
    unknown ──────── opened ──────▶ open ──return, error──▶ forgotten
       │ events before the answer      │ events, files
       ▼                               ▼
    kept, bounded; delivered       Delivery
    when the answer comes

A `Protocol` outlives connections: correlation numbers go on, and open processes stay open until they end or are forgotten, so that
a new connection can attach to them again.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from pie_client.events import TERMINAL, Event, ProcessEvent
from pie_client.files import Download
from pie_client.limits import EARLY_EVENTS_MAX, FILES_PARTIAL_MAX
from pie_wire import messages
from pie_wire.errors import ChunkError, FrameError
from pie_wire.frames import decode_server_message
from pie_wire.messages import File, McpRequest, Response

_CORR_IDS = 1 << 32
_EVENTS = {event.value: event for event in Event}

Opens = Callable[[str], Sequence[str]]
"""The processes that a good answer names: from now on their events are ours."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A request was answered. `opened` are the processes that it opened."""

    corr_id: int
    ok: bool
    result: str
    opened: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A process has an event."""

    process_id: str
    event: ProcessEvent


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame that means nothing. `corr_id`: the request that it seems to answer, which then failed."""

    problem: str
    corr_id: int | None = None


Outcome = Answer | Delivery | Unreadable | McpRequest


def opens_nothing(result: str) -> Sequence[str]:
    return ()


def opens_one(result: str) -> Sequence[str]:
    """The answer is an id; empty if outputs are not captured."""
    return (result,) if result else ()


def opens_many(result: str) -> Sequence[str]:
    """The answer is a JSON list of ids. Raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(result, type=list[str])


class Protocol:
    """What was asked and not answered, which processes are open, and what has come of their files."""

    def __init__(self) -> None:
        self._next_corr_id = 1
        self._pending: dict[int, Opens] = {}
        self._open: set[str] = set()
        self._downloads: dict[tuple[str, str], Download] = {}
        self._early: deque[tuple[str, ProcessEvent]] = deque(maxlen=EARLY_EVENTS_MAX)

    @property
    def pending(self) -> frozenset[int]:
        """The numbers of requests that wait for their answers."""
        return frozenset(self._pending)

    @property
    def open(self) -> frozenset[str]:
        """Processes whose events are delivered."""
        return frozenset(self._open)

    def begin(self, opens: Opens = opens_nothing) -> int:
        """The number of a new request. `opens` says which processes a good answer opens."""
        while self._next_corr_id in self._pending:
            self._step()
        corr_id = self._next_corr_id
        self._step()
        self._pending[corr_id] = opens
        return corr_id

    def forget_request(self, corr_id: int) -> None:
        """It was never sent: no answer will come."""
        self._pending.pop(corr_id, None)

    def forget(self, process_id: str) -> None:
        """Deliver nothing more of this process."""
        self._open.discard(process_id)
        self._drop_downloads({process_id})

    def disconnected(self) -> None:
        """The connection is gone: with it the answers to come and the rest of files that were on their way."""
        self._pending.clear()
        self._downloads.clear()
        self._early.clear()

    def receive(self, frame: bytes) -> Iterable[Outcome]:
        """What a frame means. Never raises, whatever it holds."""
        try:
            message = decode_server_message(frame)
        except FrameError as error:
            return self._unreadable(str(error), error.corr_id)
        match message:
            case messages.ProcessEvent():
                return self._event(message.process_id, ProcessEvent(_EVENTS[message.event], message.value))
            case Response():
                return self._response(message)
            case File():
                return self._chunk(message)
            case _:
                return (message,)

    def _event(self, process_id: str, event: ProcessEvent) -> Iterable[Outcome]:
        if process_id not in self._open:
            self._early.append((process_id, event))
            return ()
        if event.event in TERMINAL:
            self.forget(process_id)
        return (Delivery(process_id, event),)

    def _response(self, response: Response) -> Iterable[Outcome]:
        opens = self._pending.pop(response.corr_id, None)
        if opens is None:
            return (Unreadable(f"an answer to request {response.corr_id}, which was not made"),)
        try:
            opened = tuple(opens(response.result)) if response.ok else ()
        except msgspec.MsgspecError as error:
            return (Unreadable(f"an answer that names no processes: {error}", response.corr_id),)
        self._open.update(opened)
        return (Answer(response.corr_id, response.ok, response.result, opened), *self._caught_up(set(opened)))

    def _caught_up(self, opened: set[str]) -> list[Outcome]:
        """Events that came before the answer that opened their processes."""
        if not opened or not self._early:
            return []
        early = [entry for entry in self._early if entry[0] in opened]
        self._early = deque((entry for entry in self._early if entry[0] not in opened), maxlen=EARLY_EVENTS_MAX)
        return [outcome for process_id, event in early for outcome in self._event(process_id, event)]

    def _chunk(self, chunk: File) -> Iterable[Outcome]:
        if chunk.process_id not in self._open:
            return ()
        key = (chunk.process_id, chunk.file_hash)
        try:
            download = self._downloads.get(key) or self._download(key, chunk)
            file = download.add(chunk)
        except ChunkError as error:
            self._downloads.pop(key, None)
            return (Unreadable(f"process {chunk.process_id} sent {error}"),)
        if file is None:
            return ()
        del self._downloads[key]
        return (Delivery(chunk.process_id, ProcessEvent(Event.File, file)),)

    def _download(self, key: tuple[str, str], first: File) -> Download:
        if len(self._downloads) >= FILES_PARTIAL_MAX:
            raise ChunkError(f"a file while {FILES_PARTIAL_MAX} others are not complete")
        download = self._downloads[key] = Download(first)
        return download

    def _drop_downloads(self, process_ids: set[str]) -> None:
        for key in [key for key in self._downloads if key[0] in process_ids]:
            del self._downloads[key]

    def _unreadable(self, problem: str, corr_id: int | None) -> Iterable[Outcome]:
        known = corr_id if corr_id in self._pending else None
        if known is not None:
            del self._pending[known]
        return (Unreadable(problem, known),)

    def _step(self) -> None:
        self._next_corr_id = self._next_corr_id % (_CORR_IDS - 1) + 1
