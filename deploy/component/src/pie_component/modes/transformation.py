"""The mode of a vertex that only reshapes: a pure step of `pie_flow.transformations`."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pie_component.counters import Counters
from pie_component.edges.consumer import Queue
from pie_component.modes.mode import Emitter, OneByOne
from pie_flow.envelope import Failure
from pie_flow.transformations import Emission, Failed
from pie_flow.values import Value


class Step(Protocol):
    def begin(self) -> list[Emission]: ...

    def accepts(self, position: int) -> bool: ...

    def push(self, position: int, value: Value) -> list[Emission]: ...

    def configure(self, parameters: Mapping[str, str]) -> None: ...


class TransformationMode(OneByOne):
    """Gives a step what has come, one input after the other. What a join gives answers the request of its last part, or of an
    earlier one where the last answers none."""

    def __init__(self, step: Step, queues: Sequence[Queue], emitter: Emitter, counters: Counters) -> None:
        self._step = step
        self._queues = tuple(queues)
        self._emitter = emitter
        self._counters = counters
        self._next = 0
        self._waiting = [0] * len(self._queues)
        """For each input the correlation id of what was pushed last and has become nothing yet."""
        self._has_begun = False

    def tick(self) -> bool:
        if not self._has_begun:
            self._has_begun = True
            self._emit(0, self._step.begin())
            return True
        for offset in range(len(self._queues)):
            position = (self._next + offset) % len(self._queues)
            if self._queues[position] and self._step.accepts(position):
                self._next = position + 1
                self._push(position)
                return True
        return False

    def _push(self, position: int) -> None:
        correlation, value = self._queues[position].popleft()
        self._counters.ticks += 1
        try:
            emissions = self._step.push(position, Failed(value) if type(value) is Failure else value)
        except Exception as error:
            self._emitter.raised(correlation, error)
            return
        self._waiting[position] = correlation
        if emissions:
            self._emit(correlation or max(self._waiting), emissions)
            self._waiting = [0] * len(self._waiting)

    def _emit(self, correlation: int, emissions: list[Emission]) -> None:
        for position, value in emissions:
            output = self._emitter.outputs[position]
            if isinstance(value, Failed):
                reason = value.reason if isinstance(value.reason, Failure) else Failure("", str(value.reason))
                output.fail(correlation, reason)
            else:
                output.put(correlation, value)
