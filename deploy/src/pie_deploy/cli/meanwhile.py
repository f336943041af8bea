"""Something to do while a stream has nothing to say."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Said(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True)
class _Over:
    error: BaseException | None


def with_pauses(values: Iterator[T], pause_s: float) -> Iterator[T | None]:
    """The values as they come, and None whenever there was none for that long. Raises what the iterator raises.

    A thread waits for them; it does not keep the OS process from ending.
    """
    said: queue.Queue[_Said[T] | _Over] = queue.Queue()

    def listen() -> None:
        try:
            for value in values:
                said.put(_Said(value))
        except BaseException as error:
            said.put(_Over(error))
        else:
            said.put(_Over(None))

    threading.Thread(target=listen, name="stream", daemon=True).start()
    while True:
        try:
            heard = said.get(timeout=pause_s)
        except queue.Empty:
            yield None
            continue
        if isinstance(heard, _Said):
            yield heard.value
        elif heard.error is not None:
            raise heard.error
        else:
            return
