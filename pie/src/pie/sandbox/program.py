"""A component, compiled and linked: what instances are started from."""

import re
import weakref
from collections.abc import Collection

from pie.errors import ProgramError
from pie.limits import SandboxLimits
from pie.sandbox import bindings as c
from pie.sandbox.compiler import CompiledModule
from pie.sandbox.exported import ExportedFunction
from pie.sandbox.instance import Instance
from pie.sandbox.running import Running
from pie.sandbox.scratch import Scratch
from pie.sandbox.turns import Turns
from pie.sandbox.wit import ComponentType, Function, Result, String

_RUN_INTERFACE = re.compile(r"pie:[a-z0-9-]+/run(@.+)?")
_RUN = Function((String(),), Result(String(), String()))


class Program:
    """Made by `Sandbox.load`. Freed when nothing refers to it; instances do."""

    def __init__(
        self,
        *,
        engine: int,
        component: int,
        linker: int,
        types: ComponentType,
        modules: Collection[CompiledModule],
        turns: Turns,
        scratch: Scratch,
        limits: SandboxLimits,
        running: Running,
    ) -> None:
        """Takes over `component` and `linker`. modules: what others may use too, as long as a program refers to it."""
        self.engine = engine
        self.component = component
        self.linker = linker
        self.types = types
        self.turns = turns
        self.limits = limits
        self.running = running
        self._modules = tuple(modules)
        self._scratch = scratch
        self._exported: dict[tuple[str, str], ExportedFunction] = {}
        weakref.finalize(self, _delete, component, linker).atexit = False

    @property
    def imports(self) -> tuple[str, ...]:
        """Names of the imported interfaces."""
        return tuple(self.types.imports)

    @property
    def exports(self) -> tuple[str, ...]:
        """Names of the exported interfaces."""
        return tuple(self.types.exports)

    @property
    def run_interface(self) -> str:
        """The exported interface `pie:<name>/run` that makes this an inferlet."""
        return run_interface(self.types)

    async def start(self, state: object, *, memory_bytes_max: int | None = None) -> Instance:
        """A new instance, whose host functions get `state`. The guest may run code of its own here.

        Raises `GuestError` if it cannot be instantiated: its memory does not fit, or its own start code failed.
        """
        self.running.check_open()
        instance = Instance(self, state, memory_bytes_max or self.limits.memory_bytes_max)
        self.running.add(instance)
        try:
            await instance.instantiate()
        except BaseException:
            instance.close()
            raise
        return instance

    def exported(self, interface: str, function: str) -> ExportedFunction:
        """Raises `ProgramError` if there is no such function."""
        key = interface, function
        if key not in self._exported:
            self._exported[key] = self._find(interface, function)
        return self._exported[key]

    def _find(self, interface: str, function: str) -> ExportedFunction:
        instance = self.types.exports.get(interface)
        if instance is None or function not in instance.functions:
            raise ProgramError(f"the program exports no function '{function}' in '{interface}'")
        parent = c.component_export_index(self.component, 0, interface)
        index = c.component_export_index(self.component, parent, function)
        c.export_index_delete(parent)
        weakref.finalize(self, c.export_index_delete, index).atexit = False
        return ExportedFunction(index, f"{interface} {function}", instance.functions[function], self._scratch)


def run_interface(types: ComponentType) -> str:
    """The name of the exported `run` interface. Raises `ProgramError` if the component is no inferlet."""
    for name, instance in types.exports.items():
        if _RUN_INTERFACE.fullmatch(name) and "run" in instance.functions:
            if instance.functions["run"] != _RUN:
                raise ProgramError(f"the program's {name} has another type than run: func(input: string) -> result<string, string>")
            return name
    found = ", ".join(types.exports) or "nothing"
    raise ProgramError(f"No 'run' interface found: the program exports {found}, an inferlet exports pie:<name>/run")


def _delete(component: int, linker: int) -> None:
    c.linker_delete(linker)
    c.component_delete(component)
