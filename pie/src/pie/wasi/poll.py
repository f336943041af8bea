"""`wasi:io/poll`: what a guest can wait for.

Everything asynchronous that a guest may touch (timers, streams, forward passes, messages) hands out a `Pollable`, so one `poll`
call in the guest waits for all of them together. A pollable is level-triggered: it is ready as long as its condition holds.

A guest is one fiber, so a pollable has at most one watcher at a time; `watch` replaces the one before. The fiber waits on one
`asyncio.Future` per call, whatever the number of pollables.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pie.limits import WASI_POLLABLES_MAX
from pie.sandbox.interface import GuestTrap, Interface, suspends
from pie.wasi.version import versioned

Wake = Callable[[], None]


class Pollable:
    """The base of all pollables, and by itself one that is always ready."""

    __slots__ = ()

    def ready(self) -> bool:
        """Whether the condition holds now. Cheap, and without effect."""
        return True

    def watch(self, wake: Wake) -> None:
        """Call `wake` once, soon after the condition came to hold. For pollables that are not ready.

        A wake is a hint: the watcher asks `ready`, and watches again if the condition is gone by then. A later call replaces
        this one.
        """

    def unwatch(self) -> None:
        """Forget the watcher, if there is one."""

    def drop(self) -> None:
        """The guest let go of the handle."""
        self.unwatch()


class FuturePollable(Pollable):
    """Ready once a future is done, however it ended. The future belongs to somebody else and is never cancelled from here."""

    __slots__ = ("_future", "_wake")

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self._future = future
        self._wake: Wake | None = None

    def ready(self) -> bool:
        return self._future.done()

    def watch(self, wake: Wake) -> None:
        if self._wake is None:
            self._future.add_done_callback(self._done)
        self._wake = wake

    def unwatch(self) -> None:
        if self._wake is not None:
            self._wake = None
            self._future.remove_done_callback(self._done)

    def _done(self, _: asyncio.Future[Any]) -> None:
        wake, self._wake = self._wake, None
        if wake is not None:
            wake()


class Signal:
    """Tells pollables that something they look at may have changed."""

    __slots__ = ("_watched",)

    def __init__(self) -> None:
        self._watched: dict[SignalPollable, None] = {}

    def notify(self) -> None:
        """Wake the watchers of those pollables that have become ready."""
        for pollable in [watched for watched in self._watched if watched.ready()]:
            pollable.fire()

    def add(self, pollable: "SignalPollable") -> None:
        self._watched[pollable] = None

    def remove(self, pollable: "SignalPollable") -> None:
        self._watched.pop(pollable, None)


class SignalPollable(Pollable):
    """Ready while `condition` holds; looked at again whenever `signal` says so. For conditions that come and go."""

    __slots__ = ("_condition", "_signal", "_wake")

    def __init__(self, signal: Signal, condition: Callable[[], bool]) -> None:
        self._signal = signal
        self._condition = condition
        self._wake: Wake | None = None

    def ready(self) -> bool:
        return self._condition()

    def watch(self, wake: Wake) -> None:
        self._wake = wake
        self._signal.add(self)

    def unwatch(self) -> None:
        self._wake = None
        self._signal.remove(self)

    def fire(self) -> None:
        """Wake the watcher. For `Signal`."""
        wake = self._wake
        self.unwatch()
        if wake is not None:
            wake()


class _Wait:
    """One `poll` that found nothing ready. The first pollable to wake it settles the call; the guest's death cancels the future."""

    __slots__ = ("future", "pollables")

    def __init__(self, pollables: Sequence[Pollable]) -> None:
        self.pollables = pollables
        self.future: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._watch()

    def wake(self) -> None:
        if self.future.done():
            return
        indices = ready_indices(self.pollables)
        if not indices:
            self._watch()
            return
        for pollable in self.pollables:
            pollable.unwatch()
        self.future.set_result(indices)

    def _watch(self) -> None:
        for pollable in self.pollables:
            pollable.watch(self.wake)


def ready_indices(pollables: Sequence[Pollable]) -> list[int]:
    return [index for index, pollable in enumerate(pollables) if pollable.ready()]


@suspends
def poll(_: object, pollables: list[Pollable]) -> list[int] | asyncio.Future[list[int]]:
    """Indices of all that are ready; waits while none is. The same pollable may be listed more than once."""
    if not pollables:
        raise GuestTrap("poll was called with an empty list: it would wait for ever")
    if len(pollables) > WASI_POLLABLES_MAX:
        raise GuestTrap(f"poll was called with {len(pollables)} pollables; {WASI_POLLABLES_MAX} are allowed")
    return ready_indices(pollables) or _Wait(pollables).future


def until_ready(pollable: Pollable) -> Awaitable[object]:
    """Something to await until the pollable is ready. It may be by now: who awaits in a task begins a moment after it looked."""
    wait = _Wait((pollable,))
    wait.wake()
    return wait.future


def ready(_: object, pollable: Pollable) -> bool:
    return pollable.ready()


@suspends
def block(_: object, pollable: Pollable) -> Awaitable[None] | None:
    return None if pollable.ready() else _block(pollable)


async def _block(pollable: Pollable) -> None:
    await until_ready(pollable)


POLL = Interface(
    name=versioned("wasi:io/poll"),
    functions={"poll": poll, "[method]pollable.ready": ready, "[method]pollable.block": block},
    resources={"pollable": Pollable},
)
