"""Roles: what a key may be used for. One table says it of every role and every permission; everything else asks this table.

    owner ▶ editor ▶ operator ▶ viewer      each may do all that the next one may
    agent                                   works inside of leases that its own key has opened, and nowhere else

A permission is given with a reach: everywhere, or only to what leases of one's own contain. Roles are compared by what they may
do: nobody can give away a role that may do something that his own may not, wherever that is.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType

from pie_deploy.errors import ForbiddenError


class Role(StrEnum):
    OWNER = "owner"
    EDITOR = "editor"
    OPERATOR = "operator"
    VIEWER = "viewer"
    AGENT = "agent"


class Permission(StrEnum):
    """What may be asked for. Every route of the API needs exactly one."""

    READ = "read"
    """What is recorded: graphs and their logs, components, deployments, containers, runtimes, leases, names of files."""
    READ_AUDIT = "read-audit"
    """Who did what."""
    READ_CONTENTS = "read-contents"
    """What is inside of files and components."""
    READ_LOGS = "read-logs"
    """What containers have written."""
    READ_URLS = "read-urls"
    """URLs of endpoints: whoever knows one may call it."""
    EDIT = "edit"
    """Graphs: make, change, fork, delete."""
    PUBLISH = "publish"
    """Prereleases of components."""
    RELEASE = "release"
    """Components for everybody."""
    WRITE_FILES = "write-files"
    DEPLOY = "deploy"
    """Deploy, redeploy, undeploy."""
    LEASE = "lease"
    """Open a lease, keep it alive, discard it, attach a verdict."""
    KEEP = "keep"
    """Let what a lease owns become the workspace's: promote, commit."""
    OPERATE = "operate"
    """Runtimes: lock, unlock, drain, undrain."""
    CREATE_RUNTIMES = "create-runtimes"
    """Give machines away."""
    MAKE_KEYS = "make-keys"
    """API keys for oneself, no stronger than one's own: make, list, revoke."""
    MANAGE_KEYS = "manage-keys"
    """API keys for anybody."""


class Reach(IntEnum):
    """Where a permission holds; larger is farther."""

    NOWHERE = 0
    LEASE = 1
    """Only what leases of one's own contain."""
    SHARED = 2
    """That, and what the workspace owns. Of other leases not even that they are there."""
    EVERYWHERE = 3


_VIEWER = {
    Permission.READ: Reach.EVERYWHERE,
    Permission.READ_AUDIT: Reach.EVERYWHERE,
    Permission.MAKE_KEYS: Reach.EVERYWHERE,
}
_OPERATOR = _VIEWER | {
    Permission.READ_LOGS: Reach.EVERYWHERE,
    Permission.READ_URLS: Reach.EVERYWHERE,
    Permission.DEPLOY: Reach.EVERYWHERE,
    Permission.LEASE: Reach.EVERYWHERE,
    Permission.OPERATE: Reach.EVERYWHERE,
}
_EDITOR = _OPERATOR | {
    Permission.READ_CONTENTS: Reach.EVERYWHERE,
    Permission.EDIT: Reach.EVERYWHERE,
    Permission.PUBLISH: Reach.EVERYWHERE,
    Permission.RELEASE: Reach.EVERYWHERE,
    Permission.WRITE_FILES: Reach.EVERYWHERE,
    Permission.KEEP: Reach.EVERYWHERE,
}
_OWNER = _EDITOR | {
    Permission.CREATE_RUNTIMES: Reach.EVERYWHERE,
    Permission.MANAGE_KEYS: Reach.EVERYWHERE,
}
_AGENT = {
    Permission.READ: Reach.SHARED,
    Permission.READ_AUDIT: Reach.LEASE,
    Permission.READ_CONTENTS: Reach.LEASE,
    Permission.READ_LOGS: Reach.LEASE,
    Permission.READ_URLS: Reach.LEASE,
    Permission.EDIT: Reach.LEASE,
    Permission.PUBLISH: Reach.LEASE,
    Permission.WRITE_FILES: Reach.LEASE,
    Permission.DEPLOY: Reach.LEASE,
    Permission.LEASE: Reach.LEASE,
}

TABLE: Mapping[Role, Mapping[Permission, Reach]] = MappingProxyType(
    {
        Role.OWNER: MappingProxyType(_OWNER),
        Role.EDITOR: MappingProxyType(_EDITOR),
        Role.OPERATOR: MappingProxyType(_OPERATOR),
        Role.VIEWER: MappingProxyType(_VIEWER),
        Role.AGENT: MappingProxyType(_AGENT),
    }
)
"""What is not said is not permitted."""

WEAKEST_FIRST = (Role.VIEWER, Role.OPERATOR, Role.EDITOR, Role.OWNER)


def reach(role: Role, permission: Permission) -> Reach:
    return TABLE[role].get(permission, Reach.NOWHERE)


def covers(role: Role, other: Role) -> bool:
    """Whether who has `role` may do all that `other` may."""
    return all(reach(role, permission) >= far for permission, far in TABLE[other].items())


def enough(permission: Permission) -> Role:
    """The weakest role that may do it everywhere."""
    return next(role for role in WEAKEST_FIRST if reach(role, permission) is Reach.EVERYWHERE)


def check(role: Role, permission: Permission) -> None:
    """Raises ForbiddenError, which says the role that would be enough, unless the role may do it somewhere."""
    if reach(role, permission) is Reach.NOWHERE:
        raise ForbiddenError(f"{a(role)} may not do this ({permission})", hint=f"the role {enough(permission)} would be enough")


def a(role: Role) -> str:
    """`a viewer`, `an agent`."""
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"
