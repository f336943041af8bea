"""A process as its client sees it."""

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Self

from pie_client.errors import NotCapturedError, ProcessEndedError, ProcessFailedError
from pie_client.events import TERMINAL, Event, ProcessEvent
from pie_client.inbox import Inbox

if TYPE_CHECKING:
    from types import TracebackType

    from pie_client.client import PieClient


class Process:
    """One run of a program. Its events are kept for whoever holds this object, up to a bound: a process whose events nobody reads
    waits in the end."""

    def __init__(self, client: "PieClient", process_id: str, inbox: Inbox | None = None) -> None:
        """Made by the client. `inbox` is None if outputs are not captured."""
        self.client = client
        self.process_id = process_id
        """Empty if it was launched alone and its outputs are not captured: the engine does not tell."""
        self.output: list[str] = []
        """What `result` has seen of its stdout and messages."""
        self._inbox = inbox

    async def recv(self) -> ProcessEvent:
        """The next event, as `event, value`. Raises `ProcessEndedError` after the last one, `NotCapturedError`."""
        if self._inbox is None:
            raise NotCapturedError("outputs of this process are not captured")
        event = await self._inbox.next()
        if event is None:
            raise ProcessEndedError(f"process {self.process_id} has ended and all its events have been read")
        return event

    async def __aiter__(self) -> AsyncIterator[ProcessEvent]:
        """All events from here on, the terminal one included."""
        while True:
            try:
                event = await self.recv()
            except ProcessEndedError:
                return
            yield event
            if event.event in TERMINAL:
                return

    async def result(self) -> object:
        """What the process returns: JSON as a value, other text as it is, nothing as None. Raises `ProcessFailedError`."""
        async for event, value in self:
            if event in (Event.Stdout, Event.Message):
                self.output.append(str(value))
            elif event is Event.Return:
                return _value(str(value))
            elif event is Event.Error:
                raise ProcessFailedError(str(value))
        raise ProcessEndedError(f"process {self.process_id} has ended and its outcome has been read")

    async def signal(self, message: str, *, confirm: bool = False) -> None:
        """Send a text for its `session.receive`. With `confirm`, raises `RefusedError` if the engine dropped it."""
        await self.client.signal_process(self.process_id, message, confirm=confirm)

    async def transfer_file(self, file_bytes: bytes, name: str = "", *, confirm: bool = False) -> None:
        """Send a file for its `session.receive-file`. With `confirm`, raises `RefusedError` if the engine dropped it."""
        await self.client.transfer_file(self.process_id, file_bytes, name, confirm=confirm)

    async def terminate(self) -> None:
        """End it. Its last event is then an error. Raises `ProcessNotFoundError`."""
        await self.client.terminate_process(self.process_id)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None") -> None:
        """A process that has not ended by then is terminated."""
        await self.client.terminate_unless_ended(self)

    @property
    def ended(self) -> bool:
        """Its terminal event has come. It may still be unread."""
        return self._inbox is not None and self._inbox.ended

    def __repr__(self) -> str:
        return f"<Process {self.process_id or 'without id'}{' ended' if self.ended else ''}>"


def _value(text: str) -> object:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
