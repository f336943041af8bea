"""How often a container may crash before its deployment fails, and how long it waits before it starts again.

A budget of 5 restarts in a sliding window of 10 minutes; waits of 1, 2, 4, 8, 16 s … up to 30 s. A container that was ready for
a whole window starts with a fresh budget, which the sliding of the window gives by itself.
"""

from dataclasses import dataclass

from pie_deploy.limits import RESTART_BACKOFF_FIRST_NS, RESTART_BACKOFF_MAX_NS


@dataclass(frozen=True, slots=True)
class Restart:
    """What follows a crash."""

    recent_ns: tuple[int, ...]
    """Crashes inside the window, this one included."""
    retry_at_ns: int | None
    """None: the budget is spent."""


def crashed(recent_ns: tuple[int, ...], now_ns: int, *, budget: int, window_ns: int) -> Restart:
    """A crash now, after those at `recent_ns`."""
    recent = (*(at_ns for at_ns in recent_ns if at_ns > now_ns - window_ns), now_ns)
    if len(recent) > budget:
        return Restart(recent, None)
    return Restart(recent, now_ns + backoff_ns(len(recent)))


def backoff_ns(crashes: int) -> int:
    """How long to wait after that many crashes in the window."""
    assert crashes >= 1
    return min(RESTART_BACKOFF_FIRST_NS << min(crashes - 1, 32), RESTART_BACKOFF_MAX_NS)
