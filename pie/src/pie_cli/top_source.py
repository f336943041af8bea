"""Where a monitor gets what it shows."""

import time
from typing import TYPE_CHECKING, Protocol

import msgspec

from pie.server.status import Status
from pie_cli.top_figures import Snapshot

if TYPE_CHECKING:
    from pie_client import PieClient


class Source(Protocol):
    """A server, as a monitor sees it."""

    async def look(self) -> Snapshot:
        """Raises `SourceError`."""
        ...

    async def terminate(self, process_id: str) -> None:
        """End a process. Raises `SourceError`."""
        ...


class SourceError(Exception):
    """The server did not answer, or said no. The monitor shows it and goes on."""


class ClientSource:
    """A server at the other end of a connection."""

    def __init__(self, client: "PieClient") -> None:
        self._client = client

    async def look(self) -> Snapshot:
        from pie_client import PieClientError

        try:
            status = msgspec.convert(await self._client.status(), Status)
            return Snapshot(time.monotonic(), status, await self._client.processes_of_all())
        except (PieClientError, msgspec.ValidationError) as error:
            raise SourceError(str(error)) from error

    async def terminate(self, process_id: str) -> None:
        from pie_client import PieClientError

        try:
            await self._client.terminate_process(process_id)
        except PieClientError as error:
            raise SourceError(str(error)) from error
