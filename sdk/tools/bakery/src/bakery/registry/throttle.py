"""How much one address may ask: token buckets, one per address, remembered for the most recent ones. Pure: `now_s` comes in."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    level: float
    at_s: float


class Throttle:
    """At most `burst` at once, `per_s` on average."""

    def __init__(self, per_s: float, burst: float, addresses_max: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._addresses_max = addresses_max
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, address: str, now_s: float) -> float:
        """Counts one. Returns 0.0 if it is allowed, else seconds until the next would be (then it is not counted)."""
        bucket = self._filled(address, now_s)
        if bucket.level < 1:
            return (1 - bucket.level) / self._per_s
        bucket.level -= 1
        return 0.0

    def wait_s(self, address: str, now_s: float) -> float:
        """What `take` would return; counts nothing."""
        if address not in self._buckets:
            return 0.0
        return max(0.0, (1 - self._filled(address, now_s).level) / self._per_s)

    def _filled(self, address: str, now_s: float) -> _Bucket:
        bucket = self._buckets.setdefault(address, _Bucket(self._burst, now_s))
        self._buckets.move_to_end(address)
        bucket.level = min(self._burst, bucket.level + max(0.0, now_s - bucket.at_s) * self._per_s)
        bucket.at_s = now_s
        if len(self._buckets) > self._addresses_max:
            self._buckets.popitem(last=False)
        return bucket
