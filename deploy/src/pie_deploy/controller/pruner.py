"""Now and then lets everybody let go of what nobody needs any more: launchers of what containers have left, services of records.

Each does a bounded bit per turn (`domain.pruning`), beside the controller's steps: nothing waits for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pie_deploy.clock import Clock
from pie_deploy.controller.lookout import Lookout
from pie_deploy.errors import DeployError
from pie_deploy.limits import PRUNE_INTERVAL_S, PRUNE_PAUSE_S
from pie_deploy.ports.launcher import Launcher
from pie_deploy.ports.store import Store

_log = logging.getLogger(__name__)

PruneRecords = Callable[[int], bool]
"""One turn at a moment; whether there is more to do. Blocking."""


class Pruner:
    def __init__(self, store: Store, lookout: Lookout, prune_records: PruneRecords | None, clock: Clock) -> None:
        self._store = store
        self._lookout = lookout
        self._prune_records = prune_records
        self._clock = clock

    async def run(self) -> None:
        """At once, then every hour; sooner as long as there is more to do."""
        while True:
            has_more = await self.turn()
            await asyncio.sleep(PRUNE_PAUSE_S if has_more else PRUNE_INTERVAL_S)

    async def turn(self) -> bool:
        """Whether there is more to do. What one cannot do keeps nobody else from it, and is tried again at the next turn."""
        now_ns = self._clock.now_ns()
        has_more = False
        for launcher in self._lookout.launchers:
            has_more |= await self._attempt(self._prune_launcher(launcher, now_ns))
        if self._prune_records is not None:
            has_more |= await self._attempt(asyncio.to_thread(self._prune_records, now_ns))
        return has_more

    async def _prune_launcher(self, launcher: Launcher, now_ns: int) -> bool:
        known = await asyncio.to_thread(self._containers)
        return await launcher.prune(known | self._lookout.processes.keys(), now_ns)

    def _containers(self) -> frozenset[str]:
        """Of deployments that are not gone."""
        with self._store.reading() as reading:
            return frozenset(container.id for container in reading.containers())

    async def _attempt(self, work: Awaitable[bool]) -> bool:
        try:
            return await work
        except (DeployError, OSError) as error:
            _log.warning("what is not needed any more stays for now: %s", error)
        except Exception:  # a bug in this must not end the platform
            _log.exception("pruning failed")
        return False
