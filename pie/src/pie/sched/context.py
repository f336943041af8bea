"""The handle on a lineage that a process holds."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pie.errors import ContextBusyError, ContextReleasedError, DriverError
from pie.kv.lineage import Lineage
from pie.sched.owners import Owner

if TYPE_CHECKING:
    from pie.sched.pass_work import PassWork
    from pie.sched.works import AnyWork


@dataclass(frozen=True, slots=True)
class ContextUsage:
    length: int
    page_size: int
    full_pages: int
    partial_pages: int
    """0 or 1."""


@dataclass(frozen=True, slots=True)
class SavedContext:
    username: str
    name: str
    tokens: bytes | None
    """int32; None if its KV depends on more than its tokens, so that it cannot be computed again."""


class ContextDesk(Protocol):
    """Where contexts take what their owners want done with them: the scheduler."""

    page_size: int

    def fork(self, context: "Context") -> "Context": ...
    def save(self, context: "Context", name: str) -> None: ...
    def snapshot(self, context: "Context") -> str: ...
    def truncate(self, context: "Context", length: int) -> None: ...
    def release(self, context: "Context") -> None: ...
    def discard_ahead(self, context: "Context") -> None: ...


class Context:
    """Tokens whose KV is in the cache, or can be brought back there. Works on it run one after the other."""

    __slots__ = ("_desk", "ahead", "known_to_driver", "last", "lineage", "owner", "sequence", "username", "works")

    def __init__(self, desk: ContextDesk, sequence: int, lineage: Lineage, owner: Owner, username: str) -> None:
        self._desk = desk
        self.sequence = sequence
        """Its name at the driver, which may keep things for it from one work to the next."""
        self.known_to_driver = False
        """Whether the driver has to be told to forget the sequence."""
        self.lineage = lineage
        self.owner = owner
        self.username = username
        self.works: deque[AnyWork] = deque()
        """Works that have not ended; the first is the one running or waiting to run."""
        self.last: PassWork | None = None
        """The pass that ended last, if a token loop may go on from it."""
        self.ahead: PassWork | None = None
        """A pass made ahead that nobody has claimed: the only work, or ended with its tokens in the lineage."""

    @property
    def length(self) -> int:
        return self.lineage.length if self.ahead is None else self.ahead.start

    @property
    def busy(self) -> bool:
        return bool(self.works) and self.ahead is None

    @property
    def released(self) -> bool:
        return self.lineage.released

    def usage(self) -> ContextUsage:
        size = self._desk.page_size
        return ContextUsage(self.length, size, self.length // size, 1 if self.length % size else 0)

    def fork(self) -> "Context":
        """A second context with the same content and owner; pages are shared until one of the two writes.

        Raises `ContextBusyError`, `ContextReleasedError`.
        """
        self.demand_quiet()
        return self._desk.fork(self)

    def save(self, name: str) -> None:
        """Keeps a fork under a name that belongs to the user. Raises `ContextNameTakenError`, `ContextBusyError`,
        `ContextReleasedError`."""
        self.demand_quiet()
        self._desk.save(self, name)

    def snapshot(self) -> str:
        """Keeps a fork under a name made up here. Raises `ContextBusyError`, `ContextReleasedError`."""
        self.demand_quiet()
        return self._desk.snapshot(self)

    def truncate(self, length: int) -> None:
        """Keeps the first `length` tokens. Raises `LengthOutOfRangeError`, `ContextBusyError`, `ContextReleasedError`."""
        self.demand_quiet()
        self._desk.truncate(self, length)

    def release(self) -> None:
        """Gives everything back and ends works on it with `ContextReleasedError`. Safe to call twice."""
        self._desk.release(self)

    def demand_usable(self) -> None:
        """Raises `ContextReleasedError`, and `DriverError` if its KV is gone for good."""
        if self.lineage.released:
            raise ContextReleasedError("the context was released")
        if self.lineage.lost:
            raise DriverError(
                "the driver lost the KV cache, and a context with attention masks or positions of its own cannot be computed again"
            )

    def demand_quiet(self) -> None:
        """Raises as `demand_usable`, and `ContextBusyError`."""
        self.demand_usable()
        if self.ahead is not None:
            self._desk.discard_ahead(self)
        if self.works:
            raise ContextBusyError("a forward pass or generation is running on the context")
