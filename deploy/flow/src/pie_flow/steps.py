"""Transformations that run: pure objects which take a value and say what comes of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pie_flow.parameters import Arguments
from pie_flow.values import Value


@dataclass(frozen=True, slots=True)
class Failed:
    """Stands in for a value whose way ended in a component that raised. A step takes it like a value: joins stay in step, and what
    it would have become comes out as this same object.
    """

    reason: object


Emission = tuple[int, Value]
"""Output position and value."""


class Step:
    """A running transformation: keeps its own state, does no I/O."""

    def __init__(self, arguments: Arguments) -> None:
        self._arguments = arguments
        self._configured(arguments)

    def begin(self) -> list[Emission]:
        """What it emits before anything has come. Once, first."""
        return []

    def accepts(self, position: int) -> bool:
        """Whether an input may be read now. A join that waits for its other inputs does not accept another value of this one:
        the edge's queue is where values wait.
        """
        return True

    def push(self, position: int, value: Value) -> list[Emission]:
        """Take one value (or `Failed`) from an input that accepts, and say what comes of it. Raises ValueTypeError where a
        value cannot be made of it (bytes that are too few for an image); the step is then as if it had not come.
        """
        raise NotImplementedError

    def configure(self, parameters: Mapping[str, str]) -> None:
        """New literals of mutable parameters. Raises TransformationError and keeps the old ones."""
        arguments = self._arguments.with_values(parameters)
        self._configured(arguments)
        self._arguments = arguments

    def _configured(self, arguments: Arguments) -> None:
        """Take what the step needs from its arguments."""


class Each(Step):
    """One input; every value becomes emissions of its own."""

    def __init__(
        self, arguments: Arguments, make: Callable[[Arguments], Callable[[Value], list[Emission]]], outputs: int = 1
    ) -> None:
        self._make = make
        self._outputs = outputs
        super().__init__(arguments)

    def _configured(self, arguments: Arguments) -> None:
        self._apply = self._make(arguments)

    def push(self, position: int, value: Value) -> list[Emission]:
        if isinstance(value, Failed):
            return [(output, value) for output in range(self._outputs)]
        return self._apply(value)


class Join(Step):
    """Waits for one value of every input, then makes emissions of them all."""

    def __init__(self, arguments: Arguments, inputs: int, apply: Callable[..., list[Emission]]) -> None:
        self._inputs = inputs
        self._apply = apply
        self._waiting: dict[int, Value] = {}
        super().__init__(arguments)

    def accepts(self, position: int) -> bool:
        return position not in self._waiting

    def push(self, position: int, value: Value) -> list[Emission]:
        assert self.accepts(position), "an input that waits is not read"
        self._waiting[position] = value
        if len(self._waiting) < self._inputs:
            return []
        values = [self._waiting[index] for index in range(self._inputs)]
        self._waiting.clear()
        failed = next((value for value in values if isinstance(value, Failed)), None)
        return [(0, failed)] if failed is not None else self._apply(*values)


class Merge(Step):
    """Whatever comes, from whichever input."""

    def push(self, position: int, value: Value) -> list[Emission]:
        return [(0, value)]


class DelayOne(Merge):
    """A value of its own first."""

    def _configured(self, arguments: Arguments) -> None:
        self._first = arguments.value("value")

    def begin(self) -> list[Emission]:
        return [(0, self._first)]


class Window(Step):
    """The newest values, as a list, each time enough new ones have come. A failure passes and is not counted."""

    def __init__(self, arguments: Arguments, size: int, step: int) -> None:
        self._size = size
        self._step = step
        self._skip = 0
        """How many of the next values are in no window: the step is larger than the size."""
        self._values: list[Any] = []
        super().__init__(arguments)

    def push(self, position: int, value: Value) -> list[Emission]:
        if isinstance(value, Failed):
            return [(0, value)]
        if self._skip:
            self._skip -= 1
            return []
        self._values.append(value)
        if len(self._values) < self._size:
            return []
        window, self._values = self._values, self._values[self._step :]
        self._skip = max(0, self._step - self._size)
        return [(0, window)]
