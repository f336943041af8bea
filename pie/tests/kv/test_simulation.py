"""Random operations on many lineages against plain lists of tokens."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kv_fakes.memory import Memory, should_read
from pie.kv.cache import KvCache
from pie.kv.lineage import Lineage

TOKENS = st.lists(st.integers(0, 1), min_size=1, max_size=11)
"""Of two kinds only, so that lineages often agree."""


class KvMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory(KvCache(pages_total=12, page_size=3, context_max=36))
        self.twins: dict[Lineage, list[int]] = {}

    @property
    def kv(self) -> KvCache:
        return self.memory.kv

    def pick(self, choice: int) -> Lineage:
        return list(self.twins)[choice % len(self.twins)]

    def make_room(self, lineage: Lineage, tokens: list[int]) -> bool:
        """Evicts others until the tokens fit."""
        end = lineage.length + len(tokens)
        for other in list(self.kv.idle):
            if self.kv.pages_short(lineage, lineage.computed, end) <= self.kv.available:
                break
            if other is not lineage:
                self.kv.evict(other)
        return self.kv.pages_short(lineage, lineage.computed, end) <= self.kv.available

    @precondition(lambda self: len(self.twins) < 6)
    @rule()
    def create(self) -> None:
        self.twins[self.kv.create()] = []

    @precondition(lambda self: self.twins)
    @rule(choice=st.integers(0, 5), tokens=TOKENS)
    def append(self, choice: int, tokens: list[int]) -> None:
        lineage = self.pick(choice)
        if lineage.length + len(tokens) <= self.kv.context_max and self.make_room(lineage, tokens):
            self.memory.append(lineage, tokens)
            self.twins[lineage] += tokens

    @precondition(lambda self: self.twins)
    @rule(choice=st.integers(0, 5), tokens=TOKENS)
    def append_in_vain(self, choice: int, tokens: list[int]) -> None:
        lineage = self.pick(choice)
        if lineage.length + len(tokens) <= self.kv.context_max and self.make_room(lineage, tokens):
            self.memory.begin(lineage, tokens)
            self.memory.fail(lineage)

    @precondition(lambda self: 0 < len(self.twins) < 6)
    @rule(choice=st.integers(0, 5))
    def fork(self, choice: int) -> None:
        parent = self.pick(choice)
        self.twins[self.kv.fork(parent, 0.0)] = list(self.twins[parent])

    @precondition(lambda self: self.twins)
    @rule(choice=st.integers(0, 5), length=st.integers(0, 36))
    def truncate(self, choice: int, length: int) -> None:
        lineage = self.pick(choice)
        self.kv.truncate(lineage, min(length, lineage.length))
        del self.twins[lineage][lineage.length :]

    @precondition(lambda self: self.twins)
    @rule(choice=st.integers(0, 5))
    def evict(self, choice: int) -> None:
        self.kv.evict(self.pick(choice))

    @precondition(lambda self: self.twins)
    @rule(choice=st.integers(0, 5))
    def release(self, choice: int) -> None:
        lineage = self.pick(choice)
        self.kv.release(lineage)
        del self.twins[lineage]

    @rule()
    def lose(self) -> None:
        self.kv.lose()
        self.memory.slots.clear()

    @invariant()
    def lineages_hold_what_their_twins_hold(self) -> None:
        for lineage, tokens in self.twins.items():
            assert lineage.tokens.tolist() == tokens and lineage.length == len(tokens)
            assert self.memory.read(lineage) == should_read(tokens[: lineage.computed])

    @invariant()
    def accounts_are_exact(self) -> None:
        self.kv.check()


TestKvCache = KvMachine.TestCase
TestKvCache.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
