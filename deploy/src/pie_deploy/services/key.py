"""API keys that the platform keeps: made, listed, revoked, and known again when somebody shows one.

The secret leaves once, in the answer to whoever asked for it. Recorded are a digest and a few characters (`domain.api_key`).
"""

import secrets
from collections.abc import Sequence

from pie_deploy.domain import api_key as keys
from pie_deploy.domain.records import ApiKey
from pie_deploy.domain.role import Permission, Reach, Role, check, covers, reach
from pie_deploy.errors import AlreadyExistsError, ForbiddenError, InvalidArgumentError, NotFoundError, UnauthenticatedError
from pie_deploy.limits import API_KEY_BYTES, API_KEYS_MAX, API_KEYS_OF_USER_MAX
from pie_deploy.services.actor import Actor
from pie_deploy.services.ledger import Change, Ledger
from pie_deploy.services.views import KeyView, MadeKey


class Keys:
    """A key is its user's, and so are those that go back to it; an owner has to do with all."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def create(self, actor: Actor, role: Role, *, name: str = "", expires: str | None = None, user: str | None = None) -> MadeKey:
        """Make a key. Its secret is in the answer, and nowhere else.

        role: covered by the actor's. name: one that no other key of the user has; empty: its id. expires: from now, `30d` or a
        Go duration; a key ends no later than the one it is made with. user: as whom it asks, by default the actor; only an owner
        may name another one.

        Raises ForbiddenError, InvalidArgumentError (a name or a time out of form, too many keys), AlreadyExistsError.
        """
        check(actor.role, Permission.MAKE_KEYS)
        keys.check_role(actor.role, role)
        user = _chosen_user(actor, user)
        life_ns = keys.parse_life(expires)
        if name:
            keys.check_name(name)
        secret = keys.secret_of(secrets.token_bytes(API_KEY_BYTES))
        with self._ledger.change(actor) as change:
            living = _living(change)
            _check_room(living, user)
            maker = _maker(living, actor)
            id_ = change.new_id("k")
            key = ApiKey(
                id=id_,
                name=name or id_,
                prefix=keys.prefix_of(secret),
                digest=keys.digest_of(secret),
                user=user,
                role=role,
                granted_by=actor.name if maker is None else maker.granted_by,
                made_with=actor.key,
                created_at_ns=change.now_ns,
                expires_at_ns=keys.end_of(change.now_ns, life_ns, maker),
            )
            if any((other.user, other.name) == (user, key.name) for other in living):
                raise AlreadyExistsError(
                    f"{user} has a key {key.name!r} already", hint="take another name, or revoke that one first"
                )
            change.rows.put_api_key(key)
            _tell(change, "key.created", key, expires_at_ns=key.expires_at_ns)
        return MadeKey(key=_view(key), secret=secret)

    def list(self, actor: Actor, *, all_users: bool = False) -> Sequence[KeyView]:
        """The actor's, oldest first; with `all_users`, everybody's (ForbiddenError unless he may manage them)."""
        check(actor.role, Permission.MAKE_KEYS)
        if all_users:
            _check_manages(actor, "list the keys of others")
        with self._ledger.reading() as reading:
            return [_view(key) for key in reading.api_keys() if (all_users or key.user == actor.name)]

    def revoke(self, actor: Actor, ref: str) -> Sequence[KeyView]:
        """A key, by its id or by the name of one's own, and those that were made with it. It is nobody's from now on. Returns all
        that were revoked. Raises NotFoundError, also for a key of somebody else; ForbiddenError for one that is stronger.
        """
        check(actor.role, Permission.MAKE_KEYS)
        with self._ledger.change(actor) as change:
            everything = change.rows.api_keys()
            key = _named(everything, actor, ref)
            if not covers(actor.role, key.role):
                raise ForbiddenError(
                    f"key {key.name} is stronger than the one you ask with", hint=f"the role {key.role} would be enough"
                )
            ids = {key.id, *keys.made_with(key.id, everything)}
            revoked = [one for one in everything if one.id in ids]
            change.rows.delete_api_keys([one.id for one in revoked])
            for one in revoked:
                _tell(change, "key.revoked", one)
        return [_view(one) for one in revoked]

    def find(self, secret: str) -> ApiKey | None:
        """The key that somebody shows; None: it is none, it was revoked, its time is over."""
        if not keys.looks_like_one(secret):
            return None
        digest = keys.digest_of(secret)
        with self._ledger.reading() as reading:
            key = reading.find_api_key(digest)
        if key is None or not keys.is_it(key, digest) or keys.is_expired(key, self._ledger.now_ns()):
            return None
        return key


def _chosen_user(actor: Actor, user: str | None) -> str:
    if user is None or user == actor.name:
        return actor.name
    _check_manages(actor, "make a key for somebody else")
    keys.check_user(user)
    return user


def _check_manages(actor: Actor, what: str) -> None:
    if reach(actor.role, Permission.MANAGE_KEYS) is Reach.NOWHERE:
        raise ForbiddenError(f"only an owner may {what}", hint=f"the role {Role.OWNER} would be enough")


def _living(change: Change) -> list[ApiKey]:
    """All keys; those that expired long ago go now."""
    everything = change.rows.api_keys()
    change.rows.delete_api_keys([key.id for key in everything if keys.is_forgotten(key, change.now_ns)])
    return [key for key in everything if not keys.is_forgotten(key, change.now_ns)]


def _maker(living: Sequence[ApiKey], actor: Actor) -> ApiKey | None:
    """The stored key that the actor asks with; None: it is none. Raises UnauthenticatedError when it was revoked meanwhile."""
    found = next((key for key in living if key.id == actor.key), None)
    if found is None and keys.is_stored(actor.key):
        raise UnauthenticatedError("the key that you ask with was revoked")
    return found


def _check_room(living: Sequence[ApiKey], user: str) -> None:
    if sum(key.user == user for key in living) >= API_KEYS_OF_USER_MAX:
        raise InvalidArgumentError(f"{user} has {API_KEYS_OF_USER_MAX} keys, as many as one may have", hint="revoke some")
    if len(living) >= API_KEYS_MAX:
        raise InvalidArgumentError(f"there are {API_KEYS_MAX} keys, as many as there may be", hint="revoke some")


def _named(everything: Sequence[ApiKey], actor: Actor, ref: str) -> ApiKey:
    """By id, of all that he may revoke; by name, of his own."""
    manages = reach(actor.role, Permission.MANAGE_KEYS) is not Reach.NOWHERE
    for key in everything:
        if key.id == ref and (manages or key.user == actor.name):
            return key
    for key in everything:
        if key.name == ref and key.user == actor.name:
            return key
    raise NotFoundError(f"you have no key {ref[:80]!r}")


def _tell(change: Change, event: str, key: ApiKey, **more: object) -> None:
    change.tell(event, data={"id": key.id, "name": key.name, "user": key.user, "role": key.role.value, **more})


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        user=key.user,
        role=key.role,
        granted_by=key.granted_by,
        made_with=key.made_with,
        created_at_ns=key.created_at_ns,
        expires_at_ns=key.expires_at_ns,
    )
