"""Lanes change nothing: whatever an engine does with sequences and pages, logits are those of a runner without lanes."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from batches import batch, logits_of, request
from pie.driver.messages import Logits, PageCopy, Request, Sample, Sampling
from pie_worker.runner import Runner

PAGE_SIZE = 4
PAGES_COUNT = 200


@dataclass
class Engine:
    """The least an engine does: gives sequences pages, feeds them, forks, truncates, forgets."""

    source: random.Random
    free: list[int] = field(default_factory=lambda: list(range(PAGES_COUNT)))
    pages: dict[int, list[int]] = field(default_factory=dict)
    lengths: dict[int, int] = field(default_factory=dict)
    copies: list[PageCopy] = field(default_factory=list)
    count: int = 0

    def create(self) -> int:
        self.count += 1
        self.pages[self.count], self.lengths[self.count] = [], 0
        return self.count

    def fork(self, origin: int) -> int:
        """Full pages are shared, the last one is copied."""
        fork, length = self.create(), self.lengths[origin]
        shared = self.pages[origin][: length // PAGE_SIZE]
        self.pages[fork], self.lengths[fork] = [*shared], length
        if length % PAGE_SIZE:
            self.pages[fork].append(self.take())
            self.copies.append(PageCopy(self.pages[origin][length // PAGE_SIZE], self.pages[fork][-1]))
        return fork

    def truncate(self, sequence: int) -> None:
        """To within its own pages: those shared with a fork are not written again."""
        self.lengths[sequence] -= self.lengths[sequence] % PAGE_SIZE // 2

    def drop(self, sequence: int) -> None:
        others = {page for other, pages in self.pages.items() if other != sequence for page in pages}
        self.free += [page for page in self.pages[sequence] if page not in others]
        del self.pages[sequence], self.lengths[sequence]

    def take(self) -> int:
        return self.free.pop(self.source.randrange(len(self.free)))

    def feed(self, sequence: int, count: int, steps: int) -> Request:
        """One token most of the time; `steps` may make it a burst."""
        tokens = [self.source.randrange(160) for _ in range(count)]
        cached = self.lengths[sequence]
        self.lengths[sequence] += count + steps - 1
        while len(self.pages[sequence]) * PAGE_SIZE < self.lengths[sequence]:
            self.pages[sequence].append(self.take())
        slots = (Sample(count - 1, Sampling()),) if steps > 1 else (Logits(count - 1),)
        return request(sequence, tokens, cached=cached, pages=self.pages[sequence], slots=slots, steps=steps)


def act(engine: Engine) -> None:
    sequences = list(engine.pages)
    choice = engine.source.random()
    if choice < 0.3 or not sequences:
        engine.create()
    elif choice < 0.5 and len(engine.free) > 60:
        engine.fork(engine.source.choice(sequences))
    elif choice < 0.6:
        engine.truncate(engine.source.choice(sequences))
    elif choice < 0.8 or len(engine.free) < 80:
        engine.drop(engine.source.choice(sequences))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("family", ["qwen3", "mistral-window"])
def test_logits_are_those_without_lanes(seed: int, family: str, make_runner: Callable[..., tuple[Runner, object]]) -> None:
    sizes = {"pages_max": PAGES_COUNT, "kv_cache_bytes": 1 << 24, "page_size": PAGE_SIZE}
    with_lanes, _ = make_runner(family, lane_cache_bytes=1 << (18 + seed % 4), batch_requests_max=8, **sizes)
    without, _ = make_runner(family, lane_cache_bytes=0, batch_requests_max=8, **sizes)
    engine = Engine(random.Random(seed))
    for _ in range(25):
        act(engine)
        source = engine.source
        chosen = source.sample(sorted(engine.pages), min(len(engine.pages), source.randint(1, 6)))
        requests = [engine.feed(one, source.choice([1, 1, 1, 5]), source.choice([1, 1, 3, 9])) for one in chosen]
        one = batch(*requests, copies=tuple(engine.copies))
        engine.copies.clear()
        for ours, theirs in zip(with_lanes.compute(one).outputs, without.compute(one).outputs, strict=True):
            assert ours.tokens == theirs.tokens
            if ours.readings:
                np.testing.assert_allclose(logits_of(ours), logits_of(theirs), rtol=1e-4, atol=1e-4)
