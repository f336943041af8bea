"""Inputs and outputs of a vertex as its worker sees them: queues that edges and endpoints fill, and batches that they take."""

from collections import deque
from collections.abc import Callable, Sequence
from logging import DEBUG
from typing import Any

from pie_component.edges.consumer import Consumer, Queue
from pie_component.edges.producer import Producer
from pie_component.forms import conformer, has_arrays, needs_marks
from pie_component.limits import (
    BATCH_BYTES_MAX,
    BATCH_MESSAGES_MAX,
    INGRESS_MESSAGES_MAX,
    INGRESS_QUEUE_BYTES_MAX,
    MESSAGE_BYTES_MAX,
)
from pie_component.logs import log, trace
from pie_flow.envelope import Failure, Packed, Packer
from pie_flow.types import Type

Listener = Callable[[int, Any], None]
"""Takes a correlation id and a value, or `Failure`: an egress endpoint."""

_SIZED = frozenset((str, bytes, list, dict))


class Input:
    """A position that values come in at."""

    def __init__(self, position: int, kind: Type) -> None:
        self.position = position
        self.kind = kind
        self.queue: Queue = deque()
        self.consumer: Consumer | None = None
        """Of its edge, if it has one."""
        self.brought = 0
        """By endpoints, so far."""
        self._sizes: deque[int] = deque()
        self._waiting_bytes = 0

    def has_room_for(self, size_bytes: int) -> bool:
        """Whether an endpoint may bring one more. A single value has always room."""
        while len(self._sizes) > len(self.queue):
            self._waiting_bytes -= self._sizes.popleft()
        is_short = len(self.queue) < INGRESS_MESSAGES_MAX
        return is_short and (not self._sizes or self._waiting_bytes + size_bytes <= INGRESS_QUEUE_BYTES_MAX)

    def bring(self, correlation: int, value: Any, size_bytes: int) -> None:
        """An endpoint's value; there is room for it."""
        self._sizes.append(size_bytes)
        self._waiting_bytes += size_bytes
        self.brought += 1
        self.queue.append((correlation, value))


class Output:
    """A position that values go out of."""

    def __init__(self, position: int, kind: Type, vertex: str) -> None:
        self.position = position
        self.kind = kind
        self.conform = conformer(kind)
        """Makes a result a value of the output's type. Raises ValueTypeError."""
        self.listeners: list[Listener] = []
        self.producers: list[Producer] = []
        """One per edge."""
        self._vertex = vertex
        self._packer = Packer(is_marked=needs_marks(kind))
        self._messages_most = 1 if has_arrays(kind) else BATCH_MESSAGES_MAX
        self._messages_max = self._messages_most
        """In one batch: fewer while the last ones were large."""
        self._correlations: list[int] = []
        self._values: list[Any] = []
        self._failures: dict[int, Failure] = {}
        self._weight = 0

    @property
    def has_room(self) -> bool:
        return all(producer.has_room for producer in self.producers)

    def put(self, correlation: int, value: Any) -> None:
        """Send a value that is of the output's type. It is on its way with the next `flush`."""
        for listener in self.listeners:
            listener(correlation, value)
        if self.producers:
            self._correlations.append(correlation)
            self._values.append(value)
            if type(value) in _SIZED:
                self._weight += len(value)
            if len(self._values) >= self._messages_max or self._weight >= BATCH_BYTES_MAX:
                self.flush()

    def fail(self, correlation: int, failure: Failure) -> None:
        """Send word that there will be no value."""
        for listener in self.listeners:
            listener(correlation, failure)
        if self.producers:
            self._failures[len(self._values)] = failure
            self._correlations.append(correlation)
            self._values.append(None)

    def flush(self) -> None:
        """Send what was put."""
        if not self._values:
            return
        correlations, values, failures = self._correlations, self._values, self._failures
        self._correlations, self._values, self._failures, self._weight = [], [], {}, 0
        for packed in self._packed(correlations, values, failures):
            self._messages_max = max(1, min(self._messages_most, BATCH_BYTES_MAX * packed.count // (packed.size_bytes + 1)))
            if log.isEnabledFor(DEBUG):
                log.debug("out %d: %s", self.position, trace(correlations, packed.size_bytes))
            for producer in self.producers:
                producer.send(packed)

    def lost(self, correlations: Sequence[int]) -> Packed:
        """The failures of messages that were on their way to a consumer that is no more."""
        failure = Failure(self._vertex, "lost when the next vertex was started again")
        return self._packer.pack(correlations, [None] * len(correlations), dict.fromkeys(range(len(correlations)), failure))

    def _packed(self, correlations: list[int], values: list[Any], failures: dict[int, Failure]) -> list[Packed]:
        try:
            packed = self._packer.pack(correlations, values, failures)
        except (TypeError, ValueError) as error:
            problem = str(error)
        else:
            if packed.size_bytes <= MESSAGE_BYTES_MAX:
                return [packed]
            problem = f"a value is larger than {MESSAGE_BYTES_MAX >> 20} MiB"
        if len(values) > 1:  # which of them it is shows when each goes alone
            return [
                packed
                for index, (correlation, value) in enumerate(zip(correlations, values, strict=True))
                for packed in self._packed([correlation], [value], {0: failures[index]} if index in failures else {})
            ]
        log.error("output %d: %s", self.position, problem)
        return [self._packer.pack(correlations, [None], {0: Failure(self._vertex, problem)})]
