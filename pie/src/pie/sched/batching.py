"""What goes into the next batch.

Short works first: everything that waits for its next token (running generations, passes of few tokens) takes part in every batch,
as far as the driver's limits allow. What is left of the token budget goes to prefills, in chunks, to the least served owner first.
A mixed batch is kept short (`MIXED_TARGET_S`), so a long prefill does not hold up those who wait for a token; and prefills are left
a share of requests and tokens, so a crowd of short works does not hold up a prefill.

Steps. A request may draw several tokens in one batch (a *burst*), which spares the way through the scheduler for each. Nobody can
join while a burst runs, so its length follows from who else is there: 1 while there are passes or prefills, else what the driver
does within `BURST_TARGET_S`. The first token of a generation does not wait for a burst, its own or somebody else's: one step.

Pipelining. Up to `batches_in_flight_max` batches are on their way. While batch n runs, batch n+1 waits at the driver, made without
knowing what n draws: its generations go on from the driver's own last token, and it is known how many tokens n will draw, as fewer
come only from a sequence that stopped, which the driver then skips. So the driver never waits for the scheduler, nor for what
consumers do with tokens. Only generations that obey constraints need to know what n drew. While there are some, batches follow one
another without overlap, or such a generation would be in every other batch only; and they are short, as it draws one token in each.
"""

from collections.abc import Sequence
from enum import Enum

from pie.driver.messages import DriverLimits, Request
from pie.limits import BURST_STEADY_S, BURST_STEPS_MIN, BURST_TARGET_S, LOCKSTEP_TARGET_S, MIXED_TARGET_S, PREFILL_CHUNK_MIN
from pie.sched.admission import Admission
from pie.sched.costs import Costs
from pie.sched.generation import Generation
from pie.sched.owners import Owners
from pie.sched.pass_work import PassWork
from pie.sched.work import Handed
from pie.sched.works import AnyWork

_SHORT_INPUTS_MAX = 8
"""A work with so few tokens left counts as waiting for its next token, not as a prefill."""

_PREFILL_REQUESTS = 8
"""One of so many requests per batch is kept for prefills, if there are any; and half of the tokens."""


class Pace(Enum):
    """Who may want to join before a burst is over."""

    SINGLE = "forward passes are about: one step"
    LOCKSTEP = "some obey constraints, and wait for this batch to know what they may draw next"
    BRISK = "newcomers keep coming"
    STEADY = "nobody has come for a while"


class Plan:
    """A batch in the making, and what has to be remembered of it until it settles."""

    def __init__(self, limits: DriverLimits, now: float) -> None:
        self.id = 0
        self.follows_failure = False
        """Whether a batch failed that was on its way when this one was made."""
        self.now = now
        self.requests: list[Request] = []
        self.parts: list[Handed] = []
        self.counts: list[int] = []
        """Known tokens that each part takes."""
        self.requests_left = limits.batch_requests_max
        self.tokens_left = limits.batch_tokens_max
        self.tokens = 0
        """Tokens computed if no burst ends early."""
        self.prefilled = 0
        """Of them in prefills."""
        self.steps = 1
        """Of the longest burst."""
        self.passes = 0
        """Forward passes among the parts."""

    def add(self, request: Request, handed: Handed, tokens: int) -> None:
        self.requests.append(request)
        self.parts.append(handed)
        self.counts.append(tokens)
        self.requests_left -= 1
        self.tokens_left -= tokens
        self.tokens += tokens + request.steps - 1
        if request.steps > self.steps:
            self.steps = request.steps

    def works(self) -> set[int]:
        return {part.work.id for part in self.parts}


