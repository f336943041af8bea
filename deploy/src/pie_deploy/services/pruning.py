"""Records and contents that go by themselves: old events, contents and unpacked components that no row refers to."""

from pie_deploy.limits import EVENTS_OF_DEPLOYMENT_MAX, EVENTS_PRUNED_MAX, PRUNE_AGE_MIN_NS, PRUNE_ENTRIES_MAX
from pie_deploy.ports.store import Store
from pie_deploy.services.blobs import Blobs
from pie_deploy.services.component import Components


class Pruning:
    def __init__(self, store: Store, blobs: Blobs, components: Components, *, keep_events_ns: int) -> None:
        self._store = store
        self._blobs = blobs
        self._components = components
        self._keep_events_ns = keep_events_ns

    def turn(self, now_ns: int) -> bool:
        """A bounded bit of what may go at this moment; whether there is more. Blocking. Raises StorageError, OSError."""
        has_more = [self._prune_events(now_ns), *map(self._prune_events_of, self._deployments())]
        self._components.prune(now_ns - PRUNE_AGE_MIN_NS)
        has_more.append(self._prune_contents(now_ns - PRUNE_AGE_MIN_NS))
        return any(has_more)

    def _prune_events(self, now_ns: int) -> bool:
        with self._store.transaction() as transaction:
            return transaction.delete_events(now_ns - self._keep_events_ns, EVENTS_PRUNED_MAX) == EVENTS_PRUNED_MAX

    def _deployments(self) -> list[str]:
        with self._store.reading() as reading:
            return [deployment.id for deployment in reading.deployments()]

    def _prune_events_of(self, deployment_id: str) -> bool:
        """One that restarts and configures for months has more than anybody reads."""
        with self._store.reading() as reading:
            oldest = reading.oldest_of_newest_events(deployment_id, EVENTS_OF_DEPLOYMENT_MAX)
        if oldest is None:
            return False
        with self._store.transaction() as transaction:
            gone = transaction.delete_events_of(deployment_id, oldest, EVENTS_PRUNED_MAX)
        return gone == EVENTS_PRUNED_MAX

    def _prune_contents(self, before_ns: int) -> bool:
        """Looks at all without the lock, as there may be many; what is found is looked at again with it."""
        self._blobs.drop_halves(before_ns)
        with self._store.reading() as reading:
            unused = [content_hash for content_hash in self._blobs.all() if not reading.is_content_used(content_hash)]
        for content_hash in unused[:PRUNE_ENTRIES_MAX]:
            with self._blobs.lock:
                if not self._is_used(content_hash):
                    self._blobs.remove(content_hash)
        return len(unused) > PRUNE_ENTRIES_MAX

    def _is_used(self, content_hash: str) -> bool:
        with self._store.reading() as reading:
            return reading.is_content_used(content_hash)
