"""A lease: a scope over what is created in it, kept or discarded as a whole.

              commit                deployment gone, resources handed over
    open ───────────▶ committing ─────────────────────────────────────────▶ committed
     │
     └── rollback, ─▶ rolling_back ───────────────────────────────────────▶ rolled_back
         no heartbeat               deployments, backends, files, prereleases gone, in this order
         for its TTL

The same close again answers the same; the opposite one is refused. A deployment is reclaimed at either close: committing keeps
what is written down, never what runs. Closing goes on after a restart: what is left to do follows from what the lease still owns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from msgspec.structs import replace

from pie_deploy.domain.duration import format_duration
from pie_deploy.domain.records import Lease, LeaseState, StatusReason
from pie_deploy.errors import InvalidArgumentError, LeaseClosedError
from pie_deploy.limits import LEASE_TTL_MAX_NS

Close = Literal["commit", "rollback"]

_CLOSING: Final[dict[Close, tuple[LeaseState, LeaseState]]] = {
    "commit": ("committing", "committed"),
    "rollback": ("rolling_back", "rolled_back"),
}


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a lease still owns: ids."""

    deployments: Sequence[str] = ()
    """Not gone."""
    backends: Sequence[str] = ()
    files: Sequence[str] = ()
    versions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ReclaimDeployments:
    """Tear them down and come back when they are gone."""

    ids: tuple[str, ...]
    reason: StatusReason


@dataclass(frozen=True, slots=True)
class DeleteBackends:
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteFiles:
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeleteVersions:
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandOver:
    """Everything that is left belongs to the workspace from now on."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do."""


ClosingStep = ReclaimDeployments | DeleteBackends | DeleteFiles | DeleteVersions | HandOver | Finish


def check_ttl(ttl_ns: int) -> None:
    """Raises InvalidArgumentError for a time that a lease cannot have."""
    if not 0 < ttl_ns <= LEASE_TTL_MAX_NS:
        raise InvalidArgumentError(f"the time of a lease is above 0 and at most {format_duration(LEASE_TTL_MAX_NS)}")


def is_expired(lease: Lease, now_ns: int) -> bool:
    """Whether nobody has cared for too long."""
    return lease.state == "open" and now_ns >= lease.heartbeat_at_ns + lease.ttl_ns


def heartbeat(lease: Lease, now_ns: int) -> Lease:
    """Raises LeaseClosedError, also when its time is over and nobody has noticed yet."""
    check_open(lease, now_ns)
    return replace(lease, heartbeat_at_ns=max(lease.heartbeat_at_ns, now_ns))


def check_open(lease: Lease, now_ns: int) -> None:
    """Raises LeaseClosedError unless things may be created in it."""
    if is_expired(lease, now_ns):
        raise LeaseClosedError(f"lease {lease.id} had no heartbeat for {format_duration(lease.ttl_ns)}: it is rolled back")
    if lease.state != "open":
        raise LeaseClosedError(f"lease {lease.id} is {lease.state.replace('_', ' ')}")


def close(lease: Lease, how: Close, reason: str, now_ns: int) -> Lease:
    """Begin to close; the lease as it is when that close was begun before. reason: commit, rollback, ttl.

    Raises LeaseClosedError when it was closed the other way, or its time is over and it is to be committed.
    """
    if lease.state in _CLOSING[how]:
        return lease
    if lease.state != "open" or (how == "commit" and is_expired(lease, now_ns)):
        check_open(lease, now_ns)
    return replace(lease, state=_CLOSING[how][0], reason=reason)


def closed(lease: Lease, now_ns: int) -> Lease:
    """The lease when nothing is left to do."""
    if lease.state not in ("committing", "rolling_back"):
        return lease
    return replace(lease, state="committed" if lease.state == "committing" else "rolled_back", closed_at_ns=now_ns)


def next_step(lease: Lease, holdings: Holdings) -> ClosingStep | None:
    """What is to be done next to close it; None when there is nothing to close. Each step may be done again."""
    if lease.state not in ("committing", "rolling_back"):
        return None
    commits = lease.state == "committing"
    if holdings.deployments:
        return ReclaimDeployments(tuple(holdings.deployments), "lease_commit" if commits else "lease_rollback")
    if commits:
        return HandOver() if holdings.backends or holdings.files or holdings.versions else Finish()
    if holdings.backends:
        return DeleteBackends(tuple(holdings.backends))
    if holdings.files:
        return DeleteFiles(tuple(holdings.files))
    return DeleteVersions(tuple(holdings.versions)) if holdings.versions else Finish()
