"""What the worker asks of a mode, and what the modes share. Pure: queues in, results out."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from pie_component.counters import Counters
from pie_component.errors import ResultError
from pie_component.limits import FAILURE_TEXT_MAX, FAILURES_LOGGED_PER_S
from pie_component.logs import Throttle, log
from pie_component.slots import Output
from pie_flow.envelope import Failure
from pie_flow.errors import ValueTypeError

Push = Callable[[Any], None]


class Mode(Protocol):
    def tick(self) -> bool:
        """Do one piece of work; False: there is none now. Called only while all outputs have room. Raises nothing that a
        component's function may raise."""
        ...

    @property
    def is_done(self) -> bool:
        """There will be no work any more."""
        ...

    @property
    def is_busy(self) -> bool:
        """Work was begun and is not done: the end waits for it."""
        ...

    def finish(self) -> bool:
        """As `tick`, but nothing new is begun."""
        ...


class OneByOne:
    """What is the same for modes whose work is done when `tick` returns."""

    is_done = False
    is_busy = False

    def finish(self) -> bool:
        return False


class Emitter:
    """Where results go: to the outputs in the manifest's order, and the last part to the virtual output if there is one."""

    def __init__(self, outputs: Sequence[Output], vertex: str, counters: Counters, push: Push | None = None) -> None:
        self.outputs = outputs
        self._vertex = vertex
        self._counters = counters
        self._push = push
        self._throttle = Throttle(FAILURES_LOGGED_PER_S)
        self._parts = len(outputs) + (push is not None)
        self._only = outputs[0] if self._parts == 1 and outputs else None

    def emit(self, correlation: int, result: Any) -> None:
        """Send one result: the value of the only output, or a tuple with one part for each; None is no message. Either all parts
        go out or none. Raises ResultError."""
        only = self._only
        if only is None:
            self._emit_parts(correlation, result)
        elif result is not None:
            try:
                value = only.conform(result)
            except ValueTypeError as error:
                raise ResultError(f"the result is not of type {only.kind}: {error}") from error
            only.put(correlation, value)

    def emit_lists(self, result: Any, correlation_of: Callable[[int, int], int]) -> None:
        """Send a list of values for each output. `correlation_of(index, length)` says what the value of an index in a list of so
        many answers. Raises ResultError."""
        lists = (result,) if self._parts == 1 else result
        if self._parts and result is not None:
            self._check_parts(lists)
            checked = [
                [self._conformed(output, value) for value in _a_list(values)]
                for output, values in zip(self.outputs, lists, strict=False)
            ]
            for output, values in zip(self.outputs, checked, strict=True):
                for index, value in enumerate(values):
                    output.put(correlation_of(index, len(values)), value)
            if self._push is not None:
                for value in _a_list(lists[-1]):
                    self._push(value)

    def fail(self, correlation: int, failure: Failure) -> None:
        """Pass on, at every output, that there will be no value."""
        for output in self.outputs:
            output.fail(correlation, failure)

    def raised(self, correlation: int, error: BaseException) -> None:
        """The function raised, or gave what it may not: log it once, and pass it on."""
        self._counters.failures += 1
        held_back = self._throttle.admit()
        if held_back is not None:
            if held_back:
                log.error("%d more failures were not logged", held_back)
            log.error("an invocation failed: %s", error, exc_info=None if isinstance(error, ResultError) else error)
        self.fail(correlation, Failure(self._vertex, f"{type(error).__name__}: {error}"[:FAILURE_TEXT_MAX]))

    def _emit_parts(self, correlation: int, result: Any) -> None:
        if not self._parts or result is None:
            return
        parts = (result,) if self._parts == 1 else result
        self._check_parts(parts)
        checked = [
            None if part is None else self._conformed(output, part) for output, part in zip(self.outputs, parts, strict=False)
        ]
        for output, value in zip(self.outputs, checked, strict=True):
            if value is not None:
                output.put(correlation, value)
        if self._push is not None and parts[-1] is not None:
            self._push(parts[-1])

    def _check_parts(self, parts: Any) -> None:
        if type(parts) is not tuple or len(parts) != self._parts:
            raise ResultError(
                f"the result must be a tuple of {self._parts}, one part for each output, not a {type(parts).__name__}"
            )

    def _conformed(self, output: Output, value: Any) -> Any:
        try:
            return output.conform(value)
        except ValueTypeError as error:
            raise ResultError(f"the result for output {output.position} is not of type {output.kind}: {error}") from error


def _a_list(values: Any) -> list[Any]:
    if not isinstance(values, list):
        raise ResultError(f"in streaming mode an output gets a list, not a {type(values).__name__}")
    return values


def correlation_of(correlations: Iterable[int]) -> int:
    """Whose request a result answers: the first message's that answers one."""
    for correlation in correlations:
        if correlation:
            return correlation
    return 0
