"""One activity of a guest (its instantiation, or a call of one of its functions) as something that is polled.

    poll ──▶ done                      the outcome is there
      │ ───▶ waits for a host function  the awaitable's completion writes the answer and polls again
      └ ───▶ used up its slice          gets in line behind the other guests that compute (see `pie.sandbox.turns`)

The guest's stack is wasmtime's business: `call_future_poll` switches to it, and returns when the guest is done or pauses. So a
fiber costs no task and no thread; while it waits it is one callback on one future.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pie.sandbox import bindings as c
from pie.sandbox.handles import HandleTable
from pie.sandbox.turns import Turns

Answer = Callable[["asyncio.Future[Any]", "Fiber", int], int]
"""(a finished future, the fiber that waited for it, address of the result) → 0, or an error if the guest must not go on."""


class Fiber:
    """Polls one call future to its end. Owns that future: it is deleted exactly once, when the fiber ends."""

    __slots__ = (
        "_answer",
        "_awaited",
        "_call",
        "_flag",
        "_polled",
        "_results",
        "_turns",
        "context",
        "ended",
        "error",
        "fault",
        "handles",
        "message",
        "outcome",
        "state",
    )

    def __init__(self, turns: Turns, context: int, state: object, handles: HandleTable, call: int) -> None:
        self.context = context
        self.state = state
        self.handles = handles
        self.ended = False
        self.error: BaseException | None = None
        """Why the fiber was ended from outside."""
        self.fault: BaseException | None = None
        """What a host function raised that trapped the guest."""
        self.message = ""
        """The same in words, where wasmtime does not have it."""
        self.outcome: asyncio.Future[None] | None = None
        self._turns = turns
        self._call = call
        self._polled = False
        self._awaited: asyncio.Future[Any] | None = None
        self._answer: Answer | None = None
        self._results = 0
        self._flag = c.Slots(1)

    async def run(self) -> None:
        """Until the guest is done, or `end` was called. Cancelling this ends the fiber."""
        self.resume()
        if self.ended:
            return
        self.outcome = asyncio.get_running_loop().create_future()
        try:
            await self.outcome
        finally:
            self.end(asyncio.CancelledError())

    def resume(self) -> None:
        """Poll with a fresh time slice."""
        c.context_set_epoch_deadline(self.context, 1)
        self.poll()

    def poll(self) -> None:
        if self.ended:
            return
        turns = self._turns
        previous, turns.current = turns.current, self
        turns.notice()
        self._polled = True
        try:
            done = c.call_future_poll(self._call)
        finally:
            self._polled = False
            turns.current = previous
        if done or self.error is not None:
            self._finish()
        elif self._awaited is None:
            turns.queue(self)

    def wait(self, awaitable: Awaitable[Any], answer: Answer, results: int, continuation: int) -> None:
        """Called from within `poll`, by the host function that the guest is in: suspend it until `awaitable` is done."""
        self._awaited = asyncio.ensure_future(awaitable)
        self._answer = answer
        self._results = results
        self._flag[0] = 0
        c.write_continuation(c.MEMORY, continuation, c.IS_DONE, self._flag.address, 0)
        self._awaited.add_done_callback(self._wake)

    def _wake(self, awaited: "asyncio.Future[Any]") -> None:
        if self.ended or self._answer is None:
            return
        self._awaited = None
        turns = self._turns
        previous, turns.current = turns.current, self
        try:
            failure = self._answer(awaited, self, self._results)
        finally:
            turns.current = previous
        if failure:
            # wasmtime reads a host function's error only while the function runs, so this one ends the guest from outside.
            self.message = c.take_error(failure)
            self._finish()
            return
        self._flag[0] = 1
        self.resume()

    def end(self, error: BaseException) -> None:
        """The guest does not run any further. What it waits for is cancelled. Without effect on a fiber that has ended."""
        if self.ended or self.error is not None:
            return
        self.error = error
        if not self._polled:
            self._finish()

    def _finish(self) -> None:
        self.ended = True
        c.call_future_delete(self._call)
        if self._awaited is not None:
            self._awaited.cancel()
        if self.outcome is not None and not self.outcome.done():
            self.outcome.set_result(None)
