"""The guest's event loop: asyncio over `wasi:io/poll`.

It knows three things a program can wait for: callbacks that are due (`_ready`), points in time (`_timers`) and the engine
(`_waits`: a future per pollable). A turn runs the callbacks that are due; when none is, one `poll` waits for the rest.

A call to the engine crosses the sandbox, which costs more than anything else here. Hence `alone`: while it is true, nothing but the
running task can happen, so the task may as well use the blocking form of a call: one crossing instead of half a dozen.
"""

import asyncio
import heapq
import math
import sys
import time
import traceback
from asyncio import get_running_loop
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple, cast

from inferlet import _host as host
from inferlet.limits import TURNS_WITHOUT_POLL_MAX

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Pollable = Any
"""`wasi:io/poll.pollable`."""


class GuestLoop(asyncio.AbstractEventLoop):
    """Runs a program's tasks. What needs threads, sockets, child processes or signals is not there and says so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[asyncio.TimerHandle] = []
        self._waits: dict[asyncio.Future[None], Pollable] = {}
        self._turns_without_poll = 0
        self._running = False
        self._closed = False
        self._debug = False

    # --- what the SDK uses ---

    def alone(self) -> bool:
        """Whether nothing can happen before the running task goes on."""
        return not (self._ready or self._waits or self._timers)

    async def wait(self, pollable: Pollable) -> None:
        """Waits until `pollable` is ready. Cancelling the wait forgets the pollable; the caller drops it in any case."""
        future = self.create_future()
        self._waits[future] = pollable
        try:
            await future
        finally:
            del self._waits[future]

    # --- running ---

    def run_until_complete(self, future: Any) -> Any:
        self._check_closed()
        previous_hooks = sys.get_asyncgen_hooks()
        self._running = True
        asyncio._set_running_loop(self)
        sys.set_asyncgen_hooks(finalizer=self._finalize)
        try:
            task = asyncio.ensure_future(future, loop=self)
            while not task.done():
                self._turn()
            return task.result()
        finally:
            sys.set_asyncgen_hooks(*previous_hooks)
            asyncio._set_running_loop(None)
            self._running = False

    def _turn(self) -> None:
        """One round: wait if nothing is due, then run everything that is due now (what that adds runs in the next turn)."""
        self._turns_without_poll += 1
        if not self._ready or self._turns_without_poll > TURNS_WITHOUT_POLL_MAX:
            self._poll()
        if self._timers:
            self._fire()
        for _ in range(len(self._ready)):
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()

    def _poll(self) -> None:
        """Asks the engine what is ready; waits for it if no callback is due."""
        self._turns_without_poll = 0
        waits = [(future, pollable) for future, pollable in self._waits.items() if not future.done()]
        pollables = [pollable for _, pollable in waits]
        delay_s = self._delay_s()
        if delay_s is None:
            if not pollables:
                raise RuntimeError("every task of this program waits for another one: nothing can happen any more")
            ready = host.poll.poll(pollables)
        elif pollables or delay_s > 0:
            with host.monotonic_clock.subscribe_duration(math.ceil(delay_s * 1e9)) as timer:
                ready = host.poll.poll([*pollables, timer])
        else:
            ready = []
        for index in ready:
            if index < len(waits):
                waits[index][0].set_result(None)

    def _delay_s(self) -> float | None:
        """How long the engine may be waited for; None: as long as it takes."""
        if self._ready:
            return 0.0
        return max(0.0, self._timers[0].when() - self.time()) if self._timers else None

    def _fire(self) -> None:
        now = self.time()
        while self._timers and self._timers[0].when() <= now:
            self._ready.append(heapq.heappop(self._timers))

    # --- what asyncio needs of a loop ---

    def time(self) -> float:
        return self._clock()

    def call_soon(self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Forgets the timer at once: a leftover one would keep the loop from being `alone`."""
        if handle in self._timers:
            self._timers.remove(handle)
            heapq.heapify(self._timers)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self, **options)

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True

    def get_debug(self) -> bool:
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        self._debug = enabled

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A failure that no task will ever see, such as that of a forgotten task: stderr is where people look."""
        print(context.get("message", "unhandled failure in the event loop"), file=sys.stderr)
        failure = context.get("exception")
        if isinstance(failure, BaseException):
            traceback.print_exception(failure)

    async def shutdown_asyncgens(self) -> None:
        """Asynchronous generators are closed when the program lets go of them."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's signature
        """There are no threads."""

    def _finalize(self, generator: AsyncGenerator[Any, Any]) -> None:
        self.create_task(generator.aclose())

    def _check_closed(self) -> None:
        if self._closed:
            raise RuntimeError("the event loop is closed")


def running_loop() -> GuestLoop:
    """The loop that runs the calling task. Inside a component there is no other kind."""
    return get_running_loop()  # type: ignore[return-value]


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` to its end on a fresh loop; tasks it leaves behind are cancelled and waited for."""
    loop = GuestLoop()  # type: ignore[abstract]  # what needs sockets, signals or child processes stays unimplemented
    try:
        return cast(T, loop.run_until_complete(main))
    finally:
        leftover = asyncio.all_tasks(loop)
        for task in leftover:
            task.cancel()
        if leftover:
            loop.run_until_complete(asyncio.gather(*leftover, return_exceptions=True))
        loop.close()
