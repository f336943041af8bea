"""Who pays for tokens: the process they were computed for, and its user."""

from collections import deque

from pie.clock import Clock
from pie.engine.quota import Quotas
from pie.limits import ENDED_PROCESSES_CHARGED_MAX
from pie.processes.process import Process


class Accounting:
    """Charges what schedulers report. Reports on a process that has just ended still come, for batches that were on their way."""

    def __init__(self, quotas: Quotas, clock: Clock) -> None:
        self._quotas = quotas
        self._clock = clock
        self._processes: dict[str, Process] = {}
        self._ended: deque[str] = deque()

    def begin(self, process: Process) -> None:
        self._processes[process.id] = process

    def end(self, process: Process) -> None:
        self._ended.append(process.id)
        if len(self._ended) > ENDED_PROCESSES_CHARGED_MAX:
            del self._processes[self._ended.popleft()]

    def charge(self, owner: str, tokens: int) -> None:
        """`tokens` were computed for an owner of contexts. Those that are no process see to their payment themselves."""
        process = self._processes.get(owner)
        if process is not None:
            if process.first_tokens_ns is None:
                process.first_tokens_ns = self._clock.wall_ns()
            process.tokens += tokens
            self._quotas.charge(process.username, tokens)
