"""A process as the one who launched it sees it."""

import asyncio
from collections.abc import AsyncIterator

from pie.host.guest import Guest
from pie.host.relay import McpRelay
from pie.processes.events import ProcessEvent
from pie.processes.process import Process


class LaunchedProcess:
    """Take its events until they end: a process whose events nobody takes waits once its queue is full."""

    def __init__(self, guest: Guest, task: asyncio.Task[str]) -> None:
        self._guest = guest
        self._task = task

    @property
    def process(self) -> Process:
        return self._guest.process

    async def events(self) -> AsyncIterator[ProcessEvent]:
        """All events, in order; the last one is `return` or `error`."""
        while (event := await self._guest.outbox.take()) is not None:
            yield event

    async def outcome(self) -> ProcessEvent:
        """The terminal event; what comes before it is dropped."""
        last: ProcessEvent | None = None
        async for event in self.events():
            last = event
        assert last is not None, "every process ends with a terminal event"
        return last

    def signal(self, text: str) -> None:
        """Send a text to `session.receive`. Raises `InvalidArgumentError` if too many lie unread."""
        self._guest.inbox.put(text)

    async def send(self, text: str) -> None:
        """As `signal`, waiting while too many lie unread. One sender at a time, or their texts may change places."""
        await self._guest.inbox.send(text)

    def put_file(self, data: bytes, name: str = "") -> bool:
        """Send a file to `session.receive-file`. False: it is too large, or too many lie unread."""
        return self._guest.files.put(data, name)

    @property
    def relay(self) -> McpRelay | None:
        """How calls of MCP servers reach the client; set by whoever attaches, None when it leaves."""
        return self._guest.relay

    @relay.setter
    def relay(self, relay: McpRelay | None) -> None:
        self._guest.relay = relay

    def close_input(self) -> None:
        """No text and no file will follow."""
        self._guest.inbox.close()
        self._guest.files.close()

    def terminate(self) -> None:
        """End the process now. It still gets its terminal event. Does nothing if it has ended."""
        self._task.cancel()
