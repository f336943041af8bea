"""What a driver remembers of sequences between batches: the last token drawn, and whether it stopped the sequence."""

from typing import NamedTuple

from pie.driver.messages import Batch, Request
from pie.errors import DriverError


class Last(NamedTuple):
    token: int
    stopped: bool


class SequenceMemory:
    """Last draws by sequence.

    A sequence is known from its first draw until it is forgotten. Inputs without a draw, and a failed batch, leave nothing to
    go on from, so they make the sequence unknown too: a request that wants to go on from there fails instead of going astray.
    """

    def __init__(self) -> None:
        self._last: dict[int, Last] = {}

    def __len__(self) -> int:
        return len(self._last)

    def last(self, request: Request) -> Last:
        """What a request without tokens goes on from. Raises `DriverError` if that is unknown."""
        last = self._last.get(request.sequence)
        if last is None:
            raise DriverError(f"sequence {request.sequence} has no last token to go on from")
        return last

    def settle(self, sequence: int, last: Last | None) -> None:
        """After a request: what it drew last, if anything."""
        if last is None:
            self._last.pop(sequence, None)
        else:
            self._last[sequence] = last

    def fail(self, batch: Batch) -> None:
        """After a batch that failed."""
        for request in batch.requests:
            self._last.pop(request.sequence, None)

    def forget(self, batch: Batch) -> None:
        for sequence in batch.forget:
            self._last.pop(sequence, None)
