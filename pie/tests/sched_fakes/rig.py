"""A scheduler core on a history driver, moved by hand."""

from collections import deque
from collections.abc import Sequence

from pie.driver.messages import Batch, BatchResult, DriverLimits, Sample, Sampling, Slot
from pie.errors import DriverError, DriverLostError
from pie.sched.context import Context
from pie.sched.core import SchedulerCore
from pie.sched.generation import Generation
from pie.sched.intake import Intake
from pie.sched.pass_work import PassWork
from pie.sched.work import ARGMAX, GenerateOptions, Pass
from pie.sched.works import AnyWork
from sched_fakes.history import HistoryDriver, limits


class Rig:
    def __init__(self, driver_limits: DriverLimits | None = None) -> None:
        self.limits = driver_limits or limits()
        self.page_size = self.limits.page_size
        self.core = SchedulerCore(self.limits)
        self.driver = HistoryDriver(self.limits)
        self.intake = Intake(self.limits, lambda: 99)
        self.flights: deque[Batch] = deque()
        self.now = 0.0
        self.news: list[AnyWork] = []

    # --- What callers do ----------------------------------------------------------------------------------------------

    def context(self, owner: str = "a") -> Context:
        return self.core.hold(self, self.core.kv.create(), owner, "user")

    def forward(self, context: Context, tokens: Sequence[int], slots: Sequence[Slot] | None = None, **rest) -> PassWork:
        """Draws from the last token if no slots are given."""
        given = (Sample(len(tokens) - 1, Sampling()),) if slots is None else tuple(slots)
        work = self.intake.forward(self.core.next_work_id(), context, Pass(tokens, slots=given, **rest))
        self.core.submit(work, self.now)
        return work

    def generate(
        self,
        context: Context,
        tokens: Sequence[int],
        tokens_max: int = 10,
        stop_tokens: Sequence[int] = (),
        sampling: Sampling = ARGMAX,
        **rest,
    ) -> Generation:
        options = GenerateOptions(sampling, tokens_max, stop_tokens, **rest)
        work = self.intake.generate(self.core.next_work_id(), context, tokens, options)
        self.core.submit(work, self.now)
        return work

    def discard_ahead(self, context: Context) -> None:
        self.core.discard_ahead(context, self.now)

    # --- What the driver does -----------------------------------------------------------------------------------------

    def hand_out(self) -> Batch | None:
        batch = self.core.schedule(self.now)
        if batch is not None:
            self.flights.append(batch)
        return batch

    def land(self) -> BatchResult:
        result = self.driver.compute(self.flights.popleft())
        self.core.settle(result, self.now)
        return self._after(result)

    def fail(self) -> None:
        batch = self.flights.popleft()
        self.driver.fail(batch)
        self.core.fail(batch.id, DriverError("failed"), self.now)
        self._after(None)

    def lose(self) -> None:
        self.driver.lose()
        self.flights.clear()
        self.core.lose(DriverLostError("lost"), self.now)
        self._after(None)

    def step(self) -> Batch | None:
        """One batch out and back."""
        batch = self.hand_out()
        if self.flights:
            self.land()
        return batch

    def run_batches(self, count: int) -> None:
        """So many batches, one after the other."""
        for _ in range(count):
            self.step()

    def run(self) -> int:
        """Until there is nothing more to do, letting time pass where works wait for that. Returns the number of batches."""
        batches = 0
        while True:
            while self.hand_out():
                pass
            if self.flights:
                self.land()
                batches += 1
            elif (wake_at := self.core.wake_at(self.now)) is not None:
                self.now = wake_at
            else:
                return batches

    def _after(self, result):
        self.core.check()
        self.news += self.core.take_news()
        return result
