"""The core under random work and faults, on a virtual clock, against the naive twin.

Every context has a twin: the tokens it should hold, as they were computed. Whatever a work returns is compared with what the naive
sequence makes of the twin. Batches come back late, fail, or take the driver with them. `check()` after every step.
"""

from collections import deque
from collections.abc import Sequence
from random import Random

import msgspec
import numpy as np

from pie.driver.messages import (
    Batch,
    Distribution,
    DriverLimits,
    Entropy,
    Logits,
    Logprobs,
    Output,
    Reading,
    Sample,
    Sampling,
    Slot,
)
from pie.errors import ConstraintError, DriverError, DriverLostError, OutOfPagesError, PieError
from pie.sched.context import Context
from pie.sched.core import SchedulerCore
from pie.sched.generation import Generation
from pie.sched.intake import Intake
from pie.sched.logprobs import TokenLogprobs
from pie.sched.pass_work import PassWork
from pie.sched.work import GenerateOptions, Pass
from pie.sched.works import AnyWork
from sched_fakes.constraint import Capricious
from sched_fakes.history import HistoryDriver
from sched_fakes.naive import Entry, NaiveSequence

Groups = list[list[Entry]]


class Twin:
    """What a context should hold."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups

    @property
    def length(self) -> int:
        return sum(map(len, self.groups))

    @property
    def tokens(self) -> list[int]:
        return [entry.token for group in self.groups for entry in group]

    def fork(self) -> "Twin":
        return Twin([list(group) for group in self.groups])

    def append(self, tokens: list[int]) -> None:
        start = self.length
        self.groups.extend([[Entry(token, start + number)] for number, token in enumerate(tokens)])

    def truncate(self, length: int) -> None:
        """A group is cut only if its rows do not look ahead of the cut; see `Simulation._cuttable`."""
        kept: Groups = []
        for group in self.groups:
            if length <= 0:
                break
            kept.append(group[:length])
            length -= len(kept[-1])
        self.groups = kept


class Simulation:
    def __init__(
        self, seed: int, limits: DriverLimits, *, faults: float = 0.0, custom: float = 0.25, owners: int = 3, loops: float = 0.3
    ) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.limits = limits
        self.driver = HistoryDriver(limits)
        self.core = SchedulerCore(limits)
        self.core._admission._shared_tokens = 2 * limits.page_size  # so that it happens often
        self.intake = Intake(limits, lambda: self.random.getrandbits(32) | 1)
        self.faults = faults
        self.custom = custom
        self.owners = owners
        self.now = 0.0
        self.flights: deque[Batch] = deque()
        self.twins: dict[Context, Twin] = {}
        self.saved: dict[str, Twin] = {}
        self.delivered: dict[Generation, list[int]] = {}
        self.logprobs: dict[Generation, list[TokenLogprobs]] = {}
        self.pending: dict[AnyWork, Pass | GenerateOptions] = {}
        self.cancelled: set[AnyWork] = set()
        self.ended = 0
        self.contradictions = 0
        self.loops = loops
        self.claimed = 0
        self.names = 0
        self.page_size = limits.page_size

    # --- The driver of the simulation ---------------------------------------------------------------------------------

    def run(self, steps: int) -> None:
        actions = [
            *[self.forward] * 6,
            *[self.generate] * 5,
            *[self.schedule] * 12,
            *[self.land] * 12,
            self.create,
            self.create,
            self.fork,
            self.fork,
            self.truncate,
            self.make_space,
            self.save,
            self.open,
            self.take_or_delete,
            self.cancel,
            self.allow,
            self.release_context,
            self.pass_time,
        ]
        for _ in range(steps):
            self.random.choice(actions)()
            if self.random.random() < 0.01:
                self.release_owner()
            self.settle_news()
        self.drain()

    def drain(self) -> None:
        """No new work and no faults: everything there is must end."""
        self.faults = 0.0
        for work in list(self.pending):
            if isinstance(work, Generation):
                work.allow(None)
        for _ in range(20_000):
            if not self.pending:
                break
            self.schedule()
            self.settle_news()
            if self.flights or not self.pending:
                self.land()
            elif (wake_at := self.core.wake_at(self.now)) is not None:
                self.now = wake_at
            else:
                self._release_pinned()
            self.settle_news()
        assert not self.pending, f"{len(self.pending)} works never end"
        for context in self.twins:
            self.core.discard_ahead(context, self.now)
        while self.flights:
            self.land()
        self.settle_news()
        assert self.core.idle
        for owner in range(self.owners):
            self.core.release_owner(f"owner{owner}", self.now)
        for name in list(self.saved):
            self.core.saved.delete("user", name)
        self.core.check()
        statistics = self.core.kv.statistics()
        assert statistics.owned == statistics.shared == statistics.lineages == 0, "everything is given back"

    def _cut(self, context: Context) -> None:
        length = self._cuttable(self.twins[context])
        self.core.kv.truncate(context.lineage, length)
        self.twins[context].truncate(length)
        self._agree(context)

    def _release_pinned(self) -> None:
        """Nothing moves, so somebody sits on pages that cannot be evicted, and can still let go of them."""
        pinning = [context for context in self.twins if context.lineage.custom_from is not None and not context.works]
        saved = [name for name in self.saved if self.core.saved.peek("user", name).custom_from is not None]
        assert pinning or saved, "nothing moves although nobody is in the way"
        for context in pinning:
            self.core.release(context, self.now)
            del self.twins[context]
        for name in saved:
            self.core.saved.delete("user", name)
            del self.saved[name]

    def settle_news(self) -> None:
        for work in self.core.take_news():
            assert self.custom or not isinstance(work.error, OutOfPagesError), "what can be evicted is never in the way"
            if isinstance(work, PassWork):
                self.pass_ended(work)
            else:
                self.progressed(work)
        self.core.check()

    # --- Actions ------------------------------------------------------------------------------------------------------

    def create(self) -> None:
        if len(self.twins) < 12:
            self._adopt(self.core.kv.create(), f"owner{self.random.randrange(self.owners)}", Twin([]))

    def fork(self) -> None:
        context = self._pick(quiet=True)
        if context is not None and len(self.twins) < 14:
            lineage = self.core.kv.fork(context.lineage, self.now)
            self._adopt(lineage, context.owner.name, self.twins[context].fork())

    def truncate(self) -> None:
        context = self._pick(quiet=True)
        if context is not None:
            self._cut(context)

    def make_space(self) -> None:
        """Contexts that are nearly full are of little use."""
        for context in list(self.twins):
            if self.twins[context].length > 0.6 * self.core.kv.context_max and not context.busy:
                self.core.discard_ahead(context, self.now)
                if self.random.random() < 0.5:
                    self._cut(context)
                else:
                    self.core.release(context, self.now)
                    del self.twins[context]

    def save(self) -> None:
        context = self._pick(quiet=True)
        if context is not None and len(self.saved) < 3:
            self.names += 1
            self.core.saved.save("user", f"name{self.names}", context.lineage, self.now)
            self.saved[f"name{self.names}"] = self.twins[context].fork()

    def open(self) -> None:
        if self.saved and len(self.twins) < 14:
            name = self.random.choice(list(self.saved))
            self._adopt(self.core.saved.open("user", name, self.now), "owner0", self.saved[name].fork())

    def take_or_delete(self) -> None:
        if not self.saved or self.random.random() < 0.5:
            return
        name = self.random.choice(list(self.saved))
        twin = self.saved.pop(name)
        if self.random.random() < 0.5:
            self._adopt(self.core.saved.take("user", name), "owner1", twin)
        else:
            self.core.saved.delete("user", name)

    def release_context(self) -> None:
        context = self._pick()
        if context is not None and self.random.random() < 0.5:
            self.core.release(context, self.now)
            self.settle_news()
            del self.twins[context]

    def release_owner(self) -> None:
        owner = f"owner{self.random.randrange(self.owners)}"
        self.core.release_owner(owner, self.now)
        self.settle_news()
        for context in [context for context in self.twins if context.owner.name == owner]:
            del self.twins[context]

    def cancel(self) -> None:
        if self.pending:
            work = self.random.choice(list(self.pending))
            self.cancelled.add(work)
            self.core.cancel(work, self.now)

    def allow(self) -> None:
        generations = [work for work in self.pending if isinstance(work, Generation)]
        if generations:
            work = self.random.choice(generations)
            work.allow(self.random.choice([None, work.promised, work.produced + 3]))

    def pass_time(self) -> None:
        self.now += self.random.choice([0.001, 0.05, 0.2, 1.5])

    def forward(self) -> None:
        if self.random.random() < self.loops:
            self.loop_on()
            return
        context = self._pick()
        if context is not None and len(context.works) <= 3:
            self._ask(context, self._pass(context, self._tokens()))

    def loop_on(self) -> None:
        """A step of a token loop, or the beginning of one."""
        looping = [context for context in self.twins if self._continuation(context) is not None]
        context = self.random.choice(looping) if looping and self.random.random() < 0.8 else self._pick()
        given = None if context is None else self._continuation(context)
        if given is not None:
            self._ask(context, given)
        elif context is not None and not context.works:
            tokens = self._tokens()
            self._ask(context, Pass(tokens, slots=(Sample(len(tokens) - 1, self._sampling()),)))

    def _ask(self, context: Context, given: Pass) -> None:
        claimed = self.core.claim(context, given, self.now)
        if claimed is None:
            self._submit(lambda: self.intake.forward(self.core.next_work_id(), context, given), given)
            return
        self.claimed += 1
        self.pending[claimed] = given
        if claimed.done:
            self.pass_ended(claimed)

    def discard_ahead(self, context: Context) -> None:
        """What a context asks of its desk."""
        self.core.discard_ahead(context, self.now)

    def _continuation(self, context: Context) -> Pass | None:
        """What a program with a token loop asks for next."""
        last = context.last if context.ahead is None else context.ahead
        if last is None or (context.works and context.ahead is None):
            return None
        token = last.inputs[0] if last is context.ahead else last.readings[0]
        return Pass([token], slots=(_at_zero(last.slots[0]),))

    def generate(self) -> None:
        context = self._pick(quiet=True)
        if context is None:
            return
        options = GenerateOptions(
            self._sampling(),
            self.random.choice([0, 1, 2, 5, 9, 30]),
            tuple(self.random.sample(range(self.limits.vocabulary_size), self.random.choice([0, 0, 1, 3]))),
            self._logit_mask(),
            self.random.choice([None, None, 0, 2]),
            self._constraint(),
        )
        tokens = self._tokens()
        self._submit(lambda: self.intake.generate(self.core.next_work_id(), context, tokens, options), options)

    # --- Batches ------------------------------------------------------------------------------------------------------

    def schedule(self) -> None:
        batch = self.core.schedule(self.now)
        if batch is not None:
            self._check_isolation(batch)
            self.flights.append(batch)

    def land(self) -> None:
        if not self.flights:
            return
        batch = self.flights.popleft()
        fate = self.random.random()
        if fate < self.faults / 8:
            self.driver.lose()
            self.flights.clear()
            self.core.lose(DriverLostError("lost"), self.now)
            self._note_lost()
        elif fate < self.faults:
            self.driver.fail(batch)
            self.core.fail(batch.id, DriverError("failed"), self.now)
        else:
            self._compute(batch)
        self.now += 0.002

    def _compute(self, batch: Batch) -> None:
        try:
            result = self.driver.compute(batch)
        except DriverError as error:
            self.core.fail(batch.id, error, self.now)
        else:
            self.core.settle(result, self.now)

    def _check_isolation(self, batch: Batch) -> None:
        """No batch writes to pages that belong to somebody else in a batch on its way."""
        size = self.limits.page_size
        for request in batch.requests:
            count = max(1, len(request.tokens) // 4)
            end = -(-(request.cached + count + request.steps - 1) // size)
            written = set(np.frombuffer(request.pages, np.int32)[request.cached // size : end].tolist())
            for theirs in [theirs for other in self.flights for theirs in other.requests if theirs.sequence != request.sequence]:
                shared = written & set(np.frombuffer(theirs.pages, np.int32).tolist())
                assert not shared, f"pages {shared} are written to while a batch on its way uses them"

    # --- What comes out -----------------------------------------------------------------------------------------------

    def pass_ended(self, work: PassWork) -> None:
        given, twin = self.pending.pop(work), self.twins[work.context]
        assert isinstance(given, Pass) and work.done
        self.ended += 1
        if work.error is not None or work in self.cancelled:
            self._agree(work.context)
            return
        group = self._group(work, given, twin.length)
        expected = self._expected_readings(twin, group, work)
        assert work.readings == expected, f"readings {work.readings} instead of {expected}"
        if given.commit:
            twin.groups.extend([group] if work.indivisible else [[entry] for entry in group])
        self._agree(work.context)

    def progressed(self, work: Generation) -> None:
        self.delivered[work].extend(work.take())
        self.logprobs[work].extend(work.take_logprobs())
        if not work.done:
            return
        given = self.pending.pop(work)
        assert isinstance(given, GenerateOptions)
        self.ended += 1
        got, prompt, twin = self.delivered.pop(work), work.inputs.tolist(), self.twins[work.context]
        naive = NaiveSequence(self.limits, twin.groups)
        tokens, finish = naive.generate(
            prompt,
            work._sampling,
            work.tokens_max,
            work.stop_tokens,
            work.logit_mask,
            work.top_logprobs,
            given.constraint.again() if isinstance(given.constraint, Capricious) else None,
        )
        assert self.logprobs.pop(work) == ([] if work.top_logprobs is None else naive.logprobs[: len(got)])
        assert got == tokens[: len(got)], f"tokens {got} instead of {tokens}"
        if isinstance(work.error, ConstraintError):
            self.contradictions += 1
            assert (got, finish) == (tokens, "contradiction"), f"{got} contradicts nothing"
        elif work.finish is not None:
            assert (got, work.finish) == (tokens, finish), f"{got}, {work.finish} instead of {tokens}, {finish}"
        if work.finish == "stop":
            twin.append(prompt + got)
        elif got:
            twin.append(prompt + got[:-1])
        self._agree(work.context)

    def _expected_readings(self, twin: Twin, group: list[Entry], work: PassWork) -> list[object]:
        naive = NaiveSequence(self.limits, twin.groups)
        if work.indivisible:
            return _flat(naive.feed(group, work.slots, work.logit_mask), work.slots)
        readings: list[object] = [None] * len(work.slots)
        for number, entry in enumerate(group):
            numbers = [place for place, slot in enumerate(work.slots) if slot.index == number]
            slots = [_at_zero(work.slots[place]) for place in numbers]
            for place, value in zip(numbers, _flat(naive.feed([entry], slots, work.logit_mask), slots), strict=True):
                readings[place] = value
        return readings

    def _group(self, work: PassWork, given: Pass, start: int) -> list[Entry]:
        positions = list(given.positions) or range(start, start + len(given.tokens))
        rows = [None] * len(given.tokens) if work.mask is None else list(work.mask)
        return [Entry(token, position, row) for token, position, row in zip(given.tokens, positions, rows, strict=True)]

    def _agree(self, context: Context) -> None:
        """The context holds what its twin holds."""
        twin, lineage = self.twins[context], context.lineage
        if not lineage.lost:
            assert context.length == twin.length and lineage.tokens[: context.length].tolist() == twin.tokens

    def _note_lost(self) -> None:
        """Lost contexts are of no use to the simulation."""
        self.settle_news()
        for context in [context for context in self.twins if context.lineage.lost]:
            self.core.release(context, self.now)
            self.settle_news()
            del self.twins[context]
        for name in [name for name in self.saved if self.core.saved.peek("user", name).lost]:
            self.core.saved.delete("user", name)
            del self.saved[name]

    # --- Random things ------------------------------------------------------------------------------------------------

    def _submit(self, make, given) -> None:
        try:
            work = make()
        except PieError:
            return
        self.pending[work] = given
        if isinstance(work, Generation):
            self.delivered[work], self.logprobs[work] = [], []
            if self.random.random() < 0.1:
                work.allow(self.random.randrange(4))
        self.core.submit(work, self.now)

    def _adopt(self, lineage, owner: str, twin: Twin) -> None:
        context = self.core.hold(self, lineage, owner, "user")
        self.twins[context] = twin
        self._agree(context)

    def _pick(self, *, quiet: bool = False) -> Context | None:
        contexts = [context for context in self.twins if not (quiet and context.busy)]
        picked = self.random.choice(contexts) if contexts else None
        if picked is not None and quiet:
            self.core.discard_ahead(picked, self.now)
        return picked

    def _tokens(self) -> list[int]:
        """Often the beginning of something that others begin with too."""
        size, length = self.limits.vocabulary_size, self.random.choice([1, 1, 1, 2, 5, 9, 17, 30])
        if self.random.random() < 0.5:
            common = Random(self.random.randrange(3))
            return [common.randrange(size) for _ in range(length)]
        return [self.random.randrange(size) for _ in range(length)]

    def _sampling(self) -> Sampling:
        return self.random.choice([Sampling(), Sampling(1.0, seed=5), Sampling(0.7)])

    def _logit_mask(self) -> list[int]:
        return self.random.choice([[], [], [], [2, 9], [0, 1, 30, 3, 3, 100]])

    def _constraint(self) -> Capricious | None:
        if self.random.random() < 0.6:
            return None
        return Capricious(self.random.getrandbits(32), self.limits.vocabulary_size, self.random.choice([0, 1, 3, 8, 100]))

    def _slot(self, index: int) -> Slot:
        kinds = (
            Sample(index, self._sampling()),
            Distribution(index, 1.0, 3),
            Logits(index),
            Logprobs(index, (1, 2)),
            Entropy(index),
        )
        return self.random.choice(kinds)

    def _pass(self, context: Context, tokens: list[int]) -> Pass:
        ahead = [work for work in context.works if isinstance(work, PassWork) and work.commit and not work.unclaimed]
        start = sum(len(work.inputs) for work in ahead) + self._begin(context)
        slots = tuple(self._slot(self.random.randrange(len(tokens))) for _ in range(self.random.choice([0, 1, 1, 2, 4])))
        positions, rows = list(range(start, start + len(tokens))) if self.random.random() < 0.3 else [], []
        if self.random.random() < self.custom and start + len(tokens) < 60:
            if self.random.random() < 0.5:
                positions = [self.random.randrange(self.limits.context_max) for _ in tokens]
            else:
                rows = [self._row(start + number, start + len(tokens)) for number in range(len(tokens))]
        return Pass(tokens, positions, rows, self._logit_mask(), slots, self.random.random() < 0.7)

    def _begin(self, context: Context) -> int:
        return context.works[0].start if context.busy else context.length

    def _row(self, position: int, width: int) -> list[int]:
        choice = self.random.randrange(4)
        if choice == 0:
            return []
        if choice == 1:
            return [0, position + 1]
        if choice == 2:
            return [max(0, position - 3), min(position, 3) + 1]
        return [0, self.random.randrange(1, width + 1), 2, width]

    def _cuttable(self, twin: Twin) -> int:
        """A length that does not lie inside a group whose rows look ahead."""
        lengths = [0]
        for group in twin.groups:
            lengths.append(lengths[-1] + len(group))
        return self.random.choice(lengths)


def _at_zero(slot: Slot) -> Slot:
    return msgspec.structs.replace(slot, index=0)


def _flat(output: Output, slots: Sequence[Slot]) -> list[int | Reading]:
    """Readings in slot order."""
    tokens, readings = iter(np.frombuffer(output.tokens, np.int32).tolist()), iter(output.readings)
    return [next(tokens) if isinstance(slot, Sample) else next(readings) for slot in slots]
