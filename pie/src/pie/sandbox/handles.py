"""Resources: the objects behind a guest's handles, and how they cross.

A guest holds integers, wasmtime turns them into representations, and a representation is an index into the table of the guest's
instance. A resource type is a Python class: a class listed in two interfaces is one type.
"""

import logging
from collections.abc import Iterable
from typing import Any

from pie.limits import SANDBOX_HANDLES_MAX
from pie.sandbox import bindings as c
from pie.sandbox.interface import GuestTrap

log = logging.getLogger(__name__)


class HandleTable:
    """The objects that the guest of one instance holds handles to. Pure."""

    def __init__(self, size_max: int = SANDBOX_HANDLES_MAX) -> None:
        self._objects: dict[int, object] = {}
        self._free: list[int] = []
        self._size_max = size_max

    def __len__(self) -> int:
        return len(self._objects)

    def add(self, value: object) -> int:
        """The representation of a new handle. Raises `GuestTrap` when the guest holds too many."""
        size = len(self._objects)
        if size >= self._size_max:
            raise GuestTrap(f"the program holds {size} handles, the most that one may hold; it should drop some")
        representation = self._free.pop() if self._free else size
        self._objects[representation] = value
        return representation

    def get(self, representation: int) -> object:
        return self._objects[representation]

    def remove(self, representation: int) -> object:
        value = self._objects.pop(representation)
        self._free.append(representation)
        return value

    def drop_all(self) -> None:
        """Tell every object that its handle is gone, the youngest first: later objects are made from earlier ones."""
        objects, self._objects = self._objects, {}
        for value in reversed(objects.values()):
            drop(value)

    def check(self) -> None:
        """The invariant: representations in use and free ones are 0 … n-1, each once."""
        assert sorted([*self._objects, *self._free]) == list(range(len(self._objects) + len(self._free)))


def drop(value: object) -> None:
    """Tell the object that its handle is gone. `drop` methods must not raise; one that does is logged, and the rest goes on."""
    notify = getattr(value, "drop", None)
    if notify is None:
        return
    try:
        notify()
    except Exception:
        log.exception("drop() of a %s raised", type(value).__name__)


class ResourceTypes:
    """The resource types of a sandbox, one per Python class."""

    def __init__(self) -> None:
        self._ids: dict[type, int] = {}
        self._pointers: dict[type, int] = {}

    def pointer(self, resource: type) -> int:
        """wasmtime's type for the class, made at the first call."""
        if resource not in self._pointers:
            self._ids[resource] = len(self._pointers)
            self._pointers[resource] = c.resource_type_new_host(self._ids[resource])
        return self._pointers[resource]

    def id_of(self, value: object) -> int:
        """The id of the type of an object, whose class may be derived from a resource's. Raises `TypeError` if there is none."""
        found = self._ids.get(type(value))
        if found is None:
            found = self._inherited(type(value).__mro__)
            self._ids[type(value)] = found
        return found

    def _inherited(self, classes: Iterable[type]) -> int:
        for resource in classes:
            if resource in self._pointers:
                return self._ids[resource]
        raise TypeError(f"{next(iter(classes)).__name__} is no resource")

    def close(self) -> None:
        for pointer in self._pointers.values():
            c.resource_type_delete(pointer)
        self._pointers.clear()


class Crossing:
    """Turns handles of the guest whose turn it is into objects and back."""

    def __init__(self, turns: Any, types: ResourceTypes) -> None:
        self._turns = turns
        self._types = types
        self._out = c.Slots(1)

    def take(self, handle: int) -> object:
        fiber = self._turns.current
        return fiber.handles.remove(self._representation(fiber.context, handle))

    def borrow(self, handle: int) -> object:
        """The object of a borrowed handle. Asking for it also ends the borrow, without which the guest's call would trap."""
        fiber = self._turns.current
        return fiber.handles.get(self._representation(fiber.context, handle))

    def give(self, value: object) -> int:
        fiber = self._turns.current
        type_id = self._types.id_of(value)
        host = c.resource_host_new(True, fiber.handles.add(value), type_id)
        error = c.resource_host_to_any(fiber.context, host, self._out.address)
        c.resource_host_delete(host)
        c.check(error)
        return self._out[0]

    def _representation(self, context: int, handle: int) -> int:
        error = c.resource_any_to_host(context, handle, self._out.address)
        if error:
            c.check(error)
        host = self._out[0]
        representation: int = c.resource_host_rep(host)
        c.resource_host_delete(host)
        return representation
