"""From the bytes of a component to what wasmtime runs: compiled, or out of the cache."""

import logging
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pie.errors import ProgramError
from pie.sandbox import bindings as c
from pie.sandbox import shared_modules
from pie.sandbox.cache import CompileCache
from pie.sandbox.core_module import UnreadableError
from pie.sandbox.introspection import read_component_type
from pie.sandbox.shared_modules import SharedModule
from pie.sandbox.wit import ComponentType

log = logging.getLogger(__name__)


class CompiledModule:
    """A core module that components import. Freed when nothing refers to it."""

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer
        weakref.finalize(self, c.module_delete, pointer).atexit = False


@dataclass(frozen=True, slots=True)
class Compiled:
    """A component, which belongs to the caller, and what has to be linked to it besides the host's interfaces."""

    component: int
    types: ComponentType
    modules: Mapping[str, CompiledModule]


class Compiler:
    """Of one wasmtime engine. Blocking: call from worker threads."""

    def __init__(self, engine: int, cache: CompileCache, key: Callable[[bytes], str]) -> None:
        """key: a name in the cache for what is compiled from these bytes."""
        self._engine = engine
        self._cache = cache
        self._key = key
        self._modules: weakref.WeakValueDictionary[str, CompiledModule] = weakref.WeakValueDictionary()
        self._one_by_one = threading.Lock()
        """Programs that arrive together wait for what they have in common."""

    def compile(self, wasm: bytes) -> Compiled:
        """Raises `ProgramError` for what is no component or a damaged one."""
        shared = shared_modules.find(wasm)
        try:
            component = self._component(wasm, shared)
            try:
                types = read_component_type(self._engine, component)
                wanted = [module for module in shared if module.name in types.other_imports]
                return Compiled(component, types, {module.name: self._module(wasm, module) for module in wanted})
            except BaseException:
                c.component_delete(component)
                raise
        except c.WasmtimeError as error:
            raise ProgramError(f"the program is no valid WebAssembly component: {_first_lines(str(error))}") from error

    def _component(self, wasm: bytes, shared: tuple[SharedModule, ...]) -> int:
        key = self._key(wasm)
        return self._load(_COMPONENT, key, lambda: _new_component(self._engine, wasm, shared))

    def _module(self, wasm: bytes, module: SharedModule) -> CompiledModule:
        with self._one_by_one:
            compiled = self._modules.get(module.name)
            if compiled is None:
                key = self._key(module.name.encode())
                pointer = self._load(_MODULE, key, lambda: c.module_new(self._engine, wasm[module.start : module.end]))
                compiled = self._modules[module.name] = CompiledModule(pointer)
        return compiled

    def _load(self, kind: "_Kind", key: str, new: Callable[[], int]) -> int:
        """From the cache if it is there."""
        path = self._cache.find(key)
        if path is None:
            made = new()
            path = self._cache.store(key, kind.serialize(made))
            if path is None:
                return made
            kind.delete(made)
        try:
            return kind.deserialize_file(self._engine, bytes(path))
        except c.WasmtimeError as error:
            log.warning("%s does not fit this machine, compiling anew: %s", path, error)
            self._cache.discard(path)
            return new()


@dataclass(frozen=True, slots=True)
class _Kind:
    """What can be compiled, kept and loaded."""

    serialize: Callable[[int], bytes]
    deserialize_file: Callable[[int, bytes], int]
    delete: Callable[[int], None]


_COMPONENT = _Kind(c.component_serialize, c.component_deserialize_file, c.component_delete)
_MODULE = _Kind(c.module_serialize, c.module_deserialize_file, c.module_delete)


def _new_component(engine: int, wasm: bytes, shared: tuple[SharedModule, ...]) -> int:
    """Without its shared modules. As a whole if that cannot be; what is wrong with it is said of the whole, too."""
    if shared:
        try:
            return c.component_new(engine, shared_modules.without(wasm, shared))
        except (UnreadableError, c.WasmtimeError) as error:
            log.debug("compiling a component as a whole: %s", error)
    return c.component_new(engine, wasm)


def _first_lines(text: str) -> str:
    return ": ".join(line.strip() for line in text.splitlines()[:3] if line.strip())
