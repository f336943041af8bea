"""What one user may take: live processes, and tokens per minute.

Tokens are paid after the event. Each user has an account that fills at `tokens_per_minute`, up to one minute's worth; every token
computed for the user is taken from it. While the account is overdrawn nothing new of the user begins, and what runs goes on, so
nobody loses work and, over time, nobody gets more than the rate (plus what was running when the account ran dry).

Processes are charged by the engine. Whoever has tokens computed without a process (the HTTP routes) charges the user itself.
"""

from dataclasses import dataclass

from pie.clock import Clock
from pie.config.config import LimitsConfig
from pie.errors import QuotaError, TooManyProcessesError
from pie.limits import QUOTA_USERS_MAX

_MINUTE_S = 60.0


@dataclass(slots=True)
class _Account:
    tokens: float
    """Negative: overdrawn."""
    at_s: float
    """When that was so."""


class Quotas:
    """Accounts of all users. Time comes from `clock`."""

    def __init__(self, limits: LimitsConfig, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._live: dict[str, int] = {}
        self._accounts: dict[str, _Account] = {}

    def reconfigure(self, limits: LimitsConfig) -> None:
        """Other limits from now on; what has been used stays used."""
        self._limits = limits

    def admit(self, username: str) -> None:
        """Ask before something new is begun for the user. Raises `QuotaError` while the account is overdrawn."""
        tokens = self._balance(username)
        if tokens < 0:
            retry_after_s = -tokens * _MINUTE_S / self._limits.tokens_per_minute
            raise QuotaError(
                f"more than {self._limits.tokens_per_minute} tokens per minute were computed for '{username}'; "
                f"try again in {retry_after_s:.1f} s",
                retry_after_s=retry_after_s,
            )

    def charge(self, username: str, tokens: int) -> None:
        """So many tokens were computed for the user."""
        if not self._limits.tokens_per_minute:
            return
        self._accounts[username] = _Account(self._balance(username) - tokens, self._now())
        if len(self._accounts) > QUOTA_USERS_MAX:
            self._forget_the_richest()

    def enter(self, username: str) -> None:
        """One more process of the user. Raises `TooManyProcessesError`."""
        live = self._live.get(username, 0)
        if live >= self._limits.processes_per_user:
            raise TooManyProcessesError(f"'{username}' has {live} live processes; more are not allowed")
        self._live[username] = live + 1

    def leave(self, username: str) -> None:
        """One process less."""
        self._live[username] -= 1
        if not self._live[username]:
            del self._live[username]

    def _balance(self, username: str) -> float:
        """What the user has left now."""
        rate = self._limits.tokens_per_minute
        account = self._accounts.get(username)
        if account is None or not rate:
            return rate
        return min(float(rate), account.tokens + (self._now() - account.at_s) * rate / _MINUTE_S)

    def _forget_the_richest(self) -> None:
        """Half of the accounts: first of all those that are full again, whose owners lose and gain nothing by it."""
        kept = sorted(self._accounts, key=self._balance)[: QUOTA_USERS_MAX // 2]
        self._accounts = {username: self._accounts[username] for username in kept}

    def _now(self) -> float:
        return self._clock.monotonic_ns() * 1e-9
