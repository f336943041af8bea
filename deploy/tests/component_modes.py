"""A vertex without sockets: queues to fill, outputs that are remembered."""

from collections import deque
from collections.abc import Callable
from typing import Any

from pie_component.counters import Counters
from pie_component.edges.consumer import Queue
from pie_component.modes.mode import Emitter, Mode
from pie_component.slots import Output
from pie_flow.catalogue import CATALOGUE


class Bench:
    """`bench = Bench(inputs=1, outputs=("Int64",))`, then make a mode of `queues`, `emitter`, `counters`, and `settle` it."""

    def __init__(
        self, *, inputs: int = 1, outputs: tuple[str, ...] = ("Int64",), push: Callable[[Any], None] | None = None
    ) -> None:
        self.counters = Counters()
        self.queues: list[Queue] = [deque() for _ in range(inputs)]
        self.shown: list[tuple[int, int, Any]] = []
        """Output, correlation id, value or failure."""
        made = [Output(position, CATALOGUE.parse(kind), "vertex") for position, kind in enumerate(outputs)]
        for output in made:
            output.listeners.append(self._listener(output.position))
        self.emitter = Emitter(made, "vertex", self.counters, push)

    @property
    def values(self) -> list[Any]:
        return [value for _, _, value in self.shown]

    def send(self, *values: Any, input: int = 0, correlation: int = 0) -> None:  # noqa: A002
        self.queues[input].extend((correlation, value) for value in values)

    def settle(self, mode: Mode, ticks_max: int = 1000) -> None:
        for _ in range(ticks_max):
            if not mode.tick():
                return

    def _listener(self, position: int) -> Callable[[int, Any], None]:
        return lambda correlation, value: self.shown.append((position, correlation, value))
