"""Results that wait for a client: processes that ended while nobody was attached. Which ones, and for how long. No I/O."""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptLimits:
    count_per_user_max: int
    bytes_max: int
    """Of all users together."""
    age_ns_max: int


@dataclass(frozen=True, slots=True)
class KeptResult:
    id: str
    username: str
    size: int
    ended_ns: int


class Kept:
    """The accounts. What is too many, too much or too old is named for whoever holds the results to let go of.

    When there are too many bytes, the user who has most of them loses the oldest: nobody's results are pushed out by another's.
    """

    def __init__(self, limits: KeptLimits) -> None:
        self.limits = limits
        self._results: dict[str, KeptResult] = {}
        """Oldest first."""
        self._bytes: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._results)

    def __contains__(self, result_id: str) -> bool:
        return result_id in self._results

    @property
    def size_bytes(self) -> int:
        return self._bytes.total()

    def add(self, result: KeptResult) -> list[str]:
        """Ids of the results that have to go, which may include this one."""
        self._results[result.id] = result
        self._bytes[result.username] += result.size
        self._counts[result.username] += 1
        gone = self.expire(result.ended_ns)
        if self._counts[result.username] > self.limits.count_per_user_max:
            gone.append(self._drop_oldest_of(result.username))
        while self.size_bytes > self.limits.bytes_max:
            gone.append(self._drop_oldest_of(max(self._bytes, key=self._bytes.__getitem__)))
        return gone

    def discard(self, result_id: str) -> None:
        """Somebody has come for it, or it is gone for another reason."""
        result = self._results.pop(result_id, None)
        if result is not None:
            _subtract(self._bytes, result.username, result.size)
            _subtract(self._counts, result.username, 1)

    def expire(self, now_ns: int) -> list[str]:
        """Ids of the results that are too old."""
        gone: list[str] = []
        for result in self._results.values():
            if now_ns - result.ended_ns <= self.limits.age_ns_max:
                break
            gone.append(result.id)
        for result_id in gone:
            self.discard(result_id)
        return gone

    def check(self) -> None:
        """The accounts agree with the results."""
        assert self._counts == Counter(result.username for result in self._results.values())
        assert all(
            held == sum(result.size for result in self._results.values() if result.username == username)
            for username, held in self._bytes.items()
        )
        assert self.size_bytes <= self.limits.bytes_max

    def _drop_oldest_of(self, username: str) -> str:
        oldest = next(result.id for result in self._results.values() if result.username == username)
        self.discard(oldest)
        return oldest


def _subtract(account: Counter[str], username: str, amount: int) -> None:
    account[username] -= amount
    if not account[username]:
        del account[username]
