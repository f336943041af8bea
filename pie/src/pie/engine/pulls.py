"""Programs that come from a registry, and stay.

A version that has been pulled is never asked about again. The newest version of a bare name is asked for anew every few seconds; if
the registry cannot be reached, the newest one that was pulled is as good. A yanked version is only pulled by whoever names it.
"""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pie.clock import Clock
from pie.engine.once import Once
from pie.errors import ProgramNotFoundError, RegistryError
from pie.limits import PROGRAMS_LOADING_MAX, REGISTRY_ANSWERS_MAX, REGISTRY_FRESH_S, REGISTRY_MISSING_S, REGISTRY_RETRY_S
from pie.programs.program_file import Content
from pie.programs.shelf import Record, Shelf
from pie.programs.target import Target
from pie_wire.manifest import ProgramId

if TYPE_CHECKING:
    from pie.programs.registry import Registry, Release, Releases

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the registry said about a name. None: nothing; an error: it could not be asked."""

    releases: "Releases | RegistryError | None"
    asked_ns: int

    def holds(self, version: str | None, now_ns: int) -> bool:
        """Whether this is still what the registry would say, to whoever wants that version (None: the newest).

        A version that it did not know may be there very soon: somebody has just published it.
        """
        if isinstance(self.releases, RegistryError):
            fresh_s = REGISTRY_RETRY_S
        elif version is None or (self.releases is not None and version in self.releases.by_version):
            fresh_s = REGISTRY_FRESH_S
        else:
            fresh_s = REGISTRY_MISSING_S
        return now_ns - self.asked_ns < fresh_s * 1e9


class Pulls:
    """The programs of one registry, kept on `shelf`. To be closed."""

    def __init__(self, url: str, shelf: Shelf, clock: Clock) -> None:
        self.shelf = shelf
        self._url = url
        self._clock = clock
        self._registry: Registry | None = None
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        """By program name, the latest last."""
        self._asking: Once[str, _Answer] = Once()
        self._pulling: Once[tuple[str, str], Record] = Once()
        self._room = asyncio.Semaphore(PROGRAMS_LOADING_MAX)

    async def close(self) -> None:
        """End what is under way. Safe to call twice."""
        await self._asking.close()
        await self._pulling.close()
        if self._registry is not None:
            await self._registry.close()

    async def find(self, wanted: Target) -> Record | None:
        """The program, pulled if it was not before; None if the registry has none of that name and version.

        Raises `RegistryError`; `ProgramError` if it cannot be kept; `ProgramNotFoundError` if a bare name has yanked versions only.
        """
        if wanted.version is None:
            return await self._latest(wanted.name)
        pulled = self.shelf.find(wanted.name, wanted.version)
        if pulled is not None:
            return pulled
        releases = await self._releases(wanted.name, wanted.version)
        release = releases.by_version.get(wanted.version) if releases else None
        return await self._pulled(wanted.name, release) if release else None

    async def _latest(self, name: str) -> Record | None:
        try:
            releases = await self._releases(name)
            if releases is None:
                return None
            latest = releases.latest
            if latest is None:
                raise ProgramNotFoundError(f"all versions of '{name}' are yanked; name one to run it all the same: {name}@…")
            return self.shelf.find(name, latest.num) or await self._pulled(name, latest)
        except RegistryError:
            pulled = self.shelf.find(name, None)
            if pulled is None:
                raise
            return pulled

    async def _releases(self, name: str, version: str | None = None) -> "Releases | None":
        """What the registry says now, or said just before."""
        known = self._answers.get(name)
        if known is None or not known.holds(version, self._clock.monotonic_ns()):
            known = await self._asking.get(name, lambda: self._ask(name))
        if isinstance(known.releases, RegistryError):
            raise known.releases
        return known.releases

    async def _ask(self, name: str) -> _Answer:
        releases: Releases | RegistryError | None
        try:
            releases = await self._connected().releases(name)
        except RegistryError as error:
            log.warning("only what was pulled before can be used: %s", error)
            releases = error
        answer = _Answer(releases, self._clock.monotonic_ns())
        self._answers[name] = answer
        self._answers.move_to_end(name)
        if len(self._answers) > REGISTRY_ANSWERS_MAX:
            self._answers.popitem(last=False)
        return answer

    async def _pulled(self, name: str, release: "Release") -> Record:
        return await self._pulling.get((name, release.num), lambda: self._pull(name, release))

    async def _pull(self, name: str, release: "Release") -> Record:
        async with self._room:
            try:
                pulled = await self._connected().pull(name, release)
            except RegistryError:
                self._answers.pop(name, None)  # it may have been wrong
                raise
            return await asyncio.to_thread(self._put, name, release, pulled.manifest_text, pulled.component)

    def _put(self, name: str, release: "Release", manifest_text: str, component: bytes) -> Record:
        return self.shelf.put(Content.of(ProgramId(name, release.num), manifest_text, component, yanked=release.yanked))

    def _connected(self) -> "Registry":
        from pie.programs.registry import Registry  # lazily: most runs need no HTTP client

        if self._registry is None:
            self._registry = Registry(self._url)
        return self._registry
