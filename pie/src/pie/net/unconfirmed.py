"""Results that were sent a moment ago, to clients that may not be there any more. No I/O.

A connection can be dead for a while before anybody notices: what is sent then is lost. Pings find out within
`limits.idle_timeout_s`, so a result is remembered for so long, and given to another connection of the same user that asks for it.
If the client says goodbye properly, it has its results.
"""

from collections import deque
from dataclasses import dataclass

from pie.limits import UNCONFIRMED_CHARACTERS_MAX, UNCONFIRMED_RESULTS_MAX
from pie.processes.events import ProcessEvent


@dataclass(frozen=True, slots=True)
class SentResult:
    id: str
    """Of the process."""
    username: str
    event: ProcessEvent
    """The terminal one."""
    sent_ns: int


class Unconfirmed:
    """Bounded per connection: the oldest are taken for received."""

    def __init__(self, age_ns_max: int) -> None:
        self.age_ns_max = age_ns_max
        self._by_id: dict[str, tuple[object, SentResult]] = {}
        self._of: dict[object, deque[SentResult]] = {}
        self._characters: dict[object, int] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, connection: object, result: SentResult) -> None:
        """It was just sent over the connection."""
        sent = self._of.setdefault(connection, deque())
        sent.append(result)
        self._by_id[result.id] = (connection, result)
        self._characters[connection] = self._characters.get(connection, 0) + result.event.size
        while sent and self._is_confirmed(connection, sent, result.sent_ns):
            self._drop_oldest(connection, sent)

    def take(self, process_id: str, username: str, connection: object, now_ns: int) -> SentResult | None:
        """The result of a user's process, for another connection than the one it was sent over."""
        sender, result = self._by_id.get(process_id, (None, None))
        if result is None or sender == connection or result.username != username or now_ns - result.sent_ns > self.age_ns_max:
            return None
        del self._by_id[process_id]
        return result

    def leave(self, connection: object, now_ns: int) -> list[SentResult]:
        """The connection has ended. What may not have arrived."""
        self._characters.pop(connection, None)
        sent = self._of.pop(connection, ())
        mine = [result for result in sent if self._forget(connection, result)]
        return [result for result in mine if now_ns - result.sent_ns <= self.age_ns_max]

    def _is_confirmed(self, connection: object, sent: deque[SentResult], now_ns: int) -> bool:
        """Of the oldest one."""
        too_many = len(sent) > UNCONFIRMED_RESULTS_MAX or self._characters[connection] > UNCONFIRMED_CHARACTERS_MAX
        return too_many or now_ns - sent[0].sent_ns > self.age_ns_max

    def _drop_oldest(self, connection: object, sent: deque[SentResult]) -> None:
        oldest = sent.popleft()
        self._characters[connection] -= oldest.event.size
        self._forget(connection, oldest)

    def _forget(self, connection: object, result: SentResult) -> bool:
        """False if somebody has taken it; it may have been sent over another connection since."""
        is_there = self._by_id.get(result.id) == (connection, result)
        if is_there:
            del self._by_id[result.id]
        return is_there
