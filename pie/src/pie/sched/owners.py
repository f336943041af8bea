"""Shares of the driver. Each process (an *owner*) has a counter of tokens computed for it; who has had least comes first.

An owner that was away does not save up: when it comes back its counter is raised to where the least served of those at work stand.
So a newcomer gets its turn at once, and nobody gets more than one turn in advance.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pie.sched.context import Context


class Owner:
    __slots__ = ("contexts", "name", "service", "works")

    def __init__(self, name: str) -> None:
        self.name = name
        self.contexts: dict[Context, None] = {}
        """Those that have not been released, the oldest first."""
        self.service = 0
        """Tokens computed for it, or credited when it came back."""
        self.works = 0
        """Works that have not ended."""

    @property
    def pins(self) -> bool:
        """Whether it has pages that cannot be evicted."""
        return any(context.lineage.pages and not context.lineage.recomputable for context in self.contexts)


class Owners:
    """The owners that have contexts. One without any is forgotten."""

    def __init__(self) -> None:
        self._owners: dict[str, Owner] = {}
        self._floor = 0

    def __len__(self) -> int:
        return len(self._owners)

    def all(self) -> list[Owner]:
        return list(self._owners.values())

    def get(self, name: str) -> Owner:
        """The owner of that name, known or new."""
        owner = self._owners.get(name)
        if owner is None:
            owner = self._owners[name] = Owner(name)
        return owner

    def contexts(self, name: str) -> list["Context"]:
        return list(self._owners[name].contexts) if name in self._owners else []

    def leave(self, context: "Context") -> None:
        """The context was released."""
        owner = context.owner
        del owner.contexts[context]
        if not owner.contexts:
            del self._owners[owner.name]

    def begin(self, owner: Owner) -> None:
        """One more work of this owner."""
        if not owner.works:
            owner.service = max(owner.service, self._floor)
        owner.works += 1

    def end(self, owner: Owner) -> None:
        owner.works -= 1

    def at_work(self, least_service: int) -> None:
        """Where the least served of those stand who have work for this batch."""
        self._floor = max(self._floor, least_service)
