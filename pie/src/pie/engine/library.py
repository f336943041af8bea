"""The programs that an engine can launch, by name.

    uploads of the user ▸ uploads for everybody ▸ registry ▸ examples that come with Pie

The first that has the name and, if one is given, the version. Uploads and what was pulled from the registry are on disk; programs
in use are kept ready in memory. The registry is asked for what is not there, and for the newest version of a bare name; one that
cannot be reached does not stop what was pulled before.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import replace
from pathlib import Path

from pie.clock import Clock, SystemClock
from pie.engine.once import Once
from pie.engine.program import InstalledProgram
from pie.engine.pulls import Pulls
from pie.errors import ManifestError, ProgramNotFoundError, RegistryError
from pie.limits import INSTALLED_PROGRAMS_MAX, PROGRAMS_LOADING_MAX
from pie.programs import bundled, resolve, uploaded_source
from pie.programs.program_file import Content
from pie.programs.resolve import Progress
from pie.programs.resolved import ResolvedProgram
from pie.programs.shelf import Record, Shelf
from pie.programs.store import SHARED, Store
from pie.programs.target import Target
from pie_wire import errors as wire_errors
from pie_wire.manifest import Manifest, parse

__all__ = ["SHARED", "Library"]

Install = Callable[[ResolvedProgram], Awaitable[InstalledProgram]]
"""Compiles a program, or loads it from the compile cache. Raises `ProgramError`."""


def _quiet(_: str) -> None:
    """Progress that nobody looks at."""


class Library:
    """To be closed."""

    def __init__(
        self,
        install: Install,
        folder: Path,
        built: Path,
        *,
        registry: str = "",
        clock: Clock | None = None,
        examples: Path | None = None,
    ) -> None:
        """`folder` is where programs are kept, `built` where bakery keeps what it has built; `registry` is an address, or empty."""
        self._install = install
        self._built = built
        self._examples = bundled.folder() if examples is None else examples
        self._store = Store(folder, registry)
        self._pulls = Pulls(registry, self._store.pulled, clock or SystemClock()) if self._store.pulled else None
        self._ready: OrderedDict[Hashable, InstalledProgram] = OrderedDict()
        """By what they came from; those used last are last."""
        self._loading: Once[Hashable, InstalledProgram] = Once()
        self._loads = asyncio.Semaphore(PROGRAMS_LOADING_MAX)
        self._uploads = asyncio.Semaphore(PROGRAMS_LOADING_MAX)
        """Apart, and builds apart from both: nobody's upload that takes long keeps what is there from being launched."""
        self._builds = asyncio.Semaphore(PROGRAMS_LOADING_MAX)

    async def close(self) -> None:
        """End what is under way. Safe to call twice."""
        await self._loading.close()
        if self._pulls is not None:
            await self._pulls.close()

    def has(self, owner: str, name: str, version: str, wasm_hash: str | None = None, manifest_hash: str | None = None) -> bool:
        """Whether the program is on disk, for this owner, and hashes to what is given: blake3 in hex. Asks no registry."""
        record = self._store.find(owner, name, version)
        if record is None:
            return False
        return _agree(wasm_hash, record.head.given_hash) and _agree(manifest_hash, record.head.manifest_hash)

    async def add(self, owner: str, wasm: bytes, manifest_text: str, *, force: bool = False) -> InstalledProgram:
        """Compile a program and keep it on disk. One of that name and version that the owner has stays, unless `force`.

        `wasm` is a component, or source if the manifest names a language.
        Raises `ManifestError`, `ProgramError`.
        """
        manifest = _parsed(manifest_text)
        shelf = self._store.shelf(owner)
        there = shelf.find(manifest.package.name, manifest.package.version)
        if there is not None and not force and (program := await self._stored(shelf, there)):
            return program
        component = await self._component(wasm, manifest, manifest_text)
        async with self._uploads:
            program = await self._install(ResolvedProgram(component, manifest))
            record = await asyncio.to_thread(_put, self._store.shelf(owner), manifest_text, component, wasm)
        return self._keep(record, program)

    async def find(self, owner: str, target: str, progress: Progress = _quiet) -> InstalledProgram:
        """The program that `name`, `name@latest` or `name@1.2.3` means to the owner. What was asked for before is there at once.

        `progress` is told what takes time. Raises `ProgramNotFoundError`, `ProgramError`, `RegistryError`.
        """
        wanted = Target.parse(target)
        while (found := self._store.uploaded(owner, wanted.name, wanted.version)) is not None:
            if program := await self._stored(*found):
                return program
        try:
            pulled = await self._pulled(wanted, progress)
        except RegistryError as error:
            return await self._example_instead(wanted, error, progress)
        return pulled or await self._example(wanted, progress)

    async def _component(self, given: bytes, manifest: Manifest, manifest_text: str) -> bytes:
        """What was uploaded, built if it is source."""
        if not uploaded_source.is_source(manifest, given):
            return given
        async with self._builds:
            return await uploaded_source.build(manifest, manifest_text, given, self._built)

    async def _pulled(self, wanted: Target, progress: Progress) -> InstalledProgram | None:
        """From the registry; once more if what was there is damaged."""
        if self._pulls is None:
            return None
        progress(f"looking for {wanted} in the registry")
        while (record := await self._pulls.find(wanted)) is not None:
            if program := await self._stored(self._pulls.shelf, record):
                return program
        return None

    async def _example_instead(self, wanted: Target, error: RegistryError, progress: Progress) -> InstalledProgram:
        """What comes with Pie does not need a registry that works."""
        try:
            return await self._example(wanted, progress)
        except ProgramNotFoundError:
            raise error from None

    async def _stored(self, shelf: Shelf, record: Record) -> InstalledProgram | None:
        """A program from disk; None if it turns out to be damaged."""
        if program := self._get(record):
            return program
        try:
            return await self._loading.get(record, lambda: self._load(shelf, record))
        except ProgramNotFoundError:
            return None

    async def _load(self, shelf: Shelf, record: Record) -> InstalledProgram:
        async with self._loads:
            stored = await asyncio.to_thread(shelf.read, record)
            if stored is None:
                raise ProgramNotFoundError(f"{record.path} is damaged")
            program = await self._install(ResolvedProgram(stored.wasm, stored.manifest))
        return self._keep(record, replace(program, name=record.head.name))

    async def _example(self, wanted: Target, progress: Progress) -> InstalledProgram:
        key = ("example", wanted)
        if key not in self._ready:
            bundled.source(wanted.name, self._examples)  # a name that means nothing waits for nobody
        return self._get(key) or await self._loading.get(key, lambda: self._load_example(key, wanted, progress))

    async def _load_example(self, key: Hashable, wanted: Target, progress: Progress) -> InstalledProgram:
        async with self._loads:
            built = await asyncio.to_thread(
                resolve.example, wanted.name, wanted.version or "", self._built, progress, examples=self._examples
            )
            program = await self._install(built)
        return self._keep(key, program)

    def _get(self, key: Hashable) -> InstalledProgram | None:
        program = self._ready.get(key)
        if program is not None:
            self._ready.move_to_end(key)
        return program

    def _keep(self, key: Hashable, program: InstalledProgram) -> InstalledProgram:
        self._ready[key] = program
        self._ready.move_to_end(key)
        while len(self._ready) > INSTALLED_PROGRAMS_MAX:
            self._ready.popitem(last=False)
        return program


def _parsed(manifest_text: str) -> Manifest:
    try:
        return parse(manifest_text)
    except wire_errors.ManifestError as error:
        raise ManifestError(str(error)) from error


def _put(shelf: Shelf, manifest_text: str, component: bytes, given: bytes) -> Record:
    """Hashes and writes: for a thread."""
    return shelf.put(Content.of(parse(manifest_text).id, manifest_text, component, given=given))


def _agree(given: str | None, actual: str) -> bool:
    return given is None or given.lower() == actual
