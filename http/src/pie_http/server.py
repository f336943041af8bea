"""uvicorn as a part of a program: it serves connections; when to listen, to stop and on which signals is not its business."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn


class EmbeddedServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_begun = asyncio.Event()
        """Requests are answered."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the program's."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_begun.set()

    def stop_accepting(self) -> None:
        """Nobody can connect any more; who has, stays."""
        for server in self.servers if self.has_begun.is_set() else ():
            server.close()
