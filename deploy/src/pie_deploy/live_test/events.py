"""The events of a live test, one JSON object each: `seq` (1, 2, …), `at`, `type`, and what belongs to the type."""

from datetime import UTC, datetime
from typing import Any

from pie_deploy.clock import Clock

Event = dict[str, Any]

TYPES = (
    *("lease.created", "build.started", "build.log", "build.finished", "file.uploaded", "backend.ready"),
    *("deploy.rejected", "deploy.started", "deploy.container", "deploy.running", "deploy.failed"),
    *("step.passed", "step.failed", "output.collected", "test.ready", "test.failed", "lease.closed"),
    "result",  # always the last
)


class EventLog:
    """Numbers events and stamps them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seq = 0

    def event(self, kind: str, /, **fields: object) -> Event:
        assert kind in TYPES, f"{kind} is no type of event"
        self._seq += 1
        at = datetime.fromtimestamp(self._clock.now_ns() / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"seq": self._seq, "at": at, "type": kind, **fields}
