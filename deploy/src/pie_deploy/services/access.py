"""How far an actor reaches: which rows he may know of, and to which he may do what.

`domain.role` says it by leases: everywhere, what the workspace and his own leases have, or only what his own leases have. Here it
is applied to a row, by the lease that owns it (None: the workspace). Whoever makes a row of a reference passes here, see
`services.lookup`.
"""

from collections.abc import Callable
from functools import cache

from pie_deploy.domain.records import Lease
from pie_deploy.domain.role import Permission, Reach, a, check, enough, reach
from pie_deploy.errors import ForbiddenError
from pie_deploy.ports.store import Reading
from pie_deploy.services.actor import Actor

Sees = Callable[[str | None], bool]
"""Whether the actor may know of what this lease owns."""


def is_confined(actor: Actor) -> bool:
    """Whether other leases than his own do not exist for him."""
    return reach(actor.role, Permission.READ) is not Reach.EVERYWHERE


def is_own(actor: Actor, lease: Lease) -> bool:
    """A user's leases are his, whichever key opened them; who is confined is one key."""
    return lease.owner == actor.name and (lease.key == actor.key or not is_confined(actor))


def owns(reading: Reading, actor: Actor, lease_id: str | None) -> bool:
    """Whether that is a lease, and his."""
    lease = None if lease_id is None else reading.find_lease(lease_id)
    return lease is not None and is_own(actor, lease)


def sees(reading: Reading, actor: Actor) -> Sees:
    """For many rows: each lease is looked at once."""
    if not is_confined(actor):
        return lambda lease_id: True
    owned = cache(lambda lease_id: owns(reading, actor, lease_id))
    return lambda lease_id: lease_id is None or owned(lease_id)


def check_reach(reading: Reading, actor: Actor, permission: Permission, what: str, lease_id: str | None) -> None:
    """Raises ForbiddenError unless the actor may do it to what this lease owns. `what` is a word or two for the message."""
    check(actor.role, permission)
    if reach(actor.role, permission) is Reach.LEASE and not owns(reading, actor, lease_id):
        raise ForbiddenError(
            f"{what} is in no lease of this key, and {a(actor.role)} may do this ({permission}) nowhere else",
            hint=f"bring it into a lease that this key opens; the role {enough(permission)} would be enough without",
        )
