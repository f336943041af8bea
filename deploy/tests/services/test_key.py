"""API keys: made, listed, revoked, found."""

import pytest
from service_platform import ALICE, BOB, SECOND_NS, START_NS, ServicePlatform

from pie_deploy.domain.role import Role
from pie_deploy.errors import (
    AlreadyExistsError,
    ForbiddenError,
    InvalidArgumentError,
    NotFoundError,
    UnauthenticatedError,
)
from pie_deploy.limits import API_KEY_EXPIRED_KEPT_NS, API_KEY_LIFE_NS, API_KEYS_OF_USER_MAX
from pie_deploy.services import key as service
from pie_deploy.services.actor import Actor
from pie_deploy.services.views import MadeKey

EDITOR = Actor("edith", "test", role=Role.EDITOR, key="users.edith.keys[0]")


def holder(made: MadeKey) -> Actor:
    """Who asks with a key that was made."""
    return Actor(made.key.user, "test", role=made.key.role, key=made.key.id)


def names(platform: ServicePlatform, actor: Actor, **how: bool) -> list[str]:
    return sorted(key.name for key in platform.services.keys.list(actor, **how))


def test_a_key_is_found_by_its_secret(platform: ServicePlatform) -> None:
    made = platform.services.keys.create(ALICE, Role.VIEWER, name="ci")
    found = platform.services.keys.find(made.secret)
    assert found is not None
    assert (found.id, found.user, found.role, found.name) == (made.key.id, "alice", Role.VIEWER, "ci")


@pytest.mark.parametrize("change", [lambda key: key[:-1], lambda key: key + "A", str.upper, lambda key: "", lambda key: key[4:]])
def test_another_text_finds_nothing(platform: ServicePlatform, change) -> None:  # type: ignore[no-untyped-def]
    made = platform.services.keys.create(ALICE, Role.VIEWER)
    assert platform.services.keys.find(change(made.secret)) is None
    assert platform.services.keys.find(made.key.id) is None


def test_the_secret_is_kept_nowhere(platform: ServicePlatform) -> None:
    secrets = [platform.services.keys.create(ALICE, Role.OWNER).secret for _ in range(3)]
    assert len(set(secrets)) == 3
    with platform.store.reading() as reading:
        kept = f"{reading.api_keys()} {platform.services.audit.list(ALICE)} {platform.services.keys.list(ALICE)}"
    assert not any(secret in kept or secret.removeprefix("pie_")[9:] in kept for secret in secrets)


def test_what_is_shown_of_a_key_does_not_lead_to_it(platform: ServicePlatform) -> None:
    made = platform.services.keys.create(ALICE, Role.OWNER)
    with platform.store.reading() as reading:
        (row,) = reading.api_keys()
    shown = f"{platform.services.keys.list(ALICE)} {platform.services.audit.list(ALICE)}"
    assert row.digest not in shown
    assert made.secret.startswith(made.key.prefix) and len(made.key.prefix) < 16


def test_a_key_lives_as_long_as_was_asked_for(platform: ServicePlatform) -> None:
    made = platform.services.keys.create(ALICE, Role.VIEWER, expires="30d")
    assert made.key.expires_at_ns == START_NS + 30 * 86400 * SECOND_NS
    platform.clock.advance(30 * 86400 * SECOND_NS - 1)
    assert platform.services.keys.find(made.secret) is not None
    platform.clock.advance(1)
    assert platform.services.keys.find(made.secret) is None


def test_a_key_for_which_no_time_is_said_ends_too(platform: ServicePlatform) -> None:
    assert platform.services.keys.create(ALICE, Role.VIEWER).key.expires_at_ns == START_NS + API_KEY_LIFE_NS


@pytest.mark.parametrize("expires", ["0s", "-1h", "0d", "367d", "9999h", "soon", "", "1e3d", "٣d"])
def test_a_time_that_a_key_cannot_have_is_refused(platform: ServicePlatform, expires: str) -> None:
    with pytest.raises(InvalidArgumentError):
        platform.services.keys.create(ALICE, Role.VIEWER, expires=expires)
    assert names(platform, ALICE) == []


@pytest.mark.parametrize("name", ["-x", " x", "a\nb", "x" * 101, "käse", "\x1b[2J"])
def test_a_name_that_cannot_be_shown_is_refused(platform: ServicePlatform, name: str) -> None:
    with pytest.raises(InvalidArgumentError):
        platform.services.keys.create(ALICE, Role.VIEWER, name=name)


def test_a_name_is_one_key_of_a_user_s(platform: ServicePlatform) -> None:
    platform.services.keys.create(ALICE, Role.VIEWER, name="ci")
    platform.services.keys.create(BOB, Role.VIEWER, name="ci")
    with pytest.raises(AlreadyExistsError, match="alice has a key 'ci' already"):
        platform.services.keys.create(ALICE, Role.OWNER, name="ci")


@pytest.mark.parametrize(
    ("own", "wanted"),
    [(own, wanted) for own in Role for wanted in Role if own != wanted],
    ids=str,
)
def test_nobody_makes_a_key_that_may_do_more_than_his_own(platform: ServicePlatform, own: Role, wanted: Role) -> None:
    allowed = {Role.OWNER: set(Role), Role.EDITOR: set(Role) - {Role.OWNER}, Role.OPERATOR: {Role.VIEWER}}.get(own, set())
    actor = Actor("sam", "test", role=own, key="users.sam.keys[0]")
    if wanted in allowed:
        assert platform.services.keys.create(actor, wanted).key.role == wanted
    else:
        with pytest.raises(ForbiddenError, match=r"nobody gives more than he has|may not do this \(make-keys\)"):
            platform.services.keys.create(actor, wanted)


