"""Who may use the API: the local user, those of the configuration, and whoever shows a key that the platform keeps."""

import asyncio
import getpass
import hmac
import os
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from pie_deploy.config import Config, Home
from pie_deploy.domain.api_key import digest_of, secret_of
from pie_deploy.domain.records import ApiKey
from pie_deploy.domain.role import Role, a, covers
from pie_deploy.errors import StorageError, UnauthenticatedError
from pie_deploy.limits import API_KEY_BYTES, API_KEY_LOOKS_AT_ONCE
from pie_deploy.services.actor import Actor

CREDENTIAL_CHARACTERS_MAX = 512
"""Of what a client shows: it is hashed before anybody knows who that is."""
LOCAL_KEY = "local"
"""What events call the key of the local user."""


class StoredKeys(Protocol):
    """`services.key.Keys`, as far as it is asked here."""

    def find(self, secret: str) -> ApiKey | None: ...


@dataclass(frozen=True, slots=True)
class _Known:
    """Whose key it is that the configuration has, or the home."""

    digest: str
    actor: Actor


def local_credential(home: Home) -> str:
    """The API key of the local user, made at the first start and kept. Raises StorageError."""
    try:
        return home.credential.read_text(encoding="ascii").strip() or _made(home)
    except FileNotFoundError:
        return _made(home)
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{home.credential}: cannot be read: {error}") from error


class Credentials:
    """Turns an API key into who that is. Called anew while something goes on, as keys expire and are revoked."""

    def __init__(self, config: Config, local_key: str, stored: StoredKeys) -> None:
        self._stored = stored
        self._roles: Mapping[str, Role] = {
            **{name: user.role for name, user in config.users.items()},
            own_name(): Role.OWNER,
        }
        self._known: Mapping[str, _Known] = {
            **{
                digest: _Known(digest, Actor(name, "api", role=user.role, key=f"users.{name}.keys[{number}]"))
                for name, user in config.users.items()
                for number, digest in enumerate(user.keys)
            },
            digest_of(local_key): _Known(digest_of(local_key), Actor(own_name(), "api", role=Role.OWNER, key=LOCAL_KEY)),
        }
        self._threads = ThreadPoolExecutor(API_KEY_LOOKS_AT_ONCE, "credentials")

    async def __call__(self, key: str | None) -> Actor:
        """Raises UnauthenticatedError, StorageError."""
        if not key or len(key) > CREDENTIAL_CHARACTERS_MAX:
            raise UnauthenticatedError("show an API key: Authorization: Bearer …")
        digest = digest_of(key)
        # A dictionary of digests: how long looking takes tells nothing about the keys.
        known = self._known.get(digest)
        if known is not None and hmac.compare_digest(known.digest, digest):
            return known.actor
        stored = await asyncio.get_running_loop().run_in_executor(self._threads, self._stored.find, key)
        if stored is None:
            raise UnauthenticatedError("this API key is nobody's: it is none, was revoked, or has expired")
        self._check_authority(stored)
        return Actor(stored.user, "api", role=stored.role, key=stored.id)

    def _check_authority(self, key: ApiKey) -> None:
        """Whoever it goes back to is still there, and may still do what the key may. Raises UnauthenticatedError."""
        role = self._roles.get(key.granted_by)
        if role is None:
            raise UnauthenticatedError(f"this API key goes back to {key.granted_by}, who is no user any more")
        if not covers(role, key.role):
            raise UnauthenticatedError(f"this API key is {a(key.role)}'s and goes back to {key.granted_by}, who is {a(role)} now")


def own_name() -> str:
    """Of the user who runs the platform."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return f"uid-{os.getuid()}"


def _made(home: Home) -> str:
    key = secret_of(secrets.token_bytes(API_KEY_BYTES))
    draft = home.credential.with_suffix(".new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(f"{key}\n")
        draft.replace(home.credential)
    except OSError as error:
        raise StorageError(f"{home.credential}: cannot be written: {error.strerror}") from error
    return key
