"""Batches on their way, the one handed out first in front."""

from collections import deque
from collections.abc import Iterator

from pie.sched.batching import Plan
from pie.sched.works import AnyWork


class Flights:
    def __init__(self) -> None:
        self._plans: deque[Plan] = deque()
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._plans)

    def __iter__(self) -> Iterator[Plan]:
        return iter(self._plans)

    def add(self, plan: Plan) -> None:
        """Gives the batch its id."""
        self._last_id += 1
        plan.id = self._last_id
        self._plans.append(plan)

    def awaits(self, batch_id: int) -> bool:
        return any(plan.id == batch_id for plan in self._plans)

    def land(self, batch_id: int) -> Plan | None:
        """The batch is back. None if it is not the next that is awaited: one from before `clear`."""
        return self._plans.popleft() if self._plans and self._plans[0].id == batch_id else None

    def clear(self) -> list[Plan]:
        """Nothing is awaited any more. Returns what was."""
        plans, self._plans = list(self._plans), deque()
        return plans

    @property
    def passes(self) -> int:
        """Forward passes on their way."""
        return sum([plan.passes for plan in self._plans])

    def works(self) -> list[AnyWork]:
        """One entry for each part on its way."""
        return [part.work for plan in self._plans for part in plan.parts]
