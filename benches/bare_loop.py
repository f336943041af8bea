"""The reference decode loop: the fastest way to use a driver, without an engine. What the whole engine is compared with.

All sequences have the same number of prompt and output tokens and decode greedily. Bursts are as long as the driver allows, and as
many batches are in flight as it takes: a batch is handed out before the one before it has come back.
"""

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from pie.driver.messages import Batch, BatchResult, DriverLimits, Request, Sample, Sampling
from pie.driver.port import Driver

GREEDY = (Sample(0, Sampling()),)


@dataclass(frozen=True, slots=True)
class Workload:
    sequences_count: int
    prompt_tokens: int
    output_tokens: int
    burst_steps: int = 0
    """0: as many as the driver takes."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    tokens: tuple[tuple[int, ...], ...]
    """Per sequence, what was generated."""
    elapsed_s: float

    @property
    def tokens_per_s(self) -> float:
        return sum(len(tokens) for tokens in self.tokens) / self.elapsed_s


def prompts(workload: Workload, vocabulary_size: int) -> list[list[int]]:
    """Random prompts, the same for equal workloads."""
    source = random.Random(workload.seed)
    return [[source.randrange(vocabulary_size) for _ in range(workload.prompt_tokens)] for _ in range(workload.sequences_count)]


async def run_bare_loop(driver: Driver, limits: DriverLimits, workload: Workload) -> Measured:
    """Needs pages for all sequences at once. Batch ids and sequences from 1 on, pages from 0 on; forgets its sequences."""
    batches = plan(limits, workload)
    started = time.perf_counter()
    results = await _pipeline(driver, batches, limits.batches_in_flight_max)
    elapsed_s = time.perf_counter() - started
    tokens: dict[int, list[int]] = {}
    for batch, result in zip(batches, results, strict=True):
        for request, output in zip(batch.requests, result.outputs, strict=True):
            tokens.setdefault(request.sequence, []).extend(np.frombuffer(output.tokens, dtype="<i4").tolist())
    return Measured(tuple(tuple(one) for one in tokens.values()), elapsed_s)


async def _pipeline(driver: Driver, batches: list[Batch], in_flight_max: int) -> list[BatchResult]:
    results: list[BatchResult] = []
    in_flight: deque[asyncio.Task[BatchResult]] = deque()
    for batch in batches:
        in_flight.append(asyncio.ensure_future(driver.forward(batch)))
        if len(in_flight) == in_flight_max:
            results.append(await in_flight.popleft())
    results.extend([await waiting for waiting in in_flight])
    return results


def plan(limits: DriverLimits, workload: Workload) -> list[Batch]:
    """All batches: prompts first (with the first burst), then one batch per burst with all sequences that fit in it."""
    burst_steps = min(workload.burst_steps or limits.steps_max, limits.steps_max)
    in_prefill = max(1, min(limits.batch_tokens_max // workload.prompt_tokens, limits.batch_requests_max))
    sequences = list(range(1, workload.sequences_count + 1))
    tokens = prompts(workload, limits.vocabulary_size)
    requests = [
        [_prefill(limits, workload, sequence, tokens[sequence - 1], burst_steps) for sequence in group]
        for group in _groups(sequences, in_prefill)
    ]
    for done in range(burst_steps, workload.output_tokens, burst_steps):
        steps = min(burst_steps, workload.output_tokens - done)
        groups = _groups(sequences, limits.batch_requests_max)
        requests += [[_burst(limits, workload, sequence, done, steps) for sequence in group] for group in groups]
    batches = [Batch(number, tuple(one)) for number, one in enumerate(requests, 1)]
    batches[-1] = Batch(batches[-1].id, batches[-1].requests, forget=tuple(sequences))
    return batches


def _groups(sequences: list[int], size: int) -> list[list[int]]:
    return [sequences[start : start + size] for start in range(0, len(sequences), size)]


def _prefill(limits: DriverLimits, workload: Workload, sequence: int, tokens: list[int], burst_steps: int) -> Request:
    return Request(
        sequence=sequence,
        tokens=np.array(tokens, dtype="<i4").tobytes(),
        positions=b"",
        cached=0,
        pages=_pages(limits, workload, sequence),
        slots=(Sample(workload.prompt_tokens - 1, Sampling()),),
        steps=min(burst_steps, workload.output_tokens),
    )


def _burst(limits: DriverLimits, workload: Workload, sequence: int, done: int, steps: int) -> Request:
    cached = workload.prompt_tokens + done - 1
    return Request(sequence, b"", b"", cached, _pages(limits, workload, sequence), GREEDY, steps)


def _pages(limits: DriverLimits, workload: Workload, sequence: int) -> bytes:
    """As an engine that has run for a while would have them: scattered."""
    per_sequence = -(-(workload.prompt_tokens + workload.output_tokens) // limits.page_size)
    assert per_sequence * workload.sequences_count <= limits.pages_total, "the KV cache is too small for this workload"
    first = (sequence - 1) + np.arange(per_sequence) * workload.sequences_count
    return first.astype("<i4").tobytes()
