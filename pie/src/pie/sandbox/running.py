"""The instances of a sandbox that have not been closed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pie.sandbox.instance import Instance


class Running:
    """Nothing starts after `close`: the engine is gone then."""

    def __init__(self) -> None:
        self._instances: set[Instance] = set()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._instances)

    def __iter__(self) -> "Iterator[Instance]":
        return iter(tuple(self._instances))

    def check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("the sandbox is closed")

    def add(self, instance: "Instance") -> None:
        self._instances.add(instance)

    def discard(self, instance: "Instance") -> None:
        self._instances.discard(instance)

    def close(self) -> None:
        """Kill what runs. Its memory is freed as soon as the calls under way have noticed."""
        self._is_closed = True
        for instance in self:
            instance.kill()
