"""Default mode for an `async` function: several messages at once, results in the order of the messages."""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

from pie_component.counters import Counters
from pie_component.edges.consumer import Queue
from pie_component.modes.mode import Emitter, correlation_of
from pie_flow.envelope import Failure

Submit = Callable[[Coroutine[Any, Any, Any]], "Future[Any]"]


class ConcurrentMode:
    """Messages are begun in order, as many at once as `calls_max`; a result waits until those before it are there."""

    def __init__(
        self,
        function: Callable[..., Awaitable[Any]],
        queues: Sequence[Queue],
        emitter: Emitter,
        counters: Counters,
        *,
        submit: Submit,
        wake: Callable[[], None],
        calls_max: int,
        keywords: Sequence[str] = (),
    ) -> None:
        self._function = function
        self._queues = tuple(queues)
        self._emitter = emitter
        self._counters = counters
        self._submit = submit
        self._wake = wake
        self._calls_max = calls_max if queues else 1  # a source gives one thing after the other
        self._keywords = tuple(keywords)
        self._calls: deque[tuple[int, Future[Any] | Failure]] = deque()

    @property
    def is_done(self) -> bool:
        return False

    @property
    def is_busy(self) -> bool:
        return bool(self._calls)

    def tick(self) -> bool:
        if self.finish():
            return True
        if len(self._calls) >= self._calls_max or not all(self._queues):
            return False
        messages = [queue.popleft() for queue in self._queues]
        correlation = correlation_of([message[0] for message in messages])
        failed = next((message for message in messages if type(message[1]) is Failure), None)
        if failed is not None:
            self._calls.append((failed[0] or correlation, failed[1]))
        else:
            self._begin(correlation, [value for _, value in messages])
        return True

    def finish(self) -> bool:
        """Emit the oldest result, if it is there."""
        if not self._calls:
            return False
        correlation, call = self._calls[0]
        if isinstance(call, Failure):
            self._calls.popleft()
            self._emitter.fail(correlation, call)
            return True
        if not call.done():
            return False
        self._calls.popleft()
        try:
            self._emitter.emit(correlation, call.result())
        except (Exception, CancelledError) as error:
            self._emitter.raised(correlation, error)
        return True

    def _begin(self, correlation: int, arguments: list[Any]) -> None:
        positional = len(arguments) - len(self._keywords)
        named = dict(zip(self._keywords, arguments[positional:], strict=True))
        self._counters.ticks += 1
        call = self._submit(_awaited(self._function(*arguments[:positional], **named)))
        self._calls.append((correlation, call))
        call.add_done_callback(lambda _: self._wake())


async def _awaited(call: Awaitable[Any]) -> Any:
    return await call
