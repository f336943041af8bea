"""The driver that runs models with PyTorch, in a worker child (`python -m pie_worker`).

                 start                 ready
    (closed) ────────────▶ starting ───────────▶ running ──┐
        ▲                   ▲    │ start failed             │ the child ends
        │ close             │    ▼                          ▼
        └────────────────── │  broken ◀── attempts used up ─ lost ── after a pause: a new child ──▶ starting

Batches go to the child as they come and are answered in order. When the child ends, everything that waits fails with
`DriverLostError`, the generation goes up, and a new child is started; batches handed in meanwhile wait for it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from pie.driver.child import Child
from pie.driver.messages import (
    Batch,
    BatchFailed,
    BatchResult,
    DriverLimits,
    FromWorker,
    Ready,
    Shutdown,
    StartFailed,
    WorkerConfig,
)
from pie.errors import DriverError, DriverLostError, ModelError, PieError
from pie.limits import DRIVER_RESTART_PAUSE_S, DRIVER_RESTARTS_MAX

Waiting = tuple[int, "asyncio.Future[BatchResult]"]


class TorchDriver:
    """The `Driver` port over a worker child."""

    def __init__(self, config: WorkerConfig, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """`sleep` is how the pauses between restarts pass."""
        self._config = config
        self._sleep = sleep
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(FromWorker)
        self._child: Child | None = None
        self._limits: DriverLimits | None = None
        self._waiting: deque[Waiting] = deque()
        self._started: asyncio.Future[DriverLimits] | None = None
        self._restart: asyncio.Task[None] | None = None
        self._generation = 0
        self._is_closed = False

    @property
    def generation(self) -> int:
        return self._generation

    @property
    def limits(self) -> DriverLimits:
        """Of the model that is loaded. Only after `start`."""
        assert self._limits is not None, "the driver has been started"
        return self._limits

    @property
    def process_id(self) -> int | None:
        """Of the worker child, while there is one."""
        return None if self._child is None else self._child.process_id

    async def start(self) -> DriverLimits:
        assert self._child is None and not self._is_closed, "a driver is started once"
        self._generation = 1
        try:
            return await self._start_child()
        except PieError:
            await self.close()
            raise

    async def forward(self, batch: Batch) -> BatchResult:
        while self._restart is not None:
            await asyncio.shield(self._restart)
        if self._is_closed or self._child is None or self._limits is None:
            raise DriverError("the driver is not running")
        assert len(self._waiting) < self._limits.batches_in_flight_max, "more batches in flight than the driver takes"
        answer: asyncio.Future[BatchResult] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch.id, answer))
        self._child.send(self._encoder.encode(batch))
        return await answer

    async def close(self) -> None:
        self._is_closed = True
        if self._restart is not None:
            self._restart.cancel()
            await asyncio.wait({self._restart})
        if self._started is not None:
            self._settle_start(DriverError("the driver was closed"))
            _look_at(self._started)  # whoever started it may have been cancelled
        child, self._child = self._child, None
        if child is not None:
            await child.stop(self._encoder.encode(Shutdown()))
        self._fail_waiting(DriverError("the driver was closed"))

    async def _start_child(self) -> DriverLimits:
        """Returns once the child is ready. A child that fails to start is cleaned up by the next start, or by `close`."""
        if self._child is not None:
            await self._child.stop()
        self._started = asyncio.get_running_loop().create_future()
        self._child = Child(self._on_message, self._on_end)
        try:
            await self._child.start(self._config)
        except OSError as error:
            raise DriverError(f"the worker could not be started: {error}") from error
        return await self._started

    def _on_message(self, content: bytes) -> None:
        try:
            message = self._decoder.decode(content)
        except msgspec.MsgspecError as error:
            self._answer_next(DriverError(f"the worker's answer cannot be read: {error}"))
            return
        match message:
            case BatchResult():
                self._answer_next(message)
            case BatchFailed(message=reason):
                self._answer_next(DriverError(reason))
            case Ready(limits=limits):
                self._settle_start(limits)
            case StartFailed(message=reason, code=code):
                self._settle_start(ModelError(reason) if code == "model" else DriverError(reason))

    def _answer_next(self, answer: BatchResult | DriverError) -> None:
        """Answers come in the order of the questions."""
        if not self._waiting:
            return
        batch_id, future = self._waiting.popleft()
        if future.done():  # the caller no longer waits
            return
        if isinstance(answer, DriverError):
            future.set_exception(answer)
        elif answer.id != batch_id:
            future.set_exception(DriverError(f"the worker answered batch {answer.id} instead of {batch_id}"))
        else:
            future.set_result(answer)

    def _settle_start(self, outcome: DriverLimits | PieError) -> None:
        if self._started is None or self._started.done():
            return
        if isinstance(outcome, PieError):
            self._started.set_exception(outcome)
        else:
            self._limits, self._restart = outcome, None
            self._started.set_result(outcome)

    def _on_end(self, reason: str) -> None:
        """The child is gone without having been told to go."""
        if self._started is not None and not self._started.done():
            self._started.set_exception(DriverError(f"the worker could not be started: {reason}"))
            return
        if self._restart is not None:
            return
        self._generation += 1
        self._fail_waiting(DriverLostError(f"the driver was lost: {reason}"))
        if not self._is_closed:
            self._restart = asyncio.create_task(self._start_again(), name="driver-restart")
            self._restart.add_done_callback(_look_at)

    def _fail_waiting(self, error: DriverError) -> None:
        waiting, self._waiting = self._waiting, deque()
        for _, future in waiting:
            if not future.done():
                future.set_exception(error)

    async def _start_again(self) -> None:
        """Tries a few times, with growing pauses. If that fails the driver is broken: every later call says why."""
        failure: PieError | None = None
        for attempt in range(DRIVER_RESTARTS_MAX):
            await self._sleep(DRIVER_RESTART_PAUSE_S * 2**attempt if attempt else 0.0)
            try:
                await self._start_child()
            except PieError as error:
                failure = error
            else:
                return
        raise DriverLostError(f"the driver did not come back in {DRIVER_RESTARTS_MAX} attempts: {failure}") from failure


def _look_at(ended: "asyncio.Future[Any]") -> None:
    """A start or restart that failed is reported to whoever calls next; if nobody does, that is no unhandled error."""
    if not ended.cancelled():
        ended.exception()
