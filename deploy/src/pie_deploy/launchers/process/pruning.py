"""What a machine keeps for containers, and when it goes."""

import os
import threading
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pie_deploy.config import Home
from pie_deploy.launchers.process.claims import claims
from pie_deploy.launchers.process.environments import Environments
from pie_deploy.launchers.process.shelf import prune_shelf, put_aside
from pie_deploy.ports.launcher import Retention

_NOT_OF_CONTAINERS = frozenset(("control", "supervisors"))
"""In the folder of the sockets."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What is shared on it."""

    home: Home
    keep: Retention
    using: threading.Lock = field(default_factory=threading.Lock)
    """Held while a cache is found and noted as needed, and while one that is not needed is put aside."""

    def use_cache(self, cache: Path) -> None:
        """Make it if there is none; from here on it is not pruned for a while. Raises OSError."""
        with self.using:
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.utime(cache)

    def put_cache_aside(self, cache: Path, used_before_ns: int) -> bool:
        with self.using:
            return put_aside(cache, used_before_ns)


def prune_machine(machine: Machine, environments: Environments | None, containers: AbstractSet[str], now_ns: int) -> bool:
    """One turn; whether there is more to do. Blocking. containers: ids of those that there are, whatever their state."""
    home, keep = machine.home, machine.keep
    shelf = partial(prune_shelf, now_ns=now_ns)
    turns = [
        shelf(home.containers, containers, 0),
        shelf(home.run, containers | _NOT_OF_CONTAINERS, 0),
        shelf(home.logs, containers, keep.logs_ns),
    ]
    claimed = claims(home.containers)
    if claimed.are_complete:
        turns.append(shelf(home.caches, claimed.caches, keep.caches_ns, take_away=machine.put_cache_aside))
        if environments is not None:
            turns.append(shelf(home.environments, claimed.environments, keep.environments_ns, take_away=environments.put_aside))
    return any(turns)
