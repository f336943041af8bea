"""Default mode: one message of each input becomes one result. Without inputs the function is a source, called again and again.

A generator as result gives as many results as it yields; it is asked for the next one only when there is room. With a state, the
result is `{"output": …, "state": …}`, and the state is on disk before the output leaves.
"""

from collections.abc import Callable, Sequence
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from pie_component.counters import Counters
from pie_component.edges.consumer import Queue
from pie_component.errors import ResultError
from pie_component.modes.mode import Emitter, OneByOne, correlation_of
from pie_flow.envelope import Failure

if TYPE_CHECKING:  # few components are stateful
    from pie_component.state import Keeper


class DefaultMode(OneByOne):
    def __init__(
        self,
        function: Callable[..., Any],
        queues: Sequence[Queue],
        emitter: Emitter,
        counters: Counters,
        *,
        keywords: Sequence[str] = (),
        keeper: "Keeper | None" = None,
    ) -> None:
        """`keywords`: names of the last queues, whose messages are passed by keyword."""
        self._function = function
        self._queues = tuple(queues)
        self._emitter = emitter
        self._counters = counters
        self._keywords = tuple(keywords)
        self._keeper = keeper
        self._items: GeneratorType[Any, None, Any] | None = None
        self._items_for = 0

    def tick(self) -> bool:
        if self._items is not None:
            self._next_item()
            return True
        if self.is_done or not all(self._queues):
            return False
        correlation, arguments, failure = self._take()
        if failure is not None:
            self._emitter.fail(correlation, failure)
            return True
        self._counters.ticks += 1
        try:
            self._settle(correlation, self._call(arguments))
        except Exception as error:
            self._raised(correlation, error)
        return True

    def _take(self) -> tuple[int, list[Any], Failure | None]:
        if len(self._queues) == 1:
            correlation, value = self._queues[0].popleft()
            return correlation, [value], value if type(value) is Failure else None
        messages = [queue.popleft() for queue in self._queues]
        failed = next((message for message in messages if type(message[1]) is Failure), None)
        if failed is not None:
            return failed[0] or correlation_of([message[0] for message in messages]), [], failed[1]
        return correlation_of([message[0] for message in messages]), [message[1] for message in messages], None

    def _call(self, arguments: list[Any]) -> Any:
        if not self._keywords and self._keeper is None:
            return self._function(*arguments)
        positional = len(arguments) - len(self._keywords)
        named = dict(zip(self._keywords, arguments[positional:], strict=True))
        if self._keeper is None:
            return self._function(*arguments[:positional], **named)
        return self._keeper.settle(self._function(*arguments[:positional], **named, state=self._keeper.state), ("output",))[0]

    def _settle(self, correlation: int, result: Any) -> None:
        if type(result) is GeneratorType:
            self._items, self._items_for = result, correlation
        else:
            self._emitter.emit(correlation, result)

    def _next_item(self) -> None:
        assert self._items is not None
        try:
            self._emitter.emit(self._items_for, next(self._items))
        except StopIteration:
            self._items = None
            self.is_done = not self._queues
        except Exception as error:
            if isinstance(error, ResultError):
                self._items.close()
            self._items = None
            self._raised(self._items_for, error)

    def _raised(self, correlation: int, error: Exception) -> None:
        """No message of a source could fail alone: it fails as a whole, and may be started again."""
        if not self._queues:
            raise error
        self._emitter.raised(correlation, error)
