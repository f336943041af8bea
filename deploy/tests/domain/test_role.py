"""The table of roles, all of it."""

import itertools

import pytest

from pie_deploy.domain.role import TABLE, Permission, Reach, Role, a, check, covers, enough, reach
from pie_deploy.errors import ForbiddenError

#                    owner editor operator viewer agent;  E everywhere, S shared and own leases, L own leases, - nowhere
EXPECTED = {
    Permission.READ: "EEEES",
    Permission.READ_AUDIT: "EEEEL",
    Permission.READ_CONTENTS: "EE--L",
    Permission.READ_LOGS: "EEE-L",
    Permission.READ_URLS: "EEE-L",
    Permission.EDIT: "EE--L",
    Permission.PUBLISH: "EE--L",
    Permission.RELEASE: "EE---",
    Permission.WRITE_FILES: "EE--L",
    Permission.DEPLOY: "EEE-L",
    Permission.LEASE: "EEE-L",
    Permission.KEEP: "EE---",
    Permission.OPERATE: "EEE--",
    Permission.CREATE_RUNTIMES: "E----",
    Permission.MAKE_KEYS: "EEEE-",
    Permission.MANAGE_KEYS: "E----",
}
LETTERS = {"E": Reach.EVERYWHERE, "S": Reach.SHARED, "L": Reach.LEASE, "-": Reach.NOWHERE}


def test_every_permission_of_every_role_is_as_written_here() -> None:
    assert set(EXPECTED) == set(Permission)
    assert set(TABLE) == set(Role)
    for permission, row in EXPECTED.items():
        assert [reach(role, permission) for role in Role] == [LETTERS[letter] for letter in row], permission


def test_an_owner_may_do_everything_everywhere() -> None:
    assert all(reach(Role.OWNER, permission) is Reach.EVERYWHERE for permission in Permission)


def test_who_covers_whom() -> None:
    covered = {role: {other for other in Role if covers(role, other)} for role in Role}
    assert covered == {
        Role.OWNER: set(Role),
        Role.EDITOR: {Role.EDITOR, Role.OPERATOR, Role.VIEWER, Role.AGENT},
        Role.OPERATOR: {Role.OPERATOR, Role.VIEWER},
        Role.VIEWER: {Role.VIEWER},
        Role.AGENT: {Role.AGENT},
    }


@pytest.mark.parametrize(("role", "permission"), list(itertools.product(Role, Permission)))
def test_a_refusal_names_a_role_that_is_enough(role: Role, permission: Permission) -> None:
    if reach(role, permission) is not Reach.NOWHERE:
        check(role, permission)
        return
    with pytest.raises(ForbiddenError, match=f"{a(role)} may not do this \\({permission}\\)") as caught:
        check(role, permission)
    assert caught.value.hint == f"the role {enough(permission)} would be enough"
    check(enough(permission), permission)


def test_roles_are_told_with_their_article() -> None:
    assert [a(role) for role in (Role.OWNER, Role.VIEWER, Role.AGENT)] == ["an owner", "a viewer", "an agent"]
