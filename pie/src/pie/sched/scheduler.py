"""The shell around the core: a driver, the event loop, and what callers hold in their hands.

`_pump` hands out batches until the core has none; each is a task that waits for the driver. Results go to the core in the order in
which batches were handed out; then the next batch goes out, then whoever there is news for is told.
"""

import asyncio
from collections.abc import Callable
from random import Random, SystemRandom

from pie.clock import Clock, SystemClock
from pie.driver.messages import BatchResult, DriverLimits
from pie.driver.port import Driver
from pie.errors import CancelledProcessError, ContextReleasedError, DriverError, DriverLostError, LengthOutOfRangeError, PieError
from pie.kv.lineage import Lineage
from pie.sched.context import Context, SavedContext
from pie.sched.core import OnTokens, SchedulerCore
from pie.sched.dispatch import Dispatch, Landed
from pie.sched.generation import Generation
from pie.sched.intake import Intake
from pie.sched.pass_work import PassWork
from pie.sched.statistics import SchedulerStatistics
from pie.sched.work import GenerateOptions, Pass, PassOutput, Tokens

_SEED_BITS = 63

_LOOKS_MAX = 4
"""Turns of the event loop in which nobody comes, after which passes that are expected are not waited for. A program needs one or
two turns from its answer to its next pass."""