def test_a_key_made_with_a_key_ends_no_later(platform: ServicePlatform) -> None:
    first = platform.services.keys.create(ALICE, Role.EDITOR, expires="1h")
    second = platform.services.keys.create(holder(first), Role.VIEWER, expires="300d")
    assert second.key.expires_at_ns == first.key.expires_at_ns
    assert (second.key.user, second.key.made_with, second.key.granted_by) == ("alice", first.key.id, "alice")


def test_a_key_that_is_revoked_while_it_asks_makes_none(platform: ServicePlatform) -> None:
    first = platform.services.keys.create(ALICE, Role.EDITOR)
    platform.services.keys.revoke(ALICE, first.key.id)
    with pytest.raises(UnauthenticatedError):
        platform.services.keys.create(holder(first), Role.VIEWER)


def test_revoking_a_key_revokes_all_that_goes_back_to_it(platform: ServicePlatform) -> None:
    keys = platform.services.keys
    root = keys.create(ALICE, Role.OWNER, name="root")
    child = keys.create(holder(root), Role.EDITOR, name="child", user="bob")
    grandchild = keys.create(holder(child), Role.VIEWER, name="grandchild")
    other = keys.create(ALICE, Role.VIEWER, name="other")
    assert {key.name for key in keys.revoke(ALICE, "root")} == {"root", "child", "grandchild"}
    assert [keys.find(made.secret) is not None for made in (root, child, grandchild, other)] == [False, False, False, True]


def test_an_owner_makes_keys_for_others_and_nobody_else_does(platform: ServicePlatform) -> None:
    made = platform.services.keys.create(ALICE, Role.EDITOR, user="bob")
    assert (made.key.user, made.key.granted_by) == ("bob", "alice")
    with pytest.raises(ForbiddenError, match="only an owner may make a key for somebody else"):
        platform.services.keys.create(EDITOR, Role.VIEWER, user="bob")
    with pytest.raises(InvalidArgumentError):
        platform.services.keys.create(ALICE, Role.VIEWER, user="platform")
    assert platform.services.keys.create(EDITOR, Role.VIEWER, user="edith").key.user == "edith"


def test_keys_are_listed_to_whom_they_belong_and_all_to_an_owner(platform: ServicePlatform) -> None:
    platform.services.keys.create(ALICE, Role.OWNER, name="a")
    platform.services.keys.create(EDITOR, Role.VIEWER, name="e")
    assert (names(platform, ALICE), names(platform, EDITOR), names(platform, BOB)) == (["a"], ["e"], [])
    assert names(platform, ALICE, all_users=True) == ["a", "e"]
    with pytest.raises(ForbiddenError):
        names(platform, EDITOR, all_users=True)


def test_a_key_of_somebody_else_is_not_there_to_revoke(platform: ServicePlatform) -> None:
    made = platform.services.keys.create(ALICE, Role.VIEWER, name="a")
    for ref in (made.key.id, "a"):
        with pytest.raises(NotFoundError):
            platform.services.keys.revoke(EDITOR, ref)
    assert [key.id for key in platform.services.keys.revoke(BOB, made.key.id)] == [made.key.id]  # an owner


def test_a_weak_key_does_not_revoke_a_strong_one(platform: ServicePlatform) -> None:
    strong = platform.services.keys.create(ALICE, Role.EDITOR, name="strong")
    weak = platform.services.keys.create(ALICE, Role.VIEWER, name="weak")
    with pytest.raises(ForbiddenError, match="stronger"):
        platform.services.keys.revoke(holder(weak), "strong")
    assert platform.services.keys.find(strong.secret) is not None
    platform.services.keys.revoke(holder(weak), "weak")


def test_a_user_has_no_more_keys_than_the_bound(platform: ServicePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "API_KEYS_OF_USER_MAX", 2)
    monkeypatch.setattr(service, "API_KEYS_MAX", 3)
    for _ in range(2):
        platform.services.keys.create(ALICE, Role.VIEWER)
    with pytest.raises(InvalidArgumentError, match="alice has"):
        platform.services.keys.create(ALICE, Role.VIEWER)
    platform.services.keys.create(BOB, Role.VIEWER)
    with pytest.raises(InvalidArgumentError, match="as many as there may be"):
        platform.services.keys.create(EDITOR, Role.VIEWER)
    assert API_KEYS_OF_USER_MAX > 2


def test_keys_that_expired_long_ago_make_room(platform: ServicePlatform) -> None:
    platform.services.keys.create(ALICE, Role.VIEWER, name="old", expires="1h")
    platform.clock.advance(3600 * SECOND_NS + API_KEY_EXPIRED_KEPT_NS - 1)
    assert names(platform, ALICE) == ["old"]
    platform.clock.advance(1)
    platform.services.keys.create(ALICE, Role.VIEWER, name="new")
    assert names(platform, ALICE) == ["new"]


def test_the_audit_names_the_key_that_did_it(platform: ServicePlatform) -> None:
    made = platform.services.keys.create(ALICE, Role.OWNER, name="ci")
    platform.services.backends.create(holder(made), "words")
    platform.services.keys.revoke(ALICE, "ci")
    created, changed, revoked = platform.services.audit.list(ALICE)
    assert [event.type for event in (created, changed, revoked)] == ["key.created", "backend.created", "key.revoked"]
    assert changed.data["key"] == created.data["id"] == revoked.data["id"] == made.key.id
    assert (created.data["name"], created.data["role"], created.data["user"]) == ("ci", "owner", "alice")
