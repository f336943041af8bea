"""How each effect is done: with the launcher, over the control link, in the store."""

import asyncio
import logging
import random
from collections.abc import Callable

from pie_deploy.clock import Clock
from pie_deploy.controller.free_ports import free_ports, require_free
from pie_deploy.controller.links import Links
from pie_deploy.controller.lookout import Lookout
from pie_deploy.controller.sites import Site, Sites
from pie_deploy.domain.actions import (
    AssignPorts,
    Effect,
    Kill,
    Prepare,
    PushConfig,
    Remove,
    SaveGenerated,
    SendGo,
    Start,
    Stop,
)
from pie_deploy.errors import LauncherError, StorageError
from pie_deploy.limits import SAVE_ATTEMPTS_MAX, STOP_GRACE_NS
from pie_deploy.ports.launcher import Launcher
from pie_flow.control import Go

_log = logging.getLogger(__name__)


class Worker:
    def __init__(
        self,
        sites: Sites,
        links: Links,
        lookout: Lookout,
        clock: Clock,
        wrote: Callable[[], None],
    ) -> None:
        """wrote: called when an effect has written rows."""
        self._sites = sites
        self._links = links
        self._lookout = lookout
        self._clock = clock
        self._wrote = wrote
        self._chance = random.Random()
        self._ports_promised: dict[str, dict[str, int]] = {}
        self._save_attempts: dict[str, int] = {}

    async def perform(self, effect: Effect) -> None:
        """Do it. Raises DeployError, OSError; does nothing when what it is about is no more."""
        site = self._sites.site(effect.container_id)
        launcher = self._launcher_of(effect.container_id, site)
        if launcher is None:
            return
        if isinstance(effect, Stop | Kill | Remove):
            await _take_away(launcher, effect)
        elif site is not None:
            await self._build(site, launcher, effect)

    def _launcher_of(self, container_id: str, site: Site | None) -> Launcher | None:
        """Of what is not written down: who has it."""
        if site is None:
            return self._lookout.where(container_id)
        launcher = self._lookout.launcher_of(site.runtime)
        if launcher is None:
            raise LauncherError(f"runtime {site.runtime.name} has no launcher here")
        return launcher

    async def _build(self, site: Site, launcher: Launcher, effect: Effect) -> None:
        match effect:
            case AssignPorts(endpoints=endpoints):
                await self._assign_ports(site, endpoints)
            case Prepare():
                spec, _ = await asyncio.to_thread(self._sites.spec, site)
                await launcher.prepare(spec)
            case Start(incarnation=incarnation):
                spec, limits = await asyncio.to_thread(self._sites.spec, site)
                require_free(site.row.ports.values())
                self._links.forget(site.row.id)
                await launcher.start(spec, limits, incarnation)
            case SendGo():
                self._links.send(site.row.id, Go())
            case PushConfig(seq=seq):
                self._links.send(site.row.id, await asyncio.to_thread(self._sites.config, site, seq))
            case SaveGenerated():
                await self._save(site)

    async def _assign_ports(self, site: Site, endpoints: tuple[str, ...]) -> None:
        taken = self._sites.taken_ports() | {port for ports in self._ports_promised.values() for port in ports.values()}
        found = dict(zip(endpoints, free_ports(len(endpoints), taken, self._chance), strict=True))
        self._ports_promised[site.row.id] = found
        try:
            await asyncio.to_thread(self._sites.write_ports, site, found)
        finally:
            del self._ports_promised[site.row.id]
        self._wrote()

    async def _save(self, site: Site) -> None:
        now_ns = self._clock.now_ns()
        try:
            await asyncio.to_thread(self._sites.save_generated, site, now_ns)
        except StorageError as error:
            attempts = self._save_attempts.get(site.row.id, 0) + 1
            self._save_attempts[site.row.id] = attempts
            if attempts < SAVE_ATTEMPTS_MAX:
                raise
            _log.error("what container %s generated is lost: %s", site.row.id, error)
            await asyncio.to_thread(self._sites.give_up_generated, site, str(error), now_ns)
        self._save_attempts.pop(site.row.id, None)


async def _take_away(launcher: Launcher, effect: Stop | Kill | Remove) -> None:
    match effect:
        case Stop():
            await launcher.stop(effect.container_id, STOP_GRACE_NS / 1e9)
        case Kill():
            await launcher.kill(effect.container_id)
        case Remove():
            await launcher.remove(effect.container_id)
