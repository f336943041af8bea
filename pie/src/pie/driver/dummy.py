"""A driver without a model: deterministic, in-process, with fault knobs. For tests of everything above the driver.

A token follows from the token before it, the position and, above temperature 0, the seed: the most likely next token is a hash of
(token, position), and the one `rank` places after it in the vocabulary is 2**-rank as likely. So every reading has a value that a
test can compute, masks and stop tokens work as with a model, and equal requests give equal answers. Attention masks change nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from math import log
from typing import NamedTuple, cast

import numpy as np

from pie.driver.draw import word
from pie.driver.memory import Last, SequenceMemory
from pie.driver.messages import (
    Batch,
    BatchResult,
    Distribution,
    DistributionReading,
    DriverLimits,
    Entropy,
    EntropyReading,
    Logits,
    LogitsReading,
    Logprobs,
    LogprobsReading,
    Output,
    Reading,
    Request,
    Sample,
    Sampling,
    Slot,
)
from pie.driver.sampling import Booleans, Floats, allowed_tokens, draw, logprobs, probabilities
from pie.driver.validity import check_batch, inputs_count, integers
from pie.errors import DriverError, DriverLostError

DEFAULT_LIMITS = DriverLimits(
    architecture="dummy",
    vocabulary_size=4096,
    context_max=8192,
    page_size=16,
    pages_total=4096,
    batch_tokens_max=2048,
    batch_requests_max=256,
    steps_max=32,
)


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, and when. Batches are counted from 0 over the life of the driver."""

    fail_batches: frozenset[int] = frozenset()
    """These fail with `DriverError`; everything else stands."""
    lose_batches: frozenset[int] = frozenset()
    """With these the driver is lost, and with it the batches waiting behind them and all memory."""
    start_error: Exception | None = None
    """`start` raises this."""
    latency_s: Callable[[Batch], float] = field(default=lambda _batch: 0.0)
    """How long a batch takes."""


class Drawn(NamedTuple):
    """A token, and its part of `Output.logprobs` and `Output.top_tokens`."""

    token: int
    logprobs: bytes = b""
    top_tokens: bytes = b""


