"""What happened: every accepted change, and every deployment that was refused."""

from collections.abc import Sequence

from pie_deploy.domain.records import Event
from pie_deploy.domain.role import Permission
from pie_deploy.limits import EVENTS_PER_REQUEST_MAX
from pie_deploy.services.access import check_reach
from pie_deploy.services.actor import Actor
from pie_deploy.services.ledger import Ledger
from pie_deploy.services.lookup import backend_of


class Audit:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def list(
        self,
        actor: Actor,
        *,
        after: int = 0,
        backend: str | None = None,
        deployment: str | None = None,
        lease: str | None = None,
        limit: int = 1000,
    ) -> Sequence[Event]:
        """Events after a seq, oldest first, of all or of one backend (id, also of a deleted one, or name), deployment or lease.
        Raises NotFoundError for a backend.
        """
        with self._ledger.reading() as reading:
            check_reach(reading, actor, Permission.READ_AUDIT, "the audit of all", lease)
            if backend is not None:
                found = reading.find_backend(backend)
                backend = (found or backend_of(reading, actor, backend)).id
            bound = max(1, min(limit, EVENTS_PER_REQUEST_MAX))
            return reading.events(after, backend_id=backend, deployment_id=deployment, lease_id=lease, limit=bound)
