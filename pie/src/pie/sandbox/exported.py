"""A function that a component exports, ready to be called: its index, and the converters of its arguments and result."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pie.errors import ProgramError
from pie.sandbox import bindings as c
from pie.sandbox.lift import UnsupportedTypeError, lifter
from pie.sandbox.lower import lowerer
from pie.sandbox.scratch import Scratch
from pie.sandbox.wit import Function


class Frame:
    """Memory of one call: its arguments, and its result once there is one."""

    __slots__ = ("_argument_count", "_slots", "arguments", "results")

    def __init__(self, argument_count: int) -> None:
        words = c.VAL_SIZE // 8
        self._argument_count = argument_count
        self._slots = c.Slots((argument_count + 1) * words)  # all zeros: as many times `false`
        self.results = self._slots.address
        self.arguments = self._slots.address + c.VAL_SIZE

    def argument(self, index: int) -> int:
        return self.arguments + index * c.VAL_SIZE

    def delete(self) -> None:
        for index in range(self._argument_count + 1):
            c.val_delete(self.results + index * c.VAL_SIZE)


class NoHandles:
    """Functions called from the host take and return plain values."""

    def take(self, handle: int) -> object:
        raise UnsupportedTypeError("a resource")

    def borrow(self, handle: int) -> object:
        raise UnsupportedTypeError("a resource")

    def give(self, value: object) -> int:
        raise UnsupportedTypeError("a resource")


class ExportedFunction:
    def __init__(self, index: int, name: str, types: Function, scratch: Scratch) -> None:
        """Raises `ProgramError` if the types are not supported."""
        self.index = index
        self.result_count = 0 if types.result is None else 1
        self._name = name
        try:
            self._lowerers = [lowerer(parameter, scratch, NoHandles()) for parameter in types.parameters]
            self._lift: Callable[[int], tuple[Any, ...]] = lifter([] if types.result is None else [types.result], {}, NoHandles())
        except UnsupportedTypeError as error:
            raise ProgramError(f"the program exports {name} with a type that is not supported: {error}") from error

    @contextmanager
    def lowered(self, arguments: Sequence[object]) -> Iterator[Frame]:
        """A frame with the arguments, valid inside the `with` block."""
        if len(arguments) != len(self._lowerers):
            raise TypeError(f"{self._name} takes {len(self._lowerers)} arguments, {len(arguments)} were given")
        frame = Frame(len(arguments))
        try:
            for index, (lower, argument) in enumerate(zip(self._lowerers, arguments, strict=True)):
                lower(argument, frame.argument(index))
            yield frame
        finally:
            frame.delete()

    def lifted(self, frame: Frame) -> Any:
        """The result that wasmtime wrote."""
        results = self._lift(frame.results)
        return results[0] if results else None
