"""The sandbox of one OS process: wasmtime's engine, what guests may import, and the programs loaded from it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakValueDictionary

from blake3 import blake3

from pie.errors import ProgramError
from pie.limits import SANDBOX_FIBER_STACK_BYTES, SANDBOX_WASM_STACK_BYTES, SandboxLimits
from pie.sandbox import bindings as c
from pie.sandbox.cache import CompileCache
from pie.sandbox.compiler import Compiler
from pie.sandbox.epochs import EpochTicker
from pie.sandbox.handles import Crossing, ResourceTypes
from pie.sandbox.hostcall import Crossings
from pie.sandbox.interface import Interface
from pie.sandbox.linker import Linker
from pie.sandbox.program import Program, run_interface
from pie.sandbox.running import Running
from pie.sandbox.scratch import Scratch
from pie.sandbox.turns import Turns

_MODULE_HEADER = b"\0asm\x01\0\0\0"
_COMPONENT_HEADER = b"\0asm\x0d\0\x01\0"
_CONFIGURATION = f"wasmtime {c.WASMTIME_VERSION}, epochs, wasm stack {SANDBOX_WASM_STACK_BYTES}, large modules apart"
"""Part of the compile cache's keys: everything that decides what compiling produces, besides the program and this processor (whose
features wasmtime compares itself)."""

_HASHED_AT_ONCE = 1 << 20
"""Bytes that are hashed on the event loop, in less than a millisecond."""


class Sandbox:
    """Loads programs and runs instances of them, all on the thread of one asyncio loop. To be closed."""

    def __init__(self, interfaces: Sequence[Interface], *, cache_folder: Path | None, limits: SandboxLimits | None = None) -> None:
        self._limits = limits or SandboxLimits()
        self._engine: int = c.engine_new(_configured())
        self._turns = Turns()
        self._ticker = EpochTicker(lambda: c.engine_increment_epoch(self._engine), self._turns.are_taken)
        self._turns.notice = self._ticker.notice
        self._scratch = Scratch()
        self._resources = ResourceTypes()
        shared = Crossings(self._turns, self._scratch, Crossing(self._turns, self._resources))
        self._linker = Linker(self._engine, interfaces, shared, self._resources)
        self._compiler = Compiler(self._engine, CompileCache(cache_folder), _key)
        self._programs: WeakValueDictionary[str, Program] = WeakValueDictionary()
        self._loading: dict[str, asyncio.Task[Program]] = {}
        self._running = Running()

    async def load(self, wasm: bytes) -> Program:
        """The program in the bytes of a component; compiling runs in a thread. The same bytes give the same program.

        Raises `ProgramError`: not a component or a damaged one, an import that nobody provides, no `run` export.
        """
        key = _key(wasm) if len(wasm) <= _HASHED_AT_ONCE else await asyncio.to_thread(_key, wasm)
        self._running.check_open()
        program = self._programs.get(key)
        if program is not None:
            return program
        if key not in self._loading:
            task = asyncio.create_task(self._load(key, wasm))
            self._loading[key] = task
            task.add_done_callback(lambda _: self._loading.pop(key))
        return await asyncio.shield(self._loading[key])

    async def close(self) -> None:
        """Kill what runs and free everything. Safe to call twice."""
        for task in list(self._loading.values()):
            await asyncio.wait([task])
        self._running.close()
        await asyncio.sleep(0)  # those that were waiting end now
        self._ticker.close()
        if self._engine:
            self._resources.close()
            c.engine_delete(self._engine)
            self._engine = 0

    async def _load(self, key: str, wasm: bytes) -> Program:
        check_header(wasm)
        compiled = await asyncio.to_thread(self._compiler.compile, wasm)
        try:
            run_interface(compiled.types)
            linker = self._linker.link(compiled.types, compiled.modules)
        except BaseException:
            c.component_delete(compiled.component)
            raise
        program = Program(
            engine=self._engine,
            component=compiled.component,
            linker=linker,
            types=compiled.types,
            modules=compiled.modules.values(),
            turns=self._turns,
            scratch=self._scratch,
            limits=self._limits,
            running=self._running,
        )
        self._programs[key] = program
        return program


def _key(wasm: bytes) -> str:
    return blake3(_CONFIGURATION.encode()).update(wasm).hexdigest(16)


def check_header(wasm: bytes) -> None:
    """Raises `ProgramError` with a plain text for what is obviously no component."""
    if wasm.startswith(_MODULE_HEADER):
        raise ProgramError("the program is a core WebAssembly module; an inferlet is a component (see `bakery build`)")
    if not wasm.startswith(_COMPONENT_HEADER):
        raise ProgramError("the program is not a WebAssembly component")


def _configured() -> int:
    """The configuration of the engine, owned by the engine made of it."""
    config: int = c.config_new()
    c.config_epoch_interruption(config, True)
    c.config_max_wasm_stack(config, SANDBOX_WASM_STACK_BYTES)
    c.config_async_stack_size(config, SANDBOX_FIBER_STACK_BYTES)
    c.config_concurrency_support(config, False)
    c.config_component_model_async(config, False)
    return config
