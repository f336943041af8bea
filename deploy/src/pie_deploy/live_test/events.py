"""The events of a live test, one JSON object each: `seq` (1, 2, …), `at`, `type`, and what belongs to the type.

lease.created  build.started|log|finished  file.uploaded  backend.ready  deploy.rejected|started|container|running|failed
step.passed|failed  output.collected  test.ready|failed  lease.closed  result (always the last)
"""

from datetime import UTC, datetime
from typing import Any

from pie_deploy.clock import Clock

Event = dict[str, Any]


class EventLog:
    """Numbers events and stamps them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seq = 0

    def event(self, kind: str, /, **fields: object) -> Event:
        self._seq += 1
        at = datetime.fromtimestamp(self._clock.now_ns() / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"seq": self._seq, "at": at, "type": kind, **fields}