class DummyDriver:
    """The `Driver` port without a model.

    `sleep` is how time passes; tests hand in their own.
    """

    def __init__(
        self,
        limits: DriverLimits = DEFAULT_LIMITS,
        faults: Faults | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limits = limits
        self._faults = faults or Faults()
        self._sleep = sleep
        self._memory = SequenceMemory()
        self._generation = 0
        self._batches_count = 0
        self._waiting_count = 0
        self._turn = asyncio.Lock()

    @property
    def generation(self) -> int:
        return self._generation

    async def start(self) -> DriverLimits:
        if self._faults.start_error is not None:
            raise self._faults.start_error
        self._generation = 1
        return self._limits

    async def close(self) -> None:
        self._generation = 0
        self._memory = SequenceMemory()

    async def forward(self, batch: Batch) -> BatchResult:
        assert self._waiting_count < self._limits.batches_in_flight_max, "more batches in flight than the driver takes"
        number, self._batches_count = self._batches_count, self._batches_count + 1
        generation = self._generation
        self._waiting_count += 1
        try:
            async with self._turn:
                return await self._in_turn(batch, number, generation)
        finally:
            self._waiting_count -= 1

    async def _in_turn(self, batch: Batch, number: int, generation: int) -> BatchResult:
        latency_s = self._faults.latency_s(batch)
        if latency_s > 0.0:
            await self._sleep(latency_s)
        if self._generation == 0:
            raise DriverError("the driver is closed")
        if self._generation != generation:
            raise DriverLostError("the dummy driver was lost with this batch waiting")
        if number in self._faults.lose_batches:
            self._generation += 1
            self._memory = SequenceMemory()
            raise DriverLostError(f"the dummy driver was told to get lost at batch {number}")
        return self._compute(batch, number, latency_s)

    def _compute(self, batch: Batch, number: int, elapsed_s: float) -> BatchResult:
        try:
            if number in self._faults.fail_batches:
                raise DriverError(f"the dummy driver was told to fail batch {number}")
            check_batch(batch, self._limits)
            answers = [self._answer(request) for request in batch.requests]
        except DriverError:
            self._memory.fail(batch)
            raise
        for request, (_, last) in zip(batch.requests, answers, strict=True):
            self._memory.settle(request.sequence, last)
        self._memory.forget(batch)
        return BatchResult(batch.id, tuple(output for output, _ in answers), elapsed_s)

    def _answer(self, request: Request) -> tuple[Output, Last | None]:
        """What a request gives, and what is left of its sequence. Changes nothing."""
        inputs = integers(request.tokens).tolist()
        if not inputs:
            last = self._memory.last(request)
            if last.stopped:
                return Output(stopped=True), last
            inputs = [last.token]
        positions = _positions(request)
        allowed = allowed_tokens(request.logit_mask, self._limits.vocabulary_size)
        if request.steps > 1:
            return _output(request, list(self._burst(request, inputs[-1], positions[-1], allowed)), ())
        drawn, readings = [], []
        for slot in request.slots:
            logits = _logits(inputs[slot.index], positions[slot.index] + 1, self._limits.vocabulary_size)
            if isinstance(slot, Sample):
                token = draw(logits, slot.sampling, positions[slot.index] + 1, allowed)
                drawn.append(_drawn(request, token, logits, allowed))
            else:
                readings.append(_reading(slot, logits, allowed))
        return _output(request, drawn, tuple(readings))

    def _burst(self, request: Request, token: int, position: int, allowed: Booleans | None) -> Iterator[Drawn]:
        sampling = cast(Sample, request.slots[0]).sampling
        for _ in range(request.steps):
            position += 1
            drawn = self._next(request, token, position, sampling, allowed)
            yield drawn
            token = drawn.token
            if token in request.stop_tokens:
                return

    def _next(self, request: Request, token: int, position: int, sampling: Sampling, allowed: Booleans | None) -> Drawn:
        if sampling.temperature == 0.0 and allowed is None and request.top_logprobs is None:
            return Drawn(_likeliest(token, position, self._limits.vocabulary_size))
        logits = _logits(token, position, self._limits.vocabulary_size)
        return _drawn(request, draw(logits, sampling, position, allowed), logits, allowed)


def _positions(request: Request) -> list[int]:
    if request.positions:
        return [int(position) for position in integers(request.positions)]
    return list(range(request.cached, request.cached + inputs_count(request)))


def _drawn(request: Request, token: int, logits: Floats, allowed: Booleans | None) -> Drawn:
    if request.top_logprobs is None:
        return Drawn(token)
    known, likeliest = logprobs(logits, token, request.top_logprobs, allowed)
    return Drawn(token, known.tobytes(), likeliest.tobytes())


def _output(request: Request, drawn: list[Drawn], readings: tuple[Reading, ...]) -> tuple[Output, Last | None]:
    if not drawn:
        return Output(readings=readings), None
    tokens = [one.token for one in drawn]
    last = Last(tokens[-1], tokens[-1] in request.stop_tokens)
    known = [b"".join(column) for column in zip(*[(one.logprobs, one.top_tokens) for one in drawn], strict=True)]
    return Output(np.array(tokens, dtype="<i4").tobytes(), readings, last.stopped, *known), last


def _likeliest(token: int, position: int, vocabulary_size: int) -> int:
    return word(token, position) % vocabulary_size


def _logits(token: int, position: int, vocabulary_size: int) -> Floats:
    """Logits of the token at `position` that follows `token`."""
    ranks = (np.arange(vocabulary_size) - _likeliest(token, position, vocabulary_size)) % vocabulary_size
    return (-log(2.0) * ranks).astype(np.float32)


def _reading(slot: Slot, logits: Floats, allowed: Booleans | None) -> Reading:
    match slot:
        case Distribution(temperature=temperature, top_k=top_k):
            weights = probabilities(logits, temperature or 1.0, allowed)
            order = np.argsort(-weights, kind="stable")[: top_k or weights.size]
            return DistributionReading(order.astype("<i4").tobytes(), weights[order].tobytes())
        case Logits():
            return LogitsReading(logits.tobytes())
        case Logprobs(tokens=tokens):
            known = logits - np.log(np.exp(logits.astype(np.float64)).sum())
            return LogprobsReading(known[list(tokens)].astype("<f4").tobytes())
        case Entropy():
            weights = probabilities(logits, 1.0).astype(np.float64)
            present = weights[weights > 0.0]
            return EntropyReading(float(-(present * np.log(present)).sum()))
        case Sample():
            raise AssertionError("a sample is no reading")
