"""Default mode for an `async` function: several messages at once, results in the order of the messages.

An async generator gives as many results as it yields: those of the oldest message leave as they come, those of later ones wait.
"""

import inspect
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any

from pie_component.counters import Counters
from pie_component.edges.consumer import Queue
from pie_component.limits import ASYNC_ITEMS_MAX
from pie_component.modes.mode import Emitter, correlation_of
from pie_flow.envelope import Failure

Submit = Callable[[Coroutine[Any, Any, Any]], object]


class _Call:
    """One message's results, filled on the event loop, emptied by the worker."""

    def __init__(self, correlation: int) -> None:
        self.correlation = correlation
        self.items: deque[Any] = deque()
        self.failure: Failure | None = None
        """What the message already was."""
        self.error: BaseException | None = None
        self.is_done = False
        """Set last: then all items are there."""


class ConcurrentMode:
    """Messages are begun in order, as many at once as `calls_max`; a result waits until those before it are there."""

    def __init__(
        self,
        function: Callable[..., Any],
        queues: Sequence[Queue],
        emitter: Emitter,
        counters: Counters,
        *,
        submit: Submit,
        wake: Callable[[], None],
        calls_max: int,
        keywords: Sequence[str] = (),
    ) -> None:
        """`submit` runs a coroutine on the event loop."""
        self._function = function
        self._queues = tuple(queues)
        self._emitter = emitter
        self._counters = counters
        self._submit = submit
        self._wake = wake
        self._calls_max = calls_max if queues else 1  # a source gives one thing after the other
        self._keywords = tuple(keywords)
        self._calls: deque[_Call] = deque()
        self._has_ended = False

    @property
    def is_done(self) -> bool:
        return self._has_ended and not self._calls

    @property
    def is_busy(self) -> bool:
        return bool(self._calls)

    def tick(self) -> bool:
        if self.finish():
            return True
        if self._has_ended or len(self._calls) >= self._calls_max or not all(self._queues):
            return False
        messages = [queue.popleft() for queue in self._queues]
        correlation = correlation_of([message[0] for message in messages])
        failed = next((message for message in messages if type(message[1]) is Failure), None)
        if failed is not None:
            self._note_failure(failed[0] or correlation, failed[1])
        else:
            self._begin(correlation, [value for _, value in messages])
        return True

    def finish(self) -> bool:
        """Emit what comes next, if it is there."""
        if not self._calls:
            return False
        call = self._calls[0]
        is_done = call.is_done
        if call.items:
            self._emit(call)
            return True
        if is_done:
            self._calls.popleft()
            if call.failure is not None:
                self._emitter.fail(call.correlation, call.failure)
            elif call.error is not None:
                self._raised(call.correlation, call.error)
        return is_done

    def _emit(self, call: _Call) -> None:
        try:
            self._emitter.emit(call.correlation, call.items.popleft())
        except Exception as error:
            self._raised(call.correlation, error)

    def _raised(self, correlation: int, error: BaseException) -> None:
        """No message of a source could fail alone: it fails as a whole, and may be started again."""
        if not self._queues:
            raise error
        self._emitter.raised(correlation, error)

    def _note_failure(self, correlation: int, failure: Failure) -> None:
        call = _Call(correlation)
        call.failure, call.is_done = failure, True
        self._calls.append(call)

    def _begin(self, correlation: int, arguments: list[Any]) -> None:
        positional = len(arguments) - len(self._keywords)
        named = dict(zip(self._keywords, arguments[positional:], strict=True))
        self._counters.ticks += 1
        call = _Call(correlation)
        self._calls.append(call)
        self._submit(self._run(call, arguments[:positional], named))

    async def _run(self, call: _Call, arguments: list[Any], named: dict[str, Any]) -> None:
        try:
            results = self._function(*arguments, **named)
            if inspect.isasyncgen(results):
                await self._collect(call, results)
            else:
                call.items.append(await results)
        except BaseException as error:
            call.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            call.is_done = True
            self._wake()

    async def _collect(self, call: _Call, results: Any) -> None:
        async with aclosing(results):
            async for result in results:
                call.items.append(result)
                self._wake()
                while len(call.items) >= ASYNC_ITEMS_MAX:
                    await _pause()
        if not self._queues:
            self._has_ended = True


async def _pause() -> None:
    import asyncio  # is there: we run on its loop

    await asyncio.sleep(0.01)
