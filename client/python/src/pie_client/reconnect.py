"""How often and how soon a lost connection is tried again."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect:
    """Pauses grow by `factor` from `first_s` to `longest_s`, each a little random, so that a thousand clients of an engine that
    restarts do not come at once. After `attempts_max` attempts it is over. The defaults take about half a minute."""

    attempts_max: int = 10
    first_s: float = 0.05
    factor: float = 2.0
    longest_s: float = 5.0

    def pauses(self, source: random.Random) -> Iterator[float]:
        """Seconds to wait before each attempt."""
        pause_s = self.first_s
        for _ in range(self.attempts_max):
            yield pause_s * source.uniform(0.5, 1.0)
            pause_s = min(self.longest_s, pause_s * self.factor)


NEVER = Reconnect(attempts_max=0)
"""A lost connection is the end, as with the clients of Pie 0.4."""
