"""What may go, of what is kept only so that it need not be made again: environments, caches, logs, what containers have left. Pure.

An entry goes when nobody needs it now, and nobody has needed it for the time that it is kept. That somebody needs it is noted at
each look, so an entry that a container has used for months is as old as that container's end, not as its beginning.

Whoever begins to need an entry notes that first, and nothing goes that was needed a little while ago: so nothing goes under the
hands of somebody who has just found it, although he is not among those who are known to need something.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from pie_deploy.limits import PRUNE_AGE_MIN_NS, PRUNE_ENTRIES_MAX


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    used_at_ns: int
    """When somebody last needed it, as far as that was noted."""


@dataclass(frozen=True, slots=True)
class Pruning:
    used: tuple[str, ...]
    """To be noted as needed now."""
    gone: tuple[str, ...]
    """To be taken away, those that were needed longest ago first."""
    has_more: bool
    """Others would have to go, too: next time."""
    used_before_ns: int
    """What goes was not needed since."""


def prune(entries: Iterable[Entry], needed: Container[str], *, keep_ns: int, now_ns: int, most: int = PRUNE_ENTRIES_MAX) -> Pruning:
    """needed: names of what somebody needs now."""
    used: list[str] = []
    idle: list[Entry] = []
    before_ns = now_ns - max(keep_ns, PRUNE_AGE_MIN_NS)
    for entry in entries:
        if entry.name in needed or entry.used_at_ns > now_ns:  # the clock was set back, or somebody has played with it
            used.append(entry.name)
        elif entry.used_at_ns < before_ns:
            idle.append(entry)
    idle.sort(key=lambda entry: entry.used_at_ns)
    return Pruning(tuple(used), tuple(entry.name for entry in idle[:most]), len(idle) > most, before_ns)
