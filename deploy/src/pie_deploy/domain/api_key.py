"""API keys that the platform keeps: what one looks like, how it is known again, how long it lives, who may give which. Pure.

A key is `pie_` and 32 random bytes. Kept are its SHA-256 and its first characters. Authority is only ever handed down: a key's role
is covered by that of the key it was made with, it ends no later, and it goes when that one is revoked.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable

from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.records import ApiKey
from pie_deploy.domain.role import Role, a, covers
from pie_deploy.errors import ForbiddenError, InvalidArgumentError
from pie_deploy.limits import (
    API_KEY_BYTES,
    API_KEY_EXPIRED_KEPT_NS,
    API_KEY_LIFE_MAX_NS,
    API_KEY_LIFE_NS,
    API_KEY_PREFIX_CHARACTERS,
)

PREFIX = "pie_"
"""So that people, and scanners for leaked secrets, know one when they see it."""

DAY_NS = 24 * 3600 * 10**9

_SECRET = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{{(API_KEY_BYTES * 8 + 5) // 6}}}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+ -]{0,99}")
_USER = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_DAYS = re.compile(r"([0-9]{1,4})d")
_RESERVED = frozenset({"platform"})
"""Users who are nobody: events would name them."""


def is_stored(key_id: str) -> bool:
    """Whether an actor's key is one that is kept here."""
    return key_id.startswith("k-")


def secret_of(random_bytes: bytes) -> str:
    """The key that these bytes make."""
    assert len(random_bytes) == API_KEY_BYTES, "a key of another length"
    return PREFIX + urlsafe_b64encode(random_bytes).decode().rstrip("=")


def looks_like_one(text: str) -> bool:
    """Whether it is worth looking for."""
    return _SECRET.fullmatch(text) is not None


def digest_of(key: str) -> str:
    """What is kept instead of a key; of any text that somebody may show as one."""
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()


def prefix_of(secret: str) -> str:
    return secret[:API_KEY_PREFIX_CHARACTERS]


def is_it(key: ApiKey, digest: str) -> bool:
    """In a time that says nothing about how much of it is right."""
    return hmac.compare_digest(key.digest, digest)


def is_expired(key: ApiKey, now_ns: int) -> bool:
    return now_ns >= key.expires_at_ns


def is_forgotten(key: ApiKey, now_ns: int) -> bool:
    """Whether it need not even be shown as expired any more."""
    return now_ns >= key.expires_at_ns + API_KEY_EXPIRED_KEPT_NS


def parse_life(text: str | None) -> int:
    """Nanoseconds that a key shall live: `30d`, or a duration such as `12h`. Raises InvalidArgumentError."""
    if text is None:
        return API_KEY_LIFE_NS
    days = _DAYS.fullmatch(text)
    life_ns = int(days[1]) * DAY_NS if days else parse_duration(text)
    if not 0 < life_ns <= API_KEY_LIFE_MAX_NS:
        raise InvalidArgumentError(f"a key lives for more than 0 and at most {API_KEY_LIFE_MAX_NS // DAY_NS}d, not {text}")
    return life_ns


def end_of(now_ns: int, life_ns: int, maker: ApiKey | None) -> int:
    """When a key ends that is made now: no later than the one it is made with."""
    wanted = now_ns + life_ns
    return wanted if maker is None else min(wanted, maker.expires_at_ns)


def check_name(name: str) -> None:
    """Raises InvalidArgumentError."""
    if _NAME.fullmatch(name) is None:
        raise InvalidArgumentError(f"{name[:100]!r} cannot be the name of a key: letters, digits, spaces and ._:@+-")


def check_user(user: str) -> None:
    """Raises InvalidArgumentError for what cannot be a user."""
    if _USER.fullmatch(user) is None or user in _RESERVED:
        raise InvalidArgumentError(f"{user[:80]!r} cannot be a user's name; it matches {_USER.pattern}")


def check_role(own: Role, wanted: Role) -> None:
    """Raises ForbiddenError when it would be more than one has."""
    if not covers(own, wanted):
        strongest = ", ".join(role for role in Role if covers(own, role))
        raise ForbiddenError(
            f"{a(own)} cannot make a key of role {wanted}: nobody gives more than he has", hint=f"possible: {strongest}"
        )


def made_with(key_id: str, keys: Iterable[ApiKey]) -> list[str]:
    """The ids of all keys that go back to one, without itself. Makers are older than what they make: there is no circle."""
    everything = list(keys)
    found = [key_id]
    for id_ in found:
        found += [key.id for key in everything if key.made_with == id_]
    return found[1:]
