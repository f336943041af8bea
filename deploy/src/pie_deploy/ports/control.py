"""What carries `pie_flow.control` between containers and the control plane."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from pie_flow.control import FromContainer, ToContainer


@dataclass(frozen=True, slots=True)
class Peer:
    """One end of a connection; a container that connects again is another one."""

    identity: bytes
    send: Callable[[ToContainer], None] = field(compare=False)
    """Queue a message; one to a peer that has gone is dropped."""


Deliver = Callable[[Peer, FromContainer], None]
"""Called on the loop for every message that comes in."""


class ControlWire(Protocol):
    @property
    def address(self) -> str | None:
        """Where containers connect; None: nowhere, they are spoken to directly."""
        ...

    async def open(self, deliver: Deliver) -> None:
        """Raises StorageError when the address cannot be listened at."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class DirectLauncher(Protocol):
    """A launcher whose containers have no process to connect from: it carries their messages itself."""

    def connect(self, deliver: Deliver) -> None:
        """A (new) control plane listens: its containers say hello, again."""
        ...
