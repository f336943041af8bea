"""What every service stands on: the store, the time, new ids, and whom to wake after a commit.

A `Change` is one accepted request: a transaction, who asked, when, and the events that tell of it. There is no way to write a row
without an actor.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from pie_deploy.clock import Clock
from pie_deploy.ports.store import Reading, Store, Transaction
from pie_deploy.services.actor import Actor
from pie_deploy.services.ids import NewId
from pie_deploy.services.wakeup import Wakeup


@dataclass(frozen=True, slots=True)
class Change:
    rows: Transaction
    actor: Actor
    now_ns: int
    new_id: NewId

    def tell(
        self,
        type_: str,
        *,
        backend_id: str | None = None,
        deployment_id: str | None = None,
        lease_id: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an event to the audit, part of the transaction."""
        origin = {"surface": self.actor.surface, "request_id": self.actor.request_id, "key": self.actor.key}
        self.rows.add_event(
            type_,
            self.now_ns,
            actor=self.actor.name,
            backend_id=backend_id,
            deployment_id=deployment_id,
            lease_id=lease_id,
            data={**{name: value for name, value in origin.items() if value}, **(data or {})},
        )


class Ledger:
    def __init__(self, store: Store, clock: Clock, wakeup: Wakeup, new_id: NewId) -> None:
        self._store = store
        self._clock = clock
        self._wakeup = wakeup
        self._new_id = new_id

    def now_ns(self) -> int:
        return self._clock.now_ns()

    def new_id(self, prefix: str) -> str:
        return self._new_id(prefix)

    def reading(self) -> AbstractContextManager[Reading]:
        return self._store.reading()

    @contextmanager
    def change(self, actor: Actor) -> Iterator[Change]:
        """All or nothing; whoever waits is woken once it is durable."""
        with self._store.transaction() as rows:
            yield Change(rows, actor, self._clock.now_ns(), self._new_id)
        self._wakeup.notify()
