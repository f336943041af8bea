"""What may be under way on an edge, and what was lost. Both ends' bookkeeping, without sockets.

`Outflow` is the producer's end, `Intake` the consumer's; `pie_flow.envelope` says what they tell each other. Nothing is counted
twice: what a consumer has taken is what it has received less what still lies in its queue.
"""

import os
from collections import deque

from pie_component.limits import WINDOW_BYTES, WINDOW_MESSAGES
from pie_flow.envelope import Batch, End, Grant, Open


def new_session() -> int:
    """A session number that no other process has."""
    return int.from_bytes(os.urandom(8)) | 1


class Outflow:
    """How much a producer has sent to its consumer, and may send yet."""

    def __init__(self, session: int) -> None:
        self.session = session
        self.consumer = 0
        """Session of the consumer; 0: none has granted anything."""
        self.messages = 0
        """Of all sessions."""
        self.size_bytes = 0
        self.lost = 0
        self._sent_messages = 0
        self._sent_bytes = 0
        self._grant: Grant | None = None
        self._under_way: deque[tuple[int, tuple[int, ...]]] = deque()
        """For each batch sent and perhaps not taken: how many had been sent with it, and its correlation ids."""

    @property
    def may_send(self) -> bool:
        grant = self._grant
        return (
            grant is not None
            and self._sent_messages - grant.messages < grant.window_messages
            and self._sent_bytes - grant.size_bytes < grant.window_bytes
        )

    @property
    def sequence(self) -> int:
        """Of the next batch."""
        return self._sent_messages

    @property
    def under_way(self) -> int:
        """Messages that were sent and, as far as is known, not taken."""
        return self._sent_messages - self._grant.messages if self._grant is not None else 0

    def sent(self, count: int, size_bytes: int, correlations: tuple[int, ...]) -> None:
        self._sent_messages += count
        self._sent_bytes += size_bytes
        self.messages += count
        self.size_bytes += size_bytes
        self._under_way.append((self._sent_messages, correlations))

    def granted(self, grant: Grant) -> list[int]:
        """Take a grant that means this producer. Returns the correlation ids of messages that are lost by it: those under way to
        a consumer that is no more."""
        lost: list[int] = []
        if grant.consumer != self.consumer:
            lost = self._begin_anew(grant.consumer)
        elif self._grant is not None and grant.messages < self._grant.messages:
            return []
        self._grant = grant._replace(
            messages=min(grant.messages, self._sent_messages), size_bytes=min(grant.size_bytes, self._sent_bytes)
        )
        while self._under_way and self._under_way[0][0] <= grant.messages:
            self._under_way.popleft()
        return lost

    def _begin_anew(self, consumer: int) -> list[int]:
        lost = [correlation for _, correlations in self._under_way for correlation in correlations if correlation]
        self.lost += self.under_way
        self.consumer = consumer
        self._sent_messages = self._sent_bytes = 0
        self._grant = None
        self._under_way.clear()
        return lost


class Intake:
    """How much a consumer has received from its producer, and wants yet."""

    def __init__(self, session: int, *, window_messages: int = WINDOW_MESSAGES, window_bytes: int = WINDOW_BYTES) -> None:
        self.session = session
        self.producer = 0
        """Session of the producer; 0: none has come."""
        self.messages = 0
        """Of all sessions."""
        self.size_bytes = 0
        self.lost = 0
        self._window_messages = window_messages
        self._window_bytes = window_bytes
        self._has_ended = False
        self._received = 0
        self._taken_bytes = 0
        self._batches: deque[tuple[int, int]] = deque()
        """For each batch not wholly taken: how many had been received with it, and its size."""
        self._granted_messages = 0
        self._granted_bytes = 0

    def opened(self, message: Open) -> None:
        """A producer says that it is there; a new one begins to count at zero."""
        if message.session != self.producer:
            self.producer = message.session
            self._has_ended = False
            self._received = self._taken_bytes = self._granted_messages = self._granted_bytes = 0
            self._batches.clear()

    def ended(self, message: End) -> None:
        if message.session == self.producer:
            self._has_ended = True

    @property
    def is_over(self) -> bool:
        """Nothing will come any more: there is no producer, or it has said so."""
        return self.producer == 0 or self._has_ended

    def received(self, batch: Batch) -> bool:
        """Whether a batch is for this consumer: one that was on its way to an earlier process is not."""
        if batch.session != self.session or batch.sequence < self._received:
            return False
        self.lost += batch.sequence - self._received
        self._received = batch.sequence + len(batch.values)
        self._batches.append((self._received, batch.size_bytes))
        self.messages += len(batch.values)
        self.size_bytes += batch.size_bytes
        return True

    def grant(self, queued: int) -> Grant:
        """What to tell the producer, when so many messages lie in the queue."""
        self._granted_messages, self._granted_bytes = self._taken(queued), self._taken_bytes
        return Grant(
            self.session, self.producer, self._granted_messages, self._granted_bytes, self._window_messages, self._window_bytes
        )

    def is_due(self, queued: int) -> bool:
        """Whether enough was taken since the last grant to tell it."""
        taken = self._taken(queued)
        return (
            taken - self._granted_messages >= self._window_messages // 4
            or self._taken_bytes - self._granted_bytes >= self._window_bytes // 4
        )

    def is_settled(self, queued: int) -> bool:
        """Whether the producer knows all that was taken."""
        return self._taken(queued) == self._granted_messages

    def _taken(self, queued: int) -> int:
        taken = self._received - min(queued, self._received)
        while self._batches and self._batches[0][0] <= taken:
            self._taken_bytes += self._batches.popleft()[1]
        return taken
