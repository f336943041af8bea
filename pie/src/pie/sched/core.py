"""The scheduler's decisions: works come in, batches go out, results come back. Pure: no I/O, and time is an argument.

    submit ─▶ context.works ─▶ admission (pages) ─▶ batching (which tokens now) ─▶ Batch ─▶ driver
                                    ▲ preempted                                               │
                                    └───────────────────────── settle / fail / lose ◀─────────┘

Works on one context run one after the other, in the order of submission. A work is done as soon as its last result is there, or
when it is cancelled or has failed; parts of it in batches still on their way then come back to nobody. That is safe without further
bookkeeping: batches are computed in order, so what such a part writes lies beyond the context's length until a later batch
overwrites it, and pages that are given up are not used again before it has settled (`pie.kv.pool`).

If a batch fails, its works fail, and with each work those queued behind it on the same context, as they were made for what it would
have written. Contexts keep what was delivered.
"""

from collections.abc import Callable

from pie.driver.messages import Batch, BatchResult, DriverLimits, Output, PageCopy
from pie.errors import CancelledProcessError, ContextReleasedError, DriverError, OutOfPagesError, PieError
from pie.kv.cache import KvCache
from pie.kv.lineage import Lineage
from pie.kv.saved import SavedLineages
from pie.limits import STEADY_AFTER_S, WORK_LOSSES_MAX
from pie.sched.admission import Admission
from pie.sched.batching import Batching, Pace, Plan
from pie.sched.context import Context, ContextDesk
from pie.sched.costs import Costs
from pie.sched.flights import Flights
from pie.sched.gathering import Gathering
from pie.sched.generation import Generation
from pie.sched.owners import Owners
from pie.sched.pass_work import PassWork
from pie.sched.run_ahead import fits, follows, remembered
from pie.sched.statistics import Counters, SchedulerStatistics
from pie.sched.work import Handed, Pass
from pie.sched.works import AnyWork

OnTokens = Callable[[str, int], None]
"""Called with an owner and a number of tokens."""


def _nobody_counts(owner: str, count: int) -> None:
    pass


