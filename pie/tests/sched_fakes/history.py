"""A driver whose every answer depends on all KV that it reads, so that any mistake with pages changes what comes out.

The KV of a token is a number: a hash of the token, its position and the KV of every token it attends to, weighted by where they
are. The next token is a hash of that number and the seed. Pages are rows of slots. Whatever a failed batch would have written is
overwritten with rubbish, and reading a slot that was never written is an error.
"""

import numpy as np

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
    Request,
    Sample,
    Sampling,
)
from pie.driver.validity import check_batch
from pie.errors import DriverError, DriverLostError

_MASK = (1 << 64) - 1


def limits(**changes) -> DriverLimits:
    values = {
        "architecture": "history",
        "vocabulary_size": 40,
        "context_max": 96,
        "page_size": 4,
        "pages_total": 24,
        "batch_tokens_max": 24,
        "batch_requests_max": 6,
        "steps_max": 5,
        "batches_in_flight_max": 2,
    }
    return DriverLimits(**(values | changes))


def mixed(*values: int) -> int:
    """64 well-mixed bits."""
    state = 0x9E3779B97F4A7C15
    for value in values:
        state = (state ^ (value & _MASK)) * 0xBF58476D1CE4E5B9 & _MASK
        state ^= state >> 31
        state = state * 0x94D049BB133111EB & _MASK
        state ^= state >> 29
    return state


