"""Hints about containers, for whoever listens.

Each listener has a set of ids that it has not seen: no more than there are containers.
"""

import asyncio
import weakref
from collections.abc import AsyncIterator, Iterable


class Changes:
    def __init__(self) -> None:
        self._listeners: weakref.WeakSet[_Listener] = weakref.WeakSet()

    def tell(self, container_ids: Iterable[str]) -> None:
        for listener in self._listeners:
            listener.add(container_ids)

    def subscribe(self) -> AsyncIterator[str]:
        """What changes from now on."""
        listener = _Listener()
        self._listeners.add(listener)
        return listener.ids()

    def close(self) -> None:
        """Every iteration ends."""
        for listener in self._listeners:
            listener.end()


class _Listener:
    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._wakeup = asyncio.Event()
        self._is_over = False

    def add(self, container_ids: Iterable[str]) -> None:
        self._waiting.update(dict.fromkeys(container_ids))
        self._wakeup.set()

    def end(self) -> None:
        self._is_over = True
        self._wakeup.set()

    async def ids(self) -> AsyncIterator[str]:
        while True:
            while self._waiting:
                container_id = next(iter(self._waiting))
                del self._waiting[container_id]
                yield container_id
            if self._is_over:
                return
            self._wakeup.clear()
            await self._wakeup.wait()