class Batching:
    def __init__(self, limits: DriverLimits, admission: Admission, owners: Owners, costs: Costs) -> None:
        self._limits = limits
        self._admission = admission
        self._owners = owners
        self._costs = costs

    def compose(self, now: float, pace: Pace, passes_max: int) -> Plan:
        """Chooses among the running works, and of passes that are short at most `passes_max`."""
        eligible = [work for work in self._admission.running.values() if work.wants()]
        plan = Plan(self._limits, now)
        if not eligible:
            return plan
        shorts, prefills = _parted(eligible)
        self._owners.at_work(min([work.owner.service for work in eligible]))
        steps = 1 if prefills or any(type(work) is Generation and work.first for work in shorts) else self._burst(pace)
        self._add_shorts(plan, shorts, steps, passes_max, bool(prefills))
        if prefills:
            self._add_prefills(plan, prefills)
        return plan

    def _burst(self, pace: Pace) -> int:
        """Steps of a burst."""
        if pace is Pace.SINGLE:
            return 1
        if pace is Pace.LOCKSTEP:
            return self._costs.steps_within(LOCKSTEP_TARGET_S, self._limits.steps_max)
        steady = self._costs.steps_within(BURST_STEADY_S, self._limits.steps_max)
        if pace is Pace.STEADY:
            return steady
        return max(self._costs.steps_within(BURST_TARGET_S, self._limits.steps_max), min(BURST_STEPS_MIN, steady))

    def _add_shorts(self, plan: Plan, shorts: list[AnyWork], steps: int, passes_max: int, prefills: bool) -> None:
        requests_kept = -(-plan.requests_left // _PREFILL_REQUESTS) if prefills and plan.requests_left > 1 else 0
        tokens_kept = plan.tokens_left // 2 if prefills else 0
        if len(shorts) > plan.requests_left - requests_kept or len(shorts) * _SHORT_INPUTS_MAX > plan.tokens_left - tokens_kept:
            shorts.sort(key=_least_served)
        for work in shorts:
            if plan.requests_left <= requests_kept or plan.tokens_left - tokens_kept < work.inputs_left():
                break
            if type(work) is Generation or plan.passes < passes_max:
                self._add(plan, work, work.inputs_left(), steps)

    def _add_prefills(self, plan: Plan, prefills: list[AnyWork]) -> None:
        available = plan.tokens_left
        if plan.requests:
            target_s = max(MIXED_TARGET_S, self._costs.step_s)
            available = min(available, max(PREFILL_CHUNK_MIN, self._costs.tokens_within(target_s, available)))
        beyond = plan.tokens_left - available
        if len(prefills) > 1:
            prefills.sort(key=_least_served)
        for work in prefills:
            if plan.tokens_left <= beyond or not plan.requests_left:
                break
            before = plan.tokens_left
            self._add(plan, work, before - beyond, 1)
            plan.prefilled += before - plan.tokens_left

    def _add(self, plan: Plan, work: AnyWork, tokens: int, steps: int) -> None:
        """The next `tokens` inputs of a work, or fewer."""
        if work.id not in self._admission.running:
            return  # preempted while this batch was being made
        if type(work) is Generation:
            count = min(tokens, work.inputs_left())
            steps = self._affordable_steps(plan, work, count, min(steps, work.draws_left))
            if not steps:
                return
            request, handed = work.hand_out(count, steps, work.lineage.pages.tobytes())
        else:
            assert type(work) is PassWork
            count = work.chunk(tokens, plan.tokens_left)
            if not count:
                return
            request, handed = work.hand_out(count, work.lineage.pages.tobytes())
            plan.passes += 1
        plan.add(request, handed, count)
        work.owner.service += count + request.steps - 1

    def _affordable_steps(self, plan: Plan, work: Generation, count: int, steps: int) -> int:
        """How many of the steps there are pages for: all, if that is at nobody's expense; else what the last page has room for;
        else one, at the expense of younger works; 0 if it has to sit out."""
        end = work.handed + count
        room = len(work.lineage.pages) * self._limits.page_size - end
        if room >= steps - 1 or self._admission.room(work, end + steps - 1):
            return steps
        if room >= 0:
            return room + 1
        return 1 if self._admission.grow(work, end, plan.now, plan.works()) else 0


def _parted(eligible: Sequence[AnyWork]) -> tuple[list[AnyWork], list[AnyWork]]:
    shorts: list[AnyWork] = []
    prefills: list[AnyWork] = []
    for work in eligible:
        (shorts if work.inputs_left() <= _SHORT_INPUTS_MAX else prefills).append(work)
    return shorts, prefills


def _least_served(work: AnyWork) -> tuple[int, int]:
    return work.owner.service, work.id
