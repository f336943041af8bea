"""What the scheduler tells about itself."""

from dataclasses import dataclass

from pie.kv.statistics import KvStatistics

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
"""Lower ends of the histogram's buckets; the last is open."""


@dataclass(frozen=True, slots=True)
class SchedulerStatistics:
    """Counts since the start, but for the first five."""

    kv: KvStatistics
    running: int
    """Works that have pages."""
    waiting: int
    """Works that wait for pages."""
    in_flight: int
    """Batches at the driver."""
    saved: int
    """Contexts kept under names."""
    batches: int
    failed_batches: int
    requests: int
    computed_tokens: int
    """Tokens that went through the model."""
    drawn_tokens: int
    """Tokens that generations have drawn."""
    preemptions: int
    driver_s: float
    """Time that the driver has spent on batches."""
    batch_sizes: tuple[int, ...]
    """How many batches had so many requests, per bucket of `BATCH_SIZES`."""
    prefilled_tokens: int = 0
    """Of `computed_tokens` those of prefills; the others were single tokens in decode steps, or a few at a time."""
    last_batch_s: float = 0.0
    """Time that the driver spent on the batch that came back last."""


class Counters:
    """The counts in the making."""

    def __init__(self) -> None:
        self.batches = 0
        self.failed_batches = 0
        self.requests = 0
        self.computed_tokens = 0
        self.drawn_tokens = 0
        self.prefilled_tokens = 0
        self.driver_s = 0.0
        self.last_batch_s = 0.0
        self.batch_sizes = [0] * len(BATCH_SIZES)

    def batch(self, requests: int, tokens: int, prefilled: int = 0) -> None:
        self.batches += 1
        self.requests += requests
        self.computed_tokens += tokens
        self.prefilled_tokens += prefilled
        self.batch_sizes[min(requests.bit_length(), len(BATCH_SIZES)) - 1] += 1

    def settled(self, elapsed_s: float) -> None:
        self.driver_s += elapsed_s
        self.last_batch_s = elapsed_s

    def statistics(
        self, *, kv: KvStatistics, running: int, waiting: int, preemptions: int, in_flight: int, saved: int
    ) -> SchedulerStatistics:
        return SchedulerStatistics(
            kv=kv,
            running=running,
            waiting=waiting,
            in_flight=in_flight,
            saved=saved,
            batches=self.batches,
            failed_batches=self.failed_batches,
            requests=self.requests,
            computed_tokens=self.computed_tokens,
            drawn_tokens=self.drawn_tokens,
            preemptions=preemptions,
            driver_s=self.driver_s,
            batch_sizes=tuple(self.batch_sizes),
            prefilled_tokens=self.prefilled_tokens,
            last_batch_s=self.last_batch_s,
        )
