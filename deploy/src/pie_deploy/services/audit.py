"""What happened: every accepted change, and every deployment that was refused."""

from collections.abc import Sequence

from pie_deploy.domain.records import Event
from pie_deploy.services.actor import Actor


class Audit:
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
        """Events after a seq, oldest first, of all or of one backend (id or name), deployment or lease. Raises NotFoundError."""
        raise NotImplementedError
