"""Streaming mode: the function says what it wants next, and gets a list of messages for each input.

A pull request is a tuple with one number for each input: so many messages, or None: whatever is there. Several of them in a list
are alternatives, the first that can be met is. One in which every input is None is met as soon as any message has come.

The function returns `{"output": …, "pull_request": …}` (and "state", if it has one) with a list for each output. A value answers
the request of the one message that was pulled; where an output gives as many values as the first input, each answers its own.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from pie_component.counters import Counters
from pie_component.edges.consumer import Queue
from pie_component.errors import ResultError
from pie_component.modes.mode import Emitter, OneByOne
from pie_component.state import Keeper
from pie_flow.envelope import Failure

PullRequest = tuple[int | None, ...]


def alternatives(request: Any, inputs: int) -> list[PullRequest]:
    """What a function asks for, checked. Raises ResultError."""
    requests = request if isinstance(request, list) else [request]
    for one in requests:
        if not isinstance(one, tuple) or len(one) != inputs or not all(map(_is_number, one)):
            raise ResultError(f"a pull request is a tuple of {inputs}, a number or None for each input, not {one!r}")
    if not requests:
        raise ResultError("a pull request names at least one alternative")
    return list(requests)


def _is_number(part: Any) -> bool:
    return part is None or (type(part) is int and part >= 0)


def first_met(requests: Sequence[PullRequest], queues: Sequence[Queue]) -> tuple[int, ...] | None:
    """How many messages to take of each queue, or None: not now."""
    for request in requests:
        if all(part is None or len(queue) >= part for part, queue in zip(request, queues, strict=True)):
            taken = tuple(len(queue) if part is None else part for part, queue in zip(request, queues, strict=True))
            if any(taken) or not any(part is None for part in request):
                return taken
    return None


class StreamingMode(OneByOne):
    def __init__(
        self,
        function: Callable[..., Any],
        queues: Sequence[Queue],
        emitter: Emitter,
        counters: Counters,
        initial: Any,
        *,
        keywords: Sequence[str] = (),
        keeper: Keeper | None = None,
    ) -> None:
        """Raises ResultError when the initial pull request is none."""
        self._function = function
        self._queues = tuple(queues)
        self._emitter = emitter
        self._counters = counters
        self._keywords = tuple(keywords)
        self._keeper = keeper
        self._names = ("output", "pull_request")
        self._requests = alternatives(initial, len(self._queues))

    def tick(self) -> bool:
        self._pass_failures()
        counts = first_met(self._requests, self._queues)
        if counts is None:
            return False
        taken = [[queue.popleft() for _ in range(count)] for queue, count in zip(self._queues, counts, strict=True)]
        ids = [[correlation for correlation, _ in messages] for messages in taken]
        answer = _Answer(ids)
        self._counters.ticks += 1
        try:
            output, request = self._call([[value for _, value in messages] for messages in taken])
            self._requests = alternatives(request, len(self._queues))
            self._emitter.emit_lists(output, answer)
        except Exception as error:
            self._emitter.raised(answer.only, error)
        return True

    def _pass_failures(self) -> None:
        """A failure is no message that the function could count: it overtakes."""
        for position, queue in enumerate(self._queues):
            parts = [request[position] for request in self._requests]
            looked_at = len(queue) if None in parts else max(part for part in parts if part is not None)
            if any(type(value) is Failure for _, value in islice(queue, looked_at)):
                messages = list(queue)
                queue.clear()
                queue.extend(message for message in messages if type(message[1]) is not Failure)
                for correlation, value in messages:
                    if type(value) is Failure:
                        self._emitter.fail(correlation, value)

    def _call(self, lists: list[list[Any]]) -> tuple[Any, Any]:
        positional = len(lists) - len(self._keywords)
        named = dict(zip(self._keywords, lists[positional:], strict=True))
        if self._keeper is not None:
            output, request = self._keeper.settle(
                self._function(*lists[:positional], **named, state=self._keeper.state), self._names
            )
            return output, request
        result = self._function(*lists[:positional], **named)
        if type(result) is not dict or result.keys() != set(self._names):
            raise ResultError('a function in streaming mode returns {"output": …, "pull_request": …}')
        return result["output"], result["pull_request"]


class _Answer:
    """Which request a value of an output answers."""

    def __init__(self, ids: list[list[int]]) -> None:
        distinct = {correlation for one in ids for correlation in one if correlation}
        self.only = distinct.pop() if len(distinct) == 1 else 0
        self._first = ids[0] if ids else []

    def __call__(self, index: int, length: int) -> int:
        if self.only or length != len(self._first):
            return self.only
        return self._first[index]
