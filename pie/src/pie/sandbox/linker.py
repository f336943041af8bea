"""Joins what a component imports with what the host offers.

Each program gets a linker of its own with exactly the interfaces it asks for, under the versions it asks for. A version that is
compatible with one of ours is served by ours. A function that our interface lacks is linked as a trap that names it: components
list functions that they never call. An interface that nobody offers refuses the program.
"""

import inspect
from collections.abc import Collection, Mapping, Sequence

from pie.errors import ProgramError
from pie.sandbox import bindings as c
from pie.sandbox.compiler import CompiledModule
from pie.sandbox.handles import ResourceTypes, drop
from pie.sandbox.hostcall import Crossings, HostCall
from pie.sandbox.interface import GuestTrap, HostFunction, Interface
from pie.sandbox.wit import ComponentType, Function, InstanceType, Record, compatible


class Linker:
    """Everything the host offers; `link` picks what one component wants. Host calls are built once per function and types."""

    def __init__(self, engine: int, interfaces: Sequence[Interface], shared: Crossings, resources: ResourceTypes) -> None:
        self._engine = engine
        self._interfaces = interfaces
        self._shared = shared
        self._resources = resources
        self._classes = {name: made for interface in interfaces for name, made in interface.types.items()}
        self._calls: dict[tuple[str, str, Function], HostCall] = {}
        self._destructor = c.DESTRUCTOR(self._destroyed)

    def link(self, component: ComponentType, modules: Mapping[str, CompiledModule]) -> int:
        """A wasmtime linker for the component. Raises `ProgramError` if it cannot be satisfied."""
        chosen = self._chosen(component, modules)
        linker: int = c.linker_new(self._engine)
        try:
            root = c.linker_root(linker)
            try:
                for name, interface in chosen.items():
                    self._define(root, name, interface, component)
                for name, module in modules.items():
                    c.linker_add_module(root, name, module.pointer)
            finally:
                c.linker_instance_delete(root)
        except BaseException:
            c.linker_delete(linker)
            raise
        return linker

    def _chosen(self, component: ComponentType, modules: Collection[str]) -> dict[str, Interface]:
        chosen, missing = {}, [name for name in component.other_imports if name not in modules]
        for name in component.imports:
            interface = next((known for known in self._interfaces if compatible(known.name, name)), None)
            wanted = component.imports[name]
            if interface is not None:
                chosen[name] = interface
            elif wanted.functions or wanted.resources:
                missing.append(name)
            else:
                chosen[name] = Interface(name, {})  # only types: there is nothing to provide
        if missing:
            raise ProgramError(f"the program imports what this engine does not provide: {', '.join(missing)}")
        return chosen

    def _records(self, interface: Interface, name: str, component: ComponentType) -> dict[Record, type]:
        """The class of each record that the interface may see: its own registrations first, then those of the others."""
        found = _registered(component.imports[name], interface.types)
        for instance in component.imports.values():
            found = {**_registered(instance, self._classes), **found}
        return found

    def _define(self, root: int, name: str, interface: Interface, component: ComponentType) -> None:
        wanted = component.imports[name]
        records = self._records(interface, name, component)
        instance = c.linker_add_instance(root, name)
        try:
            for resource in sorted(wanted.resources):
                pointer = self._resources.pointer(self._class_of(resource, interface, name))
                c.linker_add_resource(instance, resource, pointer, self._destructor)
            for function, types in wanted.functions.items():
                call = self._call(interface, function, types, records)
                if call.suspends:
                    c.linker_add_func_async(instance, function, call.callback)
                else:
                    c.linker_add_func(instance, function, call.callback)
        finally:
            c.linker_instance_delete(instance)

    def _class_of(self, resource: str, interface: Interface, name: str) -> type:
        for known in (interface, *self._interfaces):
            if resource in known.resources:
                return known.resources[resource]
        raise ProgramError(f"the program imports the resource '{resource}' of {name}, which this engine does not provide")

    def _call(self, interface: Interface, name: str, types: Function, records: Mapping[Record, type]) -> HostCall:
        key = (interface.name, name, types)
        if key not in self._calls:
            full_name = f"{interface.name} {name}"
            function = interface.functions.get(name) or _missing(full_name)
            _check_arity(full_name, function, types)
            if not types.is_supported():
                raise ProgramError(f"the program imports {full_name} with types of a later component model")
            self._calls[key] = HostCall(full_name, function, types, records, self._shared)
        return self._calls[key]

    def _destroyed(self, data: int, context: int, representation: int) -> int:
        """The guest dropped an owned handle."""
        try:
            fiber = self._shared.turns.current
            drop(fiber.handles.remove(representation))  # type: ignore[union-attr]
            return 0
        except BaseException as error:
            code: int = c.error_new(f"dropping a handle failed: {error}".encode())
            return code


def _registered(instance: InstanceType, classes: Mapping[str, type]) -> dict[Record, type]:
    """The instance's named records that have a class."""
    named = instance.types.items()
    return {wit_type: classes[name] for name, wit_type in named if isinstance(wit_type, Record) and name in classes}


def _missing(name: str) -> HostFunction:
    def missing(_: object, *arguments: object) -> None:
        raise GuestTrap(f"the program called {name}, which this engine does not provide")

    return missing


def _check_arity(name: str, function: HostFunction, types: Function) -> None:
    """Raises `ProgramError` if the host's function cannot take the arguments: the component has another version in mind."""
    count = len(types.parameters)
    try:
        inspect.signature(function).bind(None, *types.parameters)
    except TypeError as error:
        raise ProgramError(f"the program calls {name} with {count} arguments, which the engine's does not take: {error}") from error
    except ValueError:
        return  # a function without a Python signature
