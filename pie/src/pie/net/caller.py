"""Who asks: a user on a connection that has logged in. The requests of the protocol are functions of this."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from pie.limits import UPLOADS_MAX
from pie.net.hub import Hub
from pie.net.incoming import Incoming
from pie.net.outgoing import Outgoing
from pie.net.refused import RefusedError

Spawn = Callable[[Coroutine[object, object, None]], object]
"""Runs something beside the session's requests, cancelled when the connection ends."""


@dataclass(slots=True)
class Caller:
    hub: Hub
    outgoing: Outgoing
    username: str
    spawn: Spawn
    uploads: Incoming
    """Programs on their way."""
    files: Incoming
    """Files for processes on their way."""
    runs: int = 0
    """`run_processes` requests that are not answered yet."""

    @property
    def owner(self) -> str:
        """Whose programs the user sees and uploads."""
        return self.hub.owner(self.username)

    @property
    def is_operator(self) -> bool:
        return self.hub.credentials.is_operator(self.username)

    def demand_operator(self) -> None:
        """Raises `RefusedError`."""
        if not self.is_operator:
            raise RefusedError("Permission denied: this is for operators (`pie auth add USER --operator`)")


def caller(hub: Hub, outgoing: Outgoing, username: str, spawn: Spawn) -> Caller:
    def incoming() -> Incoming:
        return Incoming(username, hub.incoming_bytes, count_max=UPLOADS_MAX, size_mb_max=hub.config.runtime.max_upload_mb)

    return Caller(hub, outgoing, username, spawn, incoming(), incoming())