class Scheduler:
    """All work of one model, on one driver. To be used from one event loop."""

    limits: DriverLimits
    """Known once started."""
    page_size: int

    def __init__(
        self, driver: Driver, *, clock: Clock | None = None, random: Random | None = None, share_prefixes: bool = True
    ) -> None:
        """`share_prefixes`: whether what one user has had computed is found when another asks for the same."""
        self.on_tokens: OnTokens = _nobody_counts
        """Told with each batch that comes back how many tokens were computed for which owner, prefilled and drawn. What is
        computed again does not count."""
        self._driver = driver
        self._share_prefixes = share_prefixes
        self._clock = clock or SystemClock()
        self._random = random or SystemRandom()
        self._dispatch = Dispatch(driver, self._landed)
        self._futures: dict[PassWork, asyncio.Future[PassOutput]] = {}
        self._pump_planned = False
        self._looks_left = 0
        self._arrived = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    async def start(self) -> DriverLimits:
        """Starts the driver. Raises as `Driver.start`."""
        self._loop = asyncio.get_running_loop()
        self.limits = await self._driver.start()
        self.page_size = self.limits.page_size
        self._core = SchedulerCore(self.limits, self._computed)
        self._intake = Intake(self.limits, self._fresh_seed)
        self._driver_generation: int | None = self._driver.generation
        return self.limits

    async def close(self) -> None:
        """Fails what is left with `DriverError`, and closes the driver. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        await self._dispatch.close()
        if hasattr(self, "_core"):
            self._core.close(DriverError("the engine is shutting down"), self._now())
            self._tell()
        await self._driver.close()

    # --- Contexts -----------------------------------------------------------------------------------------------------

    def create_context(self, owner: str, username: str = "") -> Context:
        """An empty context. `owner` is the process it belongs to, `username` whose saved contexts it can be among."""
        return self._context(self._core.kv.create(self._realm(username)), owner, username)

    def open_context(self, owner: str, username: str, name: str) -> Context:
        """A fork of a saved context. Raises `ContextNotFoundError`."""
        return self._context(self._core.saved.open(username, name, self._now()), owner, username)

    def take_context(self, owner: str, username: str, name: str) -> Context:
        """The saved context itself; the name is free again. Raises `ContextNotFoundError`."""
        return self._context(self._core.saved.take(username, name), owner, username)

    def delete_context(self, username: str, name: str) -> None:
        """Raises `ContextNotFoundError`."""
        self._core.saved.delete(username, name)
        self._pump_soon()

    def saved_contexts(self) -> list[SavedContext]:
        """All of them, of all users."""
        return [SavedContext(username, name, _tokens_of(lineage)) for username, name, lineage in self._core.saved]

    def recall_context(self, username: str, name: str, tokens: Tokens) -> None:
        """Brings back a saved context, to be computed when it is first used. Raises what is wrong with the tokens, and as
        `Context.save` does."""
        checked = self._intake.recalled(tokens)
        lineage = self._core.kv.recall(self._realm(username), checked)
        try:
            self._core.saved.put(username, name, lineage)
        except PieError:
            self._core.kv.release(lineage)
            raise

    def release_owner(self, owner: str) -> None:
        """Ends all works of a process and gives back all it holds; pages in use by a batch on its way follow when that has
        settled."""
        self._core.release_owner(owner, self._now())
        self._tell()
        self._pump_soon()

    # What a `Context` asks of its desk. It has checked that it is quiet.

    def fork(self, context: Context) -> Context:
        return self._context(self._core.kv.fork(context.lineage, self._now()), context.owner.name, context.username)

    def save(self, context: Context, name: str) -> None:
        self._core.saved.save(context.username, name, context.lineage, self._now())

    def snapshot(self, context: Context) -> str:
        name = f"__snapshot_{self._random.getrandbits(64):016x}"
        self.save(context, name)
        return name

    def truncate(self, context: Context, length: int) -> None:
        if not 0 <= length <= context.length:
            raise LengthOutOfRangeError(f"the context holds {context.length} tokens, so it cannot be cut to {length}")
        self._core.kv.truncate(context.lineage, length)
        self._pump_soon()

    def release(self, context: Context) -> None:
        self._core.release(context, self._now())
        self._tell()
        self._pump_soon()

    def discard_ahead(self, context: Context) -> None:
        self._core.discard_ahead(context, self._now())
        self._pump_soon()

    # --- Work ---------------------------------------------------------------------------------------------------------

    def forward(self, context: Context, given: Pass) -> asyncio.Future[PassOutput]:
        """One forward pass. Passes of one context run in the order they are handed in.

        Raises what is wrong with the arguments (see `Intake.forward`). The future may fail with `DriverError`, `OutOfPagesError`,
        `ContextReleasedError`.
        """
        self._demand_open()
        future: asyncio.Future[PassOutput] = self._loop.create_future()
        expected = self._core.waits
        work = self._core.claim(context, given, self._now())
        if work is None:
            work = self._intake.forward(self._core.next_work_id(), context, given)
            self._core.submit(work, self._now())
        if work.done:
            _resolve(future, work)
        else:
            self._futures[work] = future
        if expected and not self._core.waits:
            self._hand_out()  # all have come: the batch goes off while other programs still run
        else:
            self._pump_soon()
        return future

    def generate(self, context: Context, tokens: Tokens, options: GenerateOptions) -> Generation:
        """Appends `tokens` to the context and draws from there until a stop token, a limit or `cancel`.

        Raises what is wrong with the arguments (see `Intake.generate`). Later errors are in `Generation.error`. At the end the
        context holds the prompt and all tokens drawn but the last; a stop token counts as drawn.
        """
        self._demand_open()
        work = self._intake.generate(self._core.next_work_id(), context, tokens, options)
        work.desk = self
        self._core.submit(work, self._now())
        self._pump_soon()
        return work

    # What a `Generation` asks of its desk.

    def cancel(self, generation: Generation) -> None:
        self._core.cancel(generation, self._now())
        self._tell()
        self._pump_soon()

    def resume(self, generation: Generation) -> None:
        self._pump_soon()

    # --- Watching -----------------------------------------------------------------------------------------------------

    def statistics(self) -> SchedulerStatistics:
        return self._core.statistics()

    def check(self) -> None:
        """Raises AssertionError if an invariant is broken. Reads everything: for tests and for idle moments."""
        self._core.check()

    # --- Batches ------------------------------------------------------------------------------------------------------

    def _pump_soon(self) -> None:
        if not self._pump_planned:
            self._pump_planned = True
            self._looks_left = _LOOKS_MAX
            self._loop.call_soon(self._look)

    def _look(self) -> None:
        """Once per turn of the loop: have all passes come that are about to?"""
        if self._core.waits and self._looks_left:
            arrived = self._core.gathering.arrived
            self._looks_left = _LOOKS_MAX if arrived != self._arrived else self._looks_left - 1
            self._arrived = arrived
            self._loop.call_soon(self._look)
            return
        self._pump_planned = False
        if self._core.waits:
            self._core.gathering.give_up()
        self._pump()

    def _pump(self) -> None:
        self._hand_out()
        self._tell()

    def _hand_out(self) -> None:
        if self._closed:
            return
        if self._driver_generation not in (None, self._driver.generation):
            self._lose(DriverLostError("the driver was restarted"))
        now = self._now()
        while (batch := self._core.schedule(now)) is not None:
            self._dispatch.send(batch)
        self._set_timer(now)
        if self._core.has_news:
            self._pump_soon()

    def _landed(self, landed: list[Landed]) -> None:
        for batch_id, outcome in landed:
            if self._core.awaits(batch_id):
                self._take_in(batch_id, outcome)
        if self._core.waits:
            self._tell()
            self._pump_soon()
        else:
            self._pump()

    def _take_in(self, batch_id: int, outcome: BatchResult | BaseException) -> None:
        if isinstance(outcome, BatchResult) and self._driver_generation not in (None, self._driver.generation):
            outcome = DriverLostError("the driver was restarted")
        if isinstance(outcome, BatchResult):
            self._driver_generation = self._driver.generation
            self._core.settle(outcome, self._now())
        elif isinstance(outcome, DriverLostError):
            self._lose(outcome)
        else:
            self._core.fail(batch_id, _as_driver_error(outcome), self._now())

    def _lose(self, error: DriverLostError) -> None:
        """Everything on its way has failed. Which generation of the driver comes next is known with its first result."""
        self._driver_generation = None
        self._core.lose(error, self._now())

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake_at = self._core.wake_at(now)
        if wake_at is not None:
            self._timer = self._loop.call_later(max(0.0, wake_at - now), self._pump_soon)

    def _tell(self) -> None:
        for work in self._core.take_news():
            if type(work) is PassWork:
                _resolve(self._futures.pop(work), work)
            elif work.on_progress is not None:
                self._report(work.on_progress)

    def _report(self, on_progress: Callable[[], None]) -> None:
        """A consumer that fails must not keep the others from their news."""
        try:
            on_progress()
        except Exception as error:
            self._loop.call_exception_handler({"message": "a generation's on_progress failed", "exception": error})

    # --- Parts --------------------------------------------------------------------------------------------------------

    def _context(self, lineage: Lineage, owner: str, username: str) -> Context:
        return self._core.hold(self, lineage, owner, username)

    def _computed(self, owner: str, count: int) -> None:
        self.on_tokens(owner, count)

    def _realm(self, username: str) -> str:
        return "" if self._share_prefixes else username

    def _demand_open(self) -> None:
        if self._closed:
            raise DriverError("the engine is shutting down")

    def _fresh_seed(self) -> int:
        return self._random.getrandbits(_SEED_BITS) | 1

    def _now(self) -> float:
        return self._clock.monotonic_ns() * 1e-9


def _nobody_counts(owner: str, count: int) -> None:
    pass


def _tokens_of(lineage: Lineage) -> bytes | None:
    return lineage.tokens[: lineage.length].tobytes() if lineage.recomputable else None


def _resolve(future: asyncio.Future[PassOutput], work: PassWork) -> None:
    if future.done():
        return  # whoever waited was cancelled
    if work.error is None:
        future.set_result(PassOutput(work.readings))
        return
    future.set_exception(_fresh(work.error))
    if isinstance(work.error, (ContextReleasedError, CancelledProcessError)):
        future.exception()  # whoever caused it does not wait for it; no warning that nobody looked


def _fresh(error: PieError) -> PieError:
    """One exception can end many works; each caller raises its own."""
    copied = type(error)(*error.args)
    copied.__cause__ = error.__cause__
    return copied


def _as_driver_error(error: BaseException) -> DriverError:
    if isinstance(error, DriverError):
        return error
    wrapped = DriverError(f"the driver failed: {error!r}")
    wrapped.__cause__ = error
    return wrapped
