"""A deployment's life: four states, and gone.

                accepted                     every container is ready
    (nothing) ───────────▶ deploying ───────────────────────────────▶ running
                            │   ▲  ▲                                   │  │ │
            a cause ┌───────┘   │  └───── redeploy: new containers ────┘  │ │
                    ▼           │         are prepared, old ones go       │ │
                 failed ────────┘ redeploy                                │ │
                    │  ▲────────────────────── a cause ───────────────────┘ │
                    │                                                       │
                    └──────────────▶ tearing_down ◀── undeploy, lease, expiry, from every state
                                          │ containers removed, generated files saved
                                          ▼
                                        (gone)

Why a state was entered is a `status_reason`, so that there need be no more states. `failed` is terminal until a person intervenes:
nothing leads out of it but redeploy, undeploy, the end of the lease and expiry. Only `running` serves: in every other state the
URLs answer 404.

A redeploy counts `generation` up. From `running` it keeps that status, with `redeploying`, while containers of the new
generation come to standby beside the old ones; the switch is `running → deploying → running`. From `failed` it is `deploying` at
once.

The graph is locked in deploying, running and tearing_down, not in failed. A row that is not gone blocks another deploy in every
state.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from pie_deploy.domain.records import Container, Deployment, DeploymentStatus, StatusReason
from pie_deploy.errors import DeploymentStateError

_NONE: Final[frozenset[StatusReason]] = frozenset({""})
CAUSES: Final[frozenset[StatusReason]] = frozenset({"crashloop", "transport", "precondition", "startup_timeout", "node_lost"})
"""Why a deployment fails."""
RECLAIMS: Final[frozenset[StatusReason]] = frozenset({"undeploy", "lease_commit", "lease_rollback", "expired"})
"""Why a deployment is torn down."""

TRANSITIONS: Final[Mapping[DeploymentStatus, Mapping[DeploymentStatus, frozenset[StatusReason]]]] = {
    "deploying": {"running": _NONE, "failed": CAUSES, "tearing_down": RECLAIMS},
    "running": {"deploying": _NONE, "failed": CAUSES, "tearing_down": RECLAIMS},
    "failed": {"deploying": _NONE, "tearing_down": RECLAIMS},
    "tearing_down": {},
}
"""From → to → the reasons that may be given."""

LOCKING: Final[frozenset[DeploymentStatus]] = frozenset({"deploying", "running", "tearing_down"})
"""States in which the backend's topology may not change."""


def transition(deployment: Deployment, to: DeploymentStatus, reason: StatusReason, message: str, now_ns: int) -> Deployment:
    """The row in its next state. Raises DeploymentStateError for a step that the table does not have."""
    if reason not in TRANSITIONS[deployment.status].get(to, ()) or deployment.gone_at_ns is not None:
        why = f" ({reason})" if reason else ""
        raise DeploymentStateError(f"deployment {deployment.id} is {_state(deployment)}: it cannot become {to}{why}")
    started_at_ns = deployment.started_at_ns
    if to == "running" and started_at_ns is None:
        started_at_ns = now_ns
    return replace(
        deployment,
        status=to,
        status_reason=reason,
        status_message=message,
        status_since_ns=now_ns,
        started_at_ns=started_at_ns,
        redeploying=False,
    )


def undeployed(deployment: Deployment, reason: StatusReason, message: str, now_ns: int) -> Deployment:
    """Being torn down; as it is when that has begun already."""
    if deployment.status == "tearing_down":
        return deployment
    return transition(deployment, "tearing_down", reason, message, now_ns)


def redeployed(
    deployment: Deployment, *, backend_seq: int, graph_hash: str, containers: int, runtime_id: str, debug: bool, now_ns: int
) -> Deployment:
    """The row of an accepted redeploy: the next generation, which reflects another point of the log, maybe on another runtime.

    Raises DeploymentStateError unless it is running or failed, and while another redeploy is under way.
    """
    if deployment.status not in ("running", "failed") or deployment.redeploying:
        raise DeploymentStateError(f"deployment {deployment.id} is {_state(deployment)}: redeploy it when it is running or failed")
    accepted = replace(
        deployment,
        backend_seq=backend_seq,
        graph_hash=graph_hash,
        containers=containers,
        runtime_id=runtime_id,
        debug=debug,
        generation=deployment.generation + 1,
    )
    if deployment.status == "running":
        return replace(accepted, redeploying=True)
    return replace(transition(accepted, "deploying", "", "", now_ns), containers_ready=0)


def gone(deployment: Deployment, now_ns: int) -> Deployment:
    """Nothing of it is left but the row. Raises DeploymentStateError unless it was being torn down."""
    if deployment.status != "tearing_down":
        raise DeploymentStateError(f"deployment {deployment.id} is {_state(deployment)}: it is torn down before it is gone")
    return deployment if deployment.gone_at_ns is not None else replace(deployment, containers_ready=0, gone_at_ns=now_ns)


def is_locking(deployment: Deployment | None) -> bool:
    """Whether the backend's topology may not change because of its deployment."""
    return deployment is not None and deployment.gone_at_ns is None and deployment.status in LOCKING


def serving_generation(deployment: Deployment) -> int:
    """The generation whose containers answer, or come up to answer: not yet the new one while a redeploy prepares it."""
    return deployment.generation - 1 if deployment.redeploying else deployment.generation


def is_current(deployment: Deployment, container: Container) -> bool:
    """Whether the container is of a generation that serves or is to serve; others are left over and go."""
    return serving_generation(deployment) <= container.generation <= deployment.generation


def _state(deployment: Deployment) -> str:
    if deployment.gone_at_ns is not None:
        return "gone"
    return "redeploying" if deployment.redeploying else deployment.status
