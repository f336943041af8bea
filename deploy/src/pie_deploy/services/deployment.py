"""Deployments: a backend's graph, materialised on a runtime. Services decide and record; the controller makes it so.

What is recorded, and so what the controller finds:

- `deploy` writes the row (`deploying`, generation 1) and one `pending` container per vertex, with its node and what is reserved
  there, in one transaction. The row and the reservation are all there is, or nothing is.
- `redeploy` writes the containers of the next generation beside the old ones and pins the head: `generation + 1`, and `redeploying`
  with the status unchanged from `running`, or status `deploying` from `failed`. The controller deletes the containers of older
  generations when they have stopped.
- `undeploy` turns the status to `tearing_down`; the controller sets `gone_at_ns` when nothing is left.
"""

from collections.abc import Sequence

from pie_deploy.domain.records import Deployment, Event
from pie_deploy.services.actor import Actor


class Deployments:
    """`ref` is a deployment's id, or a backend's id or name: its deployment that is not gone."""

    def deploy(
        self,
        actor: Actor,
        backend: str,
        *,
        runtime: str | None = None,
        debug: bool = False,
        fixed_duration: str | None = None,
        startup_timeout: str | None = None,
        lease: str | None = None,
    ) -> Deployment:
        """Accept a deployment, or refuse it before anything starts: then there is no row, and the error's `details` list every
        reason.

        runtime: id or name; None takes the only one that is eligible. fixed_duration, startup_timeout: Go durations. A backend
        that a lease owns is deployed inside that lease. Raises GraphIncompleteError (SketchPresentError), DeploymentLiveError,
        PlacementError (RuntimeFullError, RuntimeClassError, RuntimeLockedError), InvalidArgumentError, LeaseClosedError,
        LeaseOwnershipError, NotFoundError.
        """
        raise NotImplementedError

    def redeploy(self, actor: Actor, ref: str, *, runtime: str | None = None, debug: bool | None = None) -> Deployment:
        """Replace the containers by fresh ones of the backend's head; same id, same URLs. With `runtime`, it moves there.
        Refused before anything stops if the head is incomplete or does not fit. Raises as `deploy`; DeploymentStateError while
        it is deploying, redeploying or tearing down.
        """
        raise NotImplementedError

    def undeploy(self, actor: Actor, ref: str) -> Deployment:
        """Begin to tear it down; one that is being torn down already is answered as it is. Raises NotFoundError when it is gone."""
        raise NotImplementedError

    def show(self, actor: Actor, ref: str) -> Deployment:
        """Also a gone one, by its id. Raises NotFoundError."""
        raise NotImplementedError

    def list(self, actor: Actor, *, gone: bool = False) -> Sequence[Deployment]:
        """Those that are not gone, newest first; with `gone` all."""
        raise NotImplementedError

    def events(self, actor: Actor, ref: str, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        """What happened to a deployment, oldest first."""
        raise NotImplementedError