class HistoryDriver:
    """Computes batches at once; the tests decide when results arrive."""

    def __init__(self, driver_limits: DriverLimits) -> None:
        self.limits = driver_limits
        self.generation = 1
        slots = driver_limits.pages_total * driver_limits.page_size
        self._kv = np.zeros(slots, np.uint64)
        self._written = np.zeros(slots, bool)
        self._weights = np.array([mixed(7, number) | 1 for number in range(driver_limits.context_max)], np.uint64)
        self._last: dict[int, tuple[int, bool]] = {}
        self._rubbish = 0

    # --- What happens to batches --------------------------------------------------------------------------------------

    def compute(self, batch: Batch) -> BatchResult:
        check_batch(batch, self.limits)
        unknown = [request.sequence for request in batch.requests if not request.tokens and request.sequence not in self._last]
        if unknown:
            self.fail(batch)
            raise DriverError(f"sequences {unknown} have no last token to go on from")
        self._copy(batch)
        outputs = tuple([self._answer(request) for request in batch.requests])
        for sequence in batch.forget:
            self._last.pop(sequence, None)
        return BatchResult(batch.id, outputs, 0.001 * max(request.steps for request in batch.requests))

    def fail(self, batch: Batch) -> None:
        """The batch goes wrong half way."""
        for copy in batch.copies:
            self._spoil(self._slots(np.array([copy.target], np.int32), 0, self.limits.page_size))
        for request in batch.requests:
            pages = np.frombuffer(request.pages, np.int32)
            end = request.cached + max(1, len(request.tokens) // 4) + request.steps - 1
            self._spoil(self._slots(pages, request.cached, end))
            self._last.pop(request.sequence, None)
        for sequence in batch.forget:
            self._last.pop(sequence, None)

    def lose(self) -> None:
        """The driver dies and comes back with nothing."""
        self.generation += 1
        self._written[:] = False
        self._last.clear()

    def remembered(self) -> int:
        return len(self._last)

    # --- One request --------------------------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Output:
        tokens = np.frombuffer(request.tokens, np.int32).tolist()
        if not tokens:
            token, stopped = self._last[request.sequence]
            if stopped:
                return Output(stopped=True)
            tokens = [token]
        pages = np.frombuffer(request.pages, np.int32)
        cached, count = request.cached, len(tokens)
        positions = np.frombuffer(request.positions, np.int32).tolist() or list(range(cached, cached + count))
        mask = np.frombuffer(request.attention_mask, np.uint8).reshape(count, -1) if request.attention_mask else None
        states = self._compute(pages, cached, tokens, positions, mask)
        output = self._read(request, states, positions)
        drawn = np.frombuffer(output.tokens, np.int32).tolist()
        states = [states[slot.index] for slot in request.slots if type(slot) is Sample]
        while 0 < len(drawn) < request.steps and drawn[-1] not in request.stop_tokens:
            at = cached + count + len(drawn) - 1
            state = self._compute(pages, at, [drawn[-1]], [at], None)[0]
            states.append(state)
            drawn.append(draw(state, request.slots[0].sampling, at + 1, request.logit_mask, self.limits.vocabulary_size))
        stopped = bool(drawn) and drawn[-1] in request.stop_tokens
        if drawn:
            self._last[request.sequence] = (drawn[-1], stopped)
        else:
            self._last.pop(request.sequence, None)
        known = [] if request.top_logprobs is None else [logprobs(state, request.top_logprobs) for state in states]
        columns = [b"".join(column) for column in zip(*known, strict=True)]
        return Output(np.array(drawn, np.int32).tobytes(), output.readings, stopped, *columns)

    def _compute(self, pages, cached, tokens, positions, mask) -> list[int]:
        """Writes the KV of the tokens; an input that attends to a later one sees that one's token and position."""
        slots = self._slots(pages, 0, cached + len(tokens))
        assert self._written[slots[:cached]].all(), "KV is read that was never written"
        for number, (token, position) in enumerate(zip(tokens, positions, strict=True)):
            self._kv[slots[cached + number]] = mixed(1, token, position)
        weights = self._weights[: slots.size]
        states = []
        for number, (token, position) in enumerate(zip(tokens, positions, strict=True)):
            attended = (
                mask[number].astype(np.uint64) if mask is not None else np.arange(slots.size, dtype=np.int64) <= cached + number
            )
            seen = int((self._kv[slots] * weights * attended).sum(dtype=np.uint64))
            states.append(mixed(2, token, position, seen))
            self._kv[slots[cached + number]] = states[-1]
        self._written[slots] = True
        return states

    def _read(self, request: Request, states: list[int], positions: list[int]) -> Output:
        size = self.limits.vocabulary_size
        tokens, readings = [], []
        for slot in request.slots:
            state = states[slot.index]
            if type(slot) is Sample:
                tokens.append(draw(state, slot.sampling, positions[slot.index] + 1, request.logit_mask, size))
            else:
                readings.append(reading(slot, state))
        return Output(np.array(tokens, np.int32).tobytes(), tuple(readings))

    # --- Pages --------------------------------------------------------------------------------------------------------

    def _slots(self, pages: np.ndarray, begin: int, end: int) -> np.ndarray:
        numbers = np.arange(begin, end)
        size = self.limits.page_size
        return pages[numbers // size].astype(np.int64) * size + numbers % size

    def _copy(self, batch: Batch) -> None:
        size = self.limits.page_size
        for copy in batch.copies:
            source, target = (
                slice(copy.source * size, (copy.source + 1) * size),
                slice(copy.target * size, (copy.target + 1) * size),
            )
            self._kv[target], self._written[target] = self._kv[source], self._written[source]

    def _spoil(self, slots: np.ndarray) -> None:
        for slot in slots:
            self._rubbish += 1
            self._kv[slot] = mixed(3, self._rubbish)
            self._written[slot] = True


def draw(state: int, sampling: Sampling, position: int, logit_mask: bytes, vocabulary_size: int) -> int:
    chance = mixed(4, state, sampling.seed, position) if sampling.temperature else mixed(5, state)
    allowed = range(vocabulary_size)
    if logit_mask:
        bits = np.unpackbits(np.frombuffer(logit_mask, np.uint8), bitorder="little")
        allowed = np.flatnonzero(bits[:vocabulary_size]).tolist()
    return int(allowed[chance % len(allowed)])


def logprobs(state: int, top: int) -> tuple[bytes, bytes]:
    """Of a token drawn: `Output.logprobs` and `Output.top_tokens`."""
    numbers = [-float(mixed(7, state, number) % 1009) for number in range(1 + top)]
    tokens = [mixed(8, state, number) % 40 for number in range(top)]
    return np.array(numbers, np.float32).tobytes(), np.array(tokens, np.int32).tobytes()


def reading(slot, state: int):
    number = mixed(6, state)
    match slot:
        case Distribution():
            return DistributionReading(np.array([number % 97], np.int32).tobytes(), np.array([1.0], np.float32).tobytes())
        case Logits():
            return LogitsReading(np.array([number], np.uint64).tobytes())
        case Logprobs():
            return LogprobsReading(np.array([number % 1013], np.float32).tobytes())
        case Entropy():
            return EntropyReading(float(number % 10_007))


class AsyncHistoryDriver:
    """The driver port over a `HistoryDriver`; batches that are named fail or lose the driver."""

    def __init__(self, driver_limits: DriverLimits, *, fail=frozenset(), lose=frozenset()) -> None:
        self.history = HistoryDriver(driver_limits)
        self.fail = fail
        self.lose = lose
        self.batches: list[Batch] = []
        self.closed = False

    @property
    def generation(self) -> int:
        return self.history.generation

    async def start(self) -> DriverLimits:
        return self.history.limits

    async def forward(self, batch: Batch) -> BatchResult:
        self.batches.append(batch)
        generation = self.generation
        if batch.id in self.lose:
            self.history.lose()
        if self.generation != generation:
            raise DriverLostError("the driver died")
        if batch.id in self.fail:
            self.history.fail(batch)
            raise DriverError("the batch failed")
        return self.history.compute(batch)

    async def close(self) -> None:
        self.closed = True
