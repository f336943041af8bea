"""What all sessions share: the engine, who may log in, the processes that clients have launched, the connections there are."""

import asyncio
import secrets
from typing import Protocol

from pie.auth.credentials import Credentials
from pie.clock import Clock, SystemClock
from pie.config.config import Config, LimitsConfig
from pie.engine.engine import Engine
from pie.engine.library import SHARED
from pie.limits import CLOSE_TIMEOUT_S, UPLOADS_PER_USER
from pie.net.held import HeldProcesses
from pie.net.incoming import UserBytes
from pie.net.kept import KeptLimits
from pie.net.login import Randomness
from pie.net.operations import Operations
from pie.net.statistics import Counters, HubStatistics

TOKEN_DELAY_S = (1.0, 3.0)
"""Least and most that whoever guesses tokens waits."""

_random = secrets.SystemRandom()


class Connection(Protocol):
    """One client's, as far as the hub knows it."""

    @property
    def is_logged_in(self) -> bool: ...

    @property
    def requests_waiting(self) -> int: ...

    def end(self, code: int, reason: str) -> None:
        """Begin to close it."""
        ...


class Hub:
    """Made once per server; it opens no socket itself."""

    def __init__(
        self,
        engine: Engine,
        credentials: Credentials,
        config: Config,
        operations: Operations,
        *,
        token: str,
        clock: Clock | None = None,
        randomness: Randomness | None = None,
    ) -> None:
        """Whoever shows `token` is the user `internal`."""
        self.engine = engine
        self.credentials = credentials
        self.config = config
        self.operations = operations
        self.token = token
        self.clock = clock or SystemClock()
        self.randomness = randomness or Randomness(secrets.token_bytes, lambda: _random.uniform(*TOKEN_DELAY_S))
        idle_ns = int(config.limits.idle_timeout_s * 1e9)
        self.held = HeldProcesses(_kept_limits(config.limits), self.clock, confirmed_after_ns=idle_ns)
        self.incoming_bytes = UserBytes(UPLOADS_PER_USER * config.runtime.upload_bytes_max)
        self.counters = Counters()
        self._connections: set[Connection] = set()
        self._is_closing = False
        self._emptied = asyncio.Event()

    def owner(self, username: str) -> str:
        """Whose the programs are that the user uploads. Without authentication names prove nothing, so they are everybody's."""
        return username if self.credentials.enabled else SHARED

    def reconfigure(self, config: Config) -> None:
        """Take over limits that can change while running."""
        self.config = config
        self.held.kept.limits = _kept_limits(config.limits)
        self.held.unconfirmed.age_ns_max = int(config.limits.idle_timeout_s * 1e9)
        self.incoming_bytes.bytes_max = UPLOADS_PER_USER * config.runtime.upload_bytes_max

    def may_connect(self) -> bool:
        """Whether one more connection is taken. Refused ones are counted."""
        if self._is_closing or len(self._connections) >= self.config.limits.connections:
            self.counters.connections_refused += 1
            return False
        return True

    def add(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._emptied.clear()

    def remove(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._emptied.set()

    async def close(self) -> None:
        """Tell every client that the server goes away, and take no new ones. Processes run on. Safe to call twice."""
        self._is_closing = True
        for connection in list(self._connections):
            connection.end(1001, "the server is shutting down")
        if self._connections:
            try:
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._emptied.wait()
            except TimeoutError:
                pass  # the server closes their sockets

    def statistics(self) -> HubStatistics:
        self.held.expire()
        kept = self.held.kept
        return HubStatistics(
            connections=len(self._connections),
            sessions=sum(connection.is_logged_in for connection in self._connections),
            processes=len(self.held),
            attached=self.held.attached,
            kept_results=len(kept),
            kept_bytes=kept.size_bytes,
            uploads_bytes=self.incoming_bytes.total,
            requests_waiting=sum(connection.requests_waiting for connection in self._connections),
            connections_refused=self.counters.connections_refused,
            logins_refused=self.counters.logins_refused,
            frames_in=self.counters.frames_in,
            frames_out=self.counters.frames_out,
            frames_bad=self.counters.frames_bad,
            messages_ignored=self.counters.messages_ignored,
        )


def _kept_limits(limits: LimitsConfig) -> KeptLimits:
    return KeptLimits(limits.kept_results, limits.kept_results_mb << 20, int(limits.kept_results_s * 1e9))
