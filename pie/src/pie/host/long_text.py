"""Long texts are tokenised in a thread, so that one guest's book does not hold up the others.

A tokenizer belongs to one thread. So the thread has a model description of its own, loaded when the first long text comes.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pie.errors import InvalidArgumentError
from pie.limits import TEXT_LENGTH_MAX, TEXT_LENGTH_ON_LOOP_MAX
from pie.model.model import LoadedModel

T = TypeVar("T")


class TextDesk:
    """Does the text work of one model: at once on the loop if it is short, else in the thread."""

    def __init__(self, model: LoadedModel, load: Callable[[], LoadedModel]) -> None:
        """`load` makes another one of `model`; called in the thread, at most once."""
        self._model = model
        self._load = load
        self._second: LoadedModel | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"text of {model.name}")

    def run(self, length: int, work: Callable[[LoadedModel], T]) -> T | asyncio.Future[T]:
        """What `work` makes of a text with `length` characters. Raises `InvalidArgumentError` if that is too long."""
        if length <= TEXT_LENGTH_ON_LOOP_MAX:
            return work(self._model)
        if length > TEXT_LENGTH_MAX:
            raise InvalidArgumentError(f"the text has {length} characters; at most {TEXT_LENGTH_MAX} are taken at a time")
        return asyncio.get_running_loop().run_in_executor(self._thread, self._in_thread, work)

    def close(self) -> None:
        """Text that waits is not looked at any more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _in_thread(self, work: Callable[[LoadedModel], T]) -> T:
        if self._second is None:
            self._second = self._load()
        return work(self._second)
