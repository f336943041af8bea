"""How many bytes a second something may have: a bucket that fills with time. Pure."""


class Allowance:
    """`take` whatever there is; the answer is how long to wait before the next. A taker may go into debt once, by what it took."""

    def __init__(self, bytes_per_s: float, burst_bytes: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._burst_bytes = burst_bytes
        self._level_bytes = burst_bytes
        self._at_s: float | None = None

    def take(self, size_bytes: int, now_s: float) -> float:
        """Seconds until the debt is paid; 0 when there is none. `now_s` never goes back."""
        elapsed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        self._level_bytes = min(self._burst_bytes, self._level_bytes + elapsed_s * self._bytes_per_s) - size_bytes
        return max(0.0, -self._level_bytes / self._bytes_per_s)
