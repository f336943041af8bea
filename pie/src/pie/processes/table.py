"""All processes of an engine, by id."""

from dataclasses import dataclass

from pie.processes.process import Process


@dataclass(frozen=True, slots=True)
class ProcessStatistics:
    live: int
    launched: int
    returned: int
    failed: int
    terminated: int


class ProcessTable:
    """Live processes; ended ones are counted and forgotten."""

    def __init__(self) -> None:
        self._live: dict[str, Process] = {}
        self._launched = 0
        self._ended = {"returned": 0, "failed": 0, "terminated": 0}

    def add(self, process: Process) -> None:
        assert process.id not in self._live, "process ids are unique"
        self._live[process.id] = process
        self._launched += 1

    def remove(self, process: Process) -> None:
        assert process.ended, "only an ended process is removed"
        del self._live[process.id]
        self._ended[process.state] += 1

    def get(self, process_id: str) -> Process | None:
        return self._live.get(process_id)

    def live(self, username: str | None = None) -> list[Process]:
        """Live processes, oldest first, of one user or of all."""
        return [process for process in self._live.values() if username is None or process.username == username]

    def statistics(self) -> ProcessStatistics:
        return ProcessStatistics(live=len(self._live), launched=self._launched, **self._ended)
