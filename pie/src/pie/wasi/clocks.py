"""`wasi:clocks`: the time, and timers that suspend only the guest that waits for them."""

import asyncio
from dataclasses import dataclass

from pie.clock import Clock
from pie.sandbox.interface import Interface
from pie.wasi.poll import Pollable, Wake
from pie.wasi.state import HasWasi
from pie.wasi.version import versioned

_SECOND_NS = 1_000_000_000
_RESOLUTION_NS = 1


@dataclass(frozen=True, slots=True)
class Datetime:
    """The WIT record `datetime`: since 1970-01-01 UTC."""

    seconds: int
    nanoseconds: int

    @classmethod
    def from_ns(cls, ns: int) -> "Datetime":
        seconds, nanoseconds = divmod(max(0, ns), _SECOND_NS)
        return cls(seconds, nanoseconds)

    def to_ns(self) -> int:
        return self.seconds * _SECOND_NS + self.nanoseconds


class TimerPollable(Pollable):
    """Ready from `deadline_ns` of the monotonic clock on. Costs nothing until somebody watches."""

    __slots__ = ("_clock", "_deadline_ns", "_handle")

    def __init__(self, clock: Clock, deadline_ns: int) -> None:
        self._clock = clock
        self._deadline_ns = deadline_ns
        self._handle: asyncio.TimerHandle | None = None

    def ready(self) -> bool:
        return self._clock.monotonic_ns() >= self._deadline_ns

    def watch(self, wake: Wake) -> None:
        self.unwatch()
        delay_s = (self._deadline_ns - self._clock.monotonic_ns()) / _SECOND_NS
        self._handle = asyncio.get_running_loop().call_later(max(0.0, delay_s), wake)

    def unwatch(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


def monotonic_now(state: HasWasi) -> int:
    return state.wasi.clock.monotonic_ns()


def monotonic_resolution(_: HasWasi) -> int:
    return _RESOLUTION_NS


def subscribe_instant(state: HasWasi, when: int) -> TimerPollable:
    return TimerPollable(state.wasi.clock, when)


def subscribe_duration(state: HasWasi, when: int) -> TimerPollable:
    clock = state.wasi.clock
    return TimerPollable(clock, clock.monotonic_ns() + when)


def wall_now(state: HasWasi) -> Datetime:
    return Datetime.from_ns(state.wasi.clock.wall_ns())


def wall_resolution(_: HasWasi) -> Datetime:
    return Datetime.from_ns(_RESOLUTION_NS)


MONOTONIC_CLOCK = Interface(
    name=versioned("wasi:clocks/monotonic-clock"),
    functions={
        "now": monotonic_now,
        "resolution": monotonic_resolution,
        "subscribe-instant": subscribe_instant,
        "subscribe-duration": subscribe_duration,
    },
    resources={"pollable": Pollable},
)

WALL_CLOCK = Interface(
    name=versioned("wasi:clocks/wall-clock"),
    functions={"now": wall_now, "resolution": wall_resolution},
    types={"datetime": Datetime},
)
