"""A coroutine that begins before its task runs.

A task takes its first step in the next turn of the event loop. A batch has to be with the driver earlier than that: the turn may be
long (programs run in it), and it is meant to overlap with the batch. (Python 3.12 has eager tasks for this.)
"""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Begun(Generic[T]):
    """Takes the coroutine's first step at once; awaiting takes the others. To be awaited once, from a task."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine
        self._waits_for: Any = None
        self._result: T
        self._error: BaseException | None = None
        self._over = False
        self._step(coroutine.send, None)

    def __await__(self) -> Generator[Any, Any, T]:
        while not self._over:
            try:
                sent = yield self._waits_for  # the event loop waits for what the coroutine waits for
            except GeneratorExit:
                self._coroutine.close()
                raise
            except BaseException as error:
                self._step(self._coroutine.throw, error)
            else:
                self._step(self._coroutine.send, sent)
        if self._error is not None:
            raise self._error
        return self._result

    def _step(self, resume: Callable[[Any], Any], what: Any) -> None:
        try:
            self._waits_for = resume(what)
        except StopIteration as end:
            self._over, self._result = True, end.value
        except BaseException as error:
            self._over, self._error = True, error
