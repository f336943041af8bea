"""How long a deployment lives.

Its hard deadline is the runtime's ceiling counted from the deployment's creation, or the end of the runtime, whichever comes first;
there may be none. Until then it lives in windows of 24 hours: each time half of one is over and the deployment runs, a full one
is given (R18). A failed deployment gets none, so failures are reclaimed. A fixed duration (R19) is a hard deadline that nothing
moves, counted from when the deploy was accepted.
"""

from dataclasses import dataclass

from pie_deploy.domain.duration import format_duration, parse_duration
from pie_deploy.domain.records import Deployment, Runtime
from pie_deploy.errors import InvalidArgumentError
from pie_deploy.limits import DEPLOYMENT_WINDOW_NS, FIXED_DURATION_MIN_NS


@dataclass(frozen=True, slots=True)
class Lifetime:
    expires_at_ns: int
    hard_deadline_ns: int | None


def lifetime(runtime: Runtime, fixed_duration: str | None, now_ns: int) -> Lifetime:
    """Of a deployment that is accepted now.

    Raises InvalidArgumentError for a fixed duration that is malformed, shorter than a second, or longer than the runtime gives.
    """
    deadline_ns = _deadline_ns(runtime, now_ns)
    if fixed_duration is None:
        return Lifetime(_window_end_ns(now_ns, deadline_ns), deadline_ns)
    duration_ns = parse_duration(fixed_duration)
    if duration_ns < FIXED_DURATION_MIN_NS:
        raise InvalidArgumentError(f"a fixed duration is at least {format_duration(FIXED_DURATION_MIN_NS)}, not {fixed_duration}")
    if deadline_ns is not None and now_ns + duration_ns > deadline_ns:
        longest = format_duration(max(0, deadline_ns - now_ns))
        raise InvalidArgumentError(f"runtime {runtime.name} gives a deployment at most {longest}, not {fixed_duration}")
    return Lifetime(now_ns + duration_ns, now_ns + duration_ns)


def moved(deployment: Deployment, runtime: Runtime, now_ns: int) -> Lifetime:
    """Of a deployment that goes to another runtime: its age counts there too, and a fixed duration stays what it is.

    Raises InvalidArgumentError when the new runtime would not let it live on.
    """
    deadline_ns = _deadline_ns(runtime, deployment.created_at_ns)
    if deadline_ns is not None and deadline_ns <= now_ns:
        raise InvalidArgumentError(f"the deployment is older than runtime {runtime.name} lets one become")
    if deployment.fixed_duration is None:
        return Lifetime(_window_end_ns(now_ns, deadline_ns), deadline_ns)
    assert deployment.expires_at_ns is not None, "a fixed duration has an end"
    if deadline_ns is not None and deployment.expires_at_ns > deadline_ns:
        raise InvalidArgumentError(f"runtime {runtime.name} ends before the deployment's fixed duration")
    return Lifetime(deployment.expires_at_ns, deployment.hard_deadline_ns)


def renewal_due_ns(deployment: Deployment) -> int | None:
    """When its expiry is to be renewed; None: never again, unless it changes."""
    expires_at_ns = deployment.expires_at_ns
    if deployment.status != "running" or deployment.fixed_duration is not None or expires_at_ns is None:
        return None
    if deployment.hard_deadline_ns is not None and deployment.hard_deadline_ns <= expires_at_ns:
        return None
    return expires_at_ns - DEPLOYMENT_WINDOW_NS // 2


def renewed_ns(deployment: Deployment, now_ns: int) -> int | None:
    """The new `expires_at_ns` when it is time to renew it, else None."""
    due_ns = renewal_due_ns(deployment)
    return None if due_ns is None or now_ns < due_ns else _window_end_ns(now_ns, deployment.hard_deadline_ns)


def is_expired(deployment: Deployment, now_ns: int) -> bool:
    return deployment.expires_at_ns is not None and now_ns >= deployment.expires_at_ns


def _deadline_ns(runtime: Runtime, created_at_ns: int) -> int | None:
    ceiling_end_ns = None if runtime.ceiling_ns is None else created_at_ns + runtime.ceiling_ns
    ends = [end_ns for end_ns in (ceiling_end_ns, runtime.expires_at_ns) if end_ns is not None]
    return min(ends) if ends else None


def _window_end_ns(now_ns: int, deadline_ns: int | None) -> int:
    end_ns = now_ns + DEPLOYMENT_WINDOW_NS
    return end_ns if deadline_ns is None else min(end_ns, deadline_ns)