class SchedulerCore:
    def __init__(self, limits: DriverLimits, on_tokens: OnTokens = _nobody_counts) -> None:
        """`on_tokens` is told with each settled batch how many tokens were computed for whom."""
        self.limits = limits
        self._on_tokens = on_tokens
        self.kv = KvCache(pages_total=limits.pages_total, page_size=limits.page_size, context_max=limits.context_max)
        self.saved = SavedLineages(self.kv)
        self.owners = Owners()
        self._costs = Costs()
        self._admission = Admission(self.kv)
        self._batching = Batching(limits, self._admission, self.owners, self._costs)
        self._flights = Flights()
        self._work_id = 0
        self._sequence = 0
        self._forget: list[int] = []
        self._news: dict[AnyWork, None] = {}
        self._generations = 0
        self._constrained: dict[Generation, None] = {}
        self._newcomer_at = float("-inf")
        self._counters = Counters()
        self.gathering = Gathering()

    # --- Contexts -----------------------------------------------------------------------------------------------------

    def hold(self, desk: ContextDesk, lineage: Lineage, owner: str, username: str) -> Context:
        """A handle on a lineage for a process."""
        self._sequence += 1
        context = Context(desk, self._sequence, lineage, self.owners.get(owner), username)
        context.owner.contexts[context] = None
        return context

    # --- Work comes in ------------------------------------------------------------------------------------------------

    def next_work_id(self) -> int:
        self._work_id += 1
        return self._work_id

    def submit(self, work: AnyWork, now: float) -> None:
        """Takes a work whose arguments have been checked."""
        self.owners.begin(work.owner)
        self._newcomer_at = now
        if type(work) is PassWork:
            self.gathering.submitted(work.context)
            work.follows = work.unclaimed or follows(work.context.last, work)
        else:
            self.gathering.gone(work.context)
            self._generations += 1
            if work.obedience is not None:
                self._constrained[work] = None
        works = work.context.works
        works.append(work)
        if len(works) == 1:
            self._begin(work, now)

    def claim(self, context: Context, given: Pass, now: float) -> PassWork | None:
        """The pass that was made ahead, if it is the one that is asked for now; else it leaves no trace. It may have ended."""
        ahead = context.ahead
        if ahead is None:
            return None
        if not fits(ahead, given):
            self.discard_ahead(context, now)
            return None
        context.ahead, ahead.unclaimed = None, False
        if ahead.done:
            self._charge(ahead, ahead.start, ahead.end)
            self._run_ahead(ahead, now)
        return ahead

    def discard_ahead(self, context: Context, now: float) -> None:
        """The context is as if no pass had been made ahead. Harmless if none was."""
        ahead = context.ahead
        if ahead is None:
            return
        context.ahead = context.last = None
        if ahead.done:
            self.kv.truncate(context.lineage, ahead.start)
        else:
            self._end(ahead, None, now)

    def cancel(self, work: AnyWork, now: float) -> None:
        """Ends a work; harmless if it has ended."""
        if not work.done:
            self._end(work, None, now)
            self._begin_next(work.context, now)

    def release(self, context: Context, now: float) -> None:
        """Gives a context's pages back, and ends its works with `ContextReleasedError`. Harmless if done before."""
        if not context.released:
            self.discard_ahead(context, now)
            self._fail_all(context, ContextReleasedError("the context was released"), now)
            context.last = None  # it knows the context: a cycle, which would keep both until somebody looks for cycles
            self.gathering.gone(context)
            if context.known_to_driver:
                self._forget.append(context.sequence)
            self.kv.release(context.lineage)
            self.owners.leave(context)

    def release_owner(self, name: str, now: float) -> None:
        """Releases all contexts of a process."""
        for context in self.owners.contexts(name):
            self._fail_all(context, CancelledProcessError("the process has ended"), now)
            self.release(context, now)

    # --- Batches go out and come back ---------------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        return len(self._flights)

    def awaits(self, batch_id: int) -> bool:
        """Whether the batch is on its way and its result of interest."""
        return self._flights.awaits(batch_id)

    @property
    def waits(self) -> bool:
        """Whether more passes are about to come, and the next batch had better wait for them."""
        return self.gathering.waits and (bool(self._flights) or not self._generations)

    @property
    def idle(self) -> bool:
        """Nothing to compute and nothing on its way."""
        return not (self._flights or self._admission.waiting or self._admission.running)

    def schedule(self, now: float) -> Batch | None:
        """The next batch for the driver; None if there is nothing to hand out, or enough is on its way."""
        if len(self._flights) >= self.limits.batches_in_flight_max or self._in_lockstep:
            return None
        while True:
            self._admission.admit(now)
            if self._ask_constraints(now):
                continue  # there is room again
            plan = self._batching.compose(now, self._pace(now), self.gathering.passes_max(self._flights.passes))
            if plan.requests:
                return self._hand_out(plan)
            if self._flights or not self._break_deadlock(now):
                return None

    def wake_at(self, now: float) -> float | None:
        """When to call `schedule` again even if nothing happens until then."""
        return self._admission.wake_at(now)

    def settle(self, result: BatchResult, now: float) -> None:
        """The result of the batch that was handed out first among those on their way. Results of batches from before a `lose` are
        ignored."""
        plan = self._flights.land(result.id)
        if plan is None:
            return
        if len(result.outputs) != len(plan.parts):
            error = DriverError(f"the driver returned {len(result.outputs)} outputs for {len(plan.parts)} requests")
            self._void(plan, error, now)
            return
        self.kv.settle(plan.id)
        self._observe(plan, result, now)
        self._count(plan, result)
        for part, output in zip(plan.parts, result.outputs, strict=True):
            self._receive(part, output, now)

    def fail(self, batch_id: int, error: DriverError, now: float) -> None:
        """The batch that was handed out first could not be computed: the KV written by it is void.

        A batch made before that was known may go on from tokens that were never drawn. If it fails too, that is no fault of those
        works in it that were not in the first: they are tried again.
        """
        plan = self._flights.land(batch_id)
        if plan is not None:
            self._void(plan, error, now)

    def lose(self, error: DriverError, now: float) -> None:
        """The driver is gone with all KV. Everything is computed again, what was on its way too: seeds go by position, so the
        same tokens are drawn. But a work fails if that cannot be, or if it was on its way when an earlier driver died: it may be
        what kills them.
        """
        self._forget.clear()
        on_their_way: dict[AnyWork, None] = {}
        for plan in self._flights.clear():
            self._counters.failed_batches += 1
            for part in plan.parts:
                part.work.in_flight -= 1
                on_their_way[part.work] = None
        for work in on_their_way:
            work.losses += 1
            if not work.done and (work.losses > WORK_LOSSES_MAX or not self._retry(work)):
                self._fail_all(work.context, error, now)
        for work in list(self._admission.running.values()):
            if work.lineage.recomputable:
                self._admission.preempt(work)
            else:
                self._fail_all(work.context, error, now)
        self.kv.lose()
        for work in [work for work in self._admission.waiting if work.lineage.lost]:
            self._fail_all(work.context, error, now)

    def close(self, error: DriverError, now: float) -> None:
        """Ends everything."""
        for owner in self.owners.all():
            for context in owner.contexts:
                self._fail_all(context, error, now)

    @property
    def has_news(self) -> bool:
        return bool(self._news)

    def take_news(self) -> list[AnyWork]:
        """Works about which there is something to tell since the last call: tokens, the end, an error."""
        if not self._news:
            return []
        news, self._news = self._news, {}
        return list(news)

    # --- Watching -----------------------------------------------------------------------------------------------------

    def statistics(self) -> SchedulerStatistics:
        return self._counters.statistics(
            kv=self.kv.statistics(),
            running=len(self._admission.running),
            waiting=len(self._admission.waiting),
            preemptions=self._admission.preemptions,
            in_flight=len(self._flights),
            saved=len(self.saved),
        )

    def check(self) -> None:
        """Raises AssertionError if an invariant is broken. Reads everything: for tests and for idle moments."""
        self.kv.check()
        self._admission.check()
        in_flight = self._flights.works()
        for work in in_flight:
            assert work.in_flight == sum(other is work for other in in_flight), "parts on their way are counted"
        assert self._flights or not self.kv.leaving, "with nothing on its way, no page is waiting for it"

    # --- Parts --------------------------------------------------------------------------------------------------------

    def _begin(self, work: AnyWork, now: float) -> None:
        try:
            work.begin()
        except PieError as error:
            self._fail_all(work.context, error, now)
        else:
            self._admission.enqueue(work)

    def _ask_constraints(self, now: float) -> bool:
        """What may be drawn next by those that are about to. Here, and only here, time is spent on that. Returns whether a work
        has ended because its constraint failed."""
        failed = False
        for work in [work for work in self._constrained if work.id in self._admission.running and work.wants()]:
            try:
                assert work.obedience is not None
                work.obedience.prepare()
            except PieError as error:
                self._fail_all(work.context, error, now)
                failed = True
        return failed

    def _begin_next(self, context: Context, now: float) -> None:
        if context.works and not context.works[0].begun:
            self._begin(context.works[0], now)

    def _end(self, work: AnyWork, error: PieError | None, now: float, *, answered: bool = False) -> None:
        work.done, work.error = True, error
        work.context.works.remove(work)
        self.owners.end(work.owner)
        if type(work) is PassWork:
            self.gathering.ended(work.context, now, answered=answered, handed_out=work.exhausted)
            work.context.last = remembered(work) if answered else None
        else:
            self._generations -= 1
            self._constrained.pop(work, None)
        if work.begun:
            work.close(answered=answered)
            self._admission.leave(work, now)
        if type(work) is PassWork and work.unclaimed:
            work.context.ahead = work if answered else None
        else:
            self._news[work] = None

    def _fail_all(self, context: Context, error: PieError, now: float) -> None:
        for work in list(context.works):
            self._end(work, error, now)

    def _void(self, plan: Plan, error: DriverError, now: float) -> None:
        self._counters.failed_batches += 1
        changed = self.kv.void(plan.id)
        for part in plan.parts:
            part.work.in_flight -= 1
            if not part.work.done and not (plan.follows_failure and self._retry(part.work)):
                self._fail_all(part.work.context, error, now)
        for work in [work for work in self._admission.running.values() if work.lineage in changed]:
            if not self._retry(work):
                self._fail_all(work.context, error, now)
        for other in self._flights:
            other.follows_failure = True

    def _retry(self, work: AnyWork) -> bool:
        """Back to what has settled, if that can be."""
        if not work.lineage.recomputable:
            return False
        work.attempt += 1
        if work.id in self._admission.running:
            self._admission.preempt(work)
        return True

    def _hand_out(self, plan: Plan) -> Batch:
        self._flights.add(plan)
        forget, self._forget = self._forget, []
        passes = 0
        for part in plan.parts:
            part.work.context.known_to_driver = True
            passes += type(part.work) is PassWork and part.work.exhausted
        self.gathering.handed_out(passes)
        copies = tuple([PageCopy(copy.source, copy.target) for copy in self.kv.hand_out(plan.id)])
        self._counters.batch(len(plan.requests), plan.tokens, plan.prefilled)
        return Batch(plan.id, tuple(plan.requests), copies, tuple(forget))

    def _pace(self, now: float) -> Pace:
        if self.gathering.passes_about(now):
            return Pace.SINGLE
        if any(work.id in self._admission.running for work in self._constrained):
            return Pace.LOCKSTEP
        return Pace.BRISK if now - self._newcomer_at < STEADY_AFTER_S else Pace.STEADY

    @property
    def _in_lockstep(self) -> bool:
        """Whether the next batch waits for the one on its way: somebody obeys a constraint and is in it, and there are no passes,
        whose programs would run meanwhile."""
        return any(work.in_flight for work in self._constrained) and not self.gathering.about

    def _observe(self, plan: Plan, result: BatchResult, now: float) -> None:
        drawn = max([len(output.tokens) for output in result.outputs]) // 4
        self._costs.observe(elapsed_s=result.elapsed_s, steps=min(drawn, plan.steps), prefilled=plan.prefilled)
        self._counters.settled(result.elapsed_s)
        if plan.passes:
            self.gathering.settled(plan.passes, now)

    def _count(self, plan: Plan, result: BatchResult) -> None:
        """What was computed: the known tokens, and of those drawn all but the last. Also for works that have ended meanwhile."""
        for part, inputs, output in zip(plan.parts, plan.counts, result.outputs, strict=True):
            drawn = max(len(output.tokens) // 4, 1) if part.draws else 1
            self._charge(part.work, part.computed - inputs, part.computed + drawn - 1)

    def _charge(self, work: AnyWork, begin: int, end: int) -> None:
        if type(work) is PassWork and work.unclaimed:
            return  # as long as nobody has asked for it, it costs nobody anything
        count = work.count(begin, end)
        if count:
            self._on_tokens(work.owner.name, count)

    def _receive(self, part: Handed, output: Output, now: float) -> None:
        work = part.work
        work.in_flight -= 1
        if work.done or part.attempt != work.attempt:
            return
        try:
            computed = work.receive(part, output)
        except PieError as error:
            self._fail_all(work.context, error, now)
            return
        if part.residency == work.residency:
            self.kv.advance(work.lineage, computed)
        if type(work) is Generation:
            self._counters.drawn_tokens += len(output.tokens) // 4
            self._after_draw(work, part, now)
        elif part.computed == work.end:
            self._end(work, None, now, answered=True)
            self._begin_next(work.context, now)
            if not work.unclaimed:
                self._run_ahead(work, now)

    def _run_ahead(self, last: PassWork, now: float) -> None:
        """Makes the pass that the program is about to ask for, if it is in a token loop."""
        context = last.context
        length = context.lineage.length + 1
        longest = min(self.limits.context_max, self.limits.pages_total * self.limits.page_size)
        if not last.follows or context.works or context.lineage.released or length > longest:
            return
        (token,) = last.readings
        assert isinstance(token, int), "a sample reads as a token"
        ahead = PassWork.drawing(self.next_work_id(), context, token, last.slots)
        ahead.unclaimed = True
        context.ahead = ahead
        self.submit(ahead, now)

    def _after_draw(self, work: Generation, part: Handed, now: float) -> None:
        if work.finish is not None:
            self._end(work, None, now, answered=True)
        elif part.draws:
            self._news[work] = None

    def _break_deadlock(self, now: float) -> bool:
        work = self._admission.stuck(now)
        if work is None or not all(owner.works for owner in self.owners.all() if owner.pins):
            return False
        self._fail_all(work.context, OutOfPagesError("all KV cache pages are held by contexts that cannot be evicted"), now)
        return True
