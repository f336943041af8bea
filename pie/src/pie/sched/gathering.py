"""When to send off a batch while forward passes are trickling in.

A program that decodes by itself comes back with its next pass a moment after the last one was answered. Many such programs run on
one event loop, one after the other: the answers of a batch wake n of them, and it takes n turns until all have come back. Sending
off the first that comes would make batches of one. Waiting for all makes the driver idle while programs run, and programs idle
while the driver runs:

    whole      driver   [ 32 ]        [ 32 ]        [ 32 ]              cycle = D(n) + G(n)
               programs       [ 32 ]        [ 32 ]        [ 32 ]

    halves     driver   [16a][16b][16a][16b][16a][16b][16a]             cycle = max(2 D(n/2), G(n))
               programs      [16a][16b][16a][16b][16a][16b]

where D is the driver's time for a batch and G the time all programs take to come back. Which is better depends on the driver's
fixed cost per batch (paid twice in halves), on the programs, on how many processors there are and who else uses them. So it is
found out: passes per second are measured over a few rounds of each way, the better way is kept, and the other is tried again once
in a while.

How many are to come is known from who was answered and has not come back. Who does something else instead is not waited for long:
the shell looks a few times whether anybody has come in between (`give_up`), which takes microseconds.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pie.sched.context import Context

_WEIGHT = 0.3
"""Of the newest measurement."""

_WINDOW_ROUNDS = 4
"""Passes of so many rounds make a measurement."""

_OTHER_EVERY = 32
"""Measurements after which the way that is not in use is measured: 1 % of the speed if it is a third slower."""

_PREFER_HALVES = 1.03
"""Halves even if they seem this much slower: they are less sensitive to a program that takes longer once in a while."""

_LATE_S = 0.02
"""So long after its last answer a program may still come back with another pass: bursts of generations stay short for it."""


class Gathering:
    def __init__(self) -> None:
        self.arrived = 0
        """Passes that can go into the next batch."""
        self._open = 0
        self._away: dict[Context, float] = {}
        """Who was answered, when, and is waited for."""
        self._late: dict[Context, float] = {}
        """Who is not waited for any more, but may still come."""
        self._halving = True
        self._speeds = {True: 0.0, False: 0.0}
        """Passes per second in halves and as a whole; 0 if not measured."""
        self._about = 0
        self._windows = 0
        self._window_at: float | None = None
        self._window_passes = 0

    @property
    def about(self) -> int:
        """Passes being worked on or expected."""
        return self._open + len(self._away)

    def passes_about(self, now: float) -> bool:
        """Whether there are passes, or were a moment ago, so that others are likely to come."""
        while self._late:
            context, answered_at = next(iter(self._late.items()))
            if now - answered_at < _LATE_S:
                break
            del self._late[context]
        return self.about > 0 or bool(self._late)

    @property
    def waits(self) -> bool:
        """Whether more passes are likely to come at once, and to be worth waiting for."""
        return bool(self._away) and self.arrived < self._target

    def passes_max(self, in_flight: int) -> int:
        """How many passes the next batch takes, with so many at the driver: half of all, or all and nothing before all are back."""
        return self._target if self._halving or not in_flight or self.arrived >= self._target else 0

    # --- What happens -------------------------------------------------------------------------------------------------

    def submitted(self, context: "Context") -> None:
        self._open += 1
        self.arrived += 1
        self.gone(context)

    def ended(self, context: "Context", now: float, *, answered: bool, handed_out: bool) -> None:
        """A pass has ended; whoever was answered is expected back."""
        self._open -= 1
        if not handed_out:
            self.arrived = max(0, self.arrived - 1)
        if answered:
            self._away[context] = now

    def gone(self, context: "Context") -> None:
        """Nothing is to be expected of this context for the time being."""
        self._away.pop(context, None)
        self._late.pop(context, None)

    def handed_out(self, passes: int) -> None:
        """A batch with so many passes goes to the driver."""
        self.arrived = max(0, self.arrived - passes)

    def settled(self, passes: int, now: float) -> None:
        """A batch with so many passes is back."""
        if not 0.75 * self.about <= self._about <= 1.25 * self.about:
            self._about, self._speeds, self._window_at = self.about, {True: 0.0, False: 0.0}, None
        if self._window_at is None:
            self._window_at, self._window_passes = now, 0
            return
        self._window_passes += passes
        if self._window_passes >= _WINDOW_ROUNDS * self._about:
            self._measured(self._window_passes / max(now - self._window_at, 1e-9))
            self._window_at, self._window_passes = now, 0

    def give_up(self) -> None:
        """Whoever has not come back by now is doing something else first."""
        self._late.update(self._away)
        self._away.clear()
        self._window_at = None

    @property
    def _target(self) -> int:
        """How many passes make a batch."""
        return (self.about + 1) // 2 if self._halving else self.about

    def _measured(self, speed: float) -> None:
        """So many passes per second in the way now in use. Decides how to go on."""
        old = self._speeds[self._halving]
        self._speeds[self._halving] = speed if not old else old + _WEIGHT * (speed - old)
        self._windows += 1
        if not self._speeds[not self._halving] or self._windows % _OTHER_EVERY == 0:
            self._halving = not self._halving
        else:
            self._halving = self._speeds[True] * _PREFER_HALVES >= self._speeds[False]
