"""Who may use the API: the user who started the platform, and those of the configuration."""

import getpass
import hashlib
import os
import secrets
from collections.abc import Callable, Mapping

from pie_deploy.config import Config, Home
from pie_deploy.errors import StorageError, UnauthenticatedError
from pie_deploy.services.actor import Actor

CREDENTIAL_CHARACTERS_MAX = 512
"""Of what a client shows: it is hashed before anybody knows who that is."""


def local_credential(home: Home) -> str:
    """The API key of the local user, made at the first start and kept. Raises StorageError."""
    try:
        return home.credential.read_text(encoding="ascii").strip() or _made(home)
    except FileNotFoundError:
        return _made(home)
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{home.credential}: cannot be read: {error}") from error


def authenticate(config: Config, local_key: str) -> Callable[[str | None], Actor]:
    """Turns an API key into who that is. What it returns raises UnauthenticatedError."""
    names: Mapping[str, str] = {
        **{digest: name for name, user in config.users.items() for digest in user.keys},
        _digest(local_key): own_name(),
    }

    def actor_of(key: str | None) -> Actor:
        if not key or len(key) > CREDENTIAL_CHARACTERS_MAX:
            raise UnauthenticatedError("show an API key: Authorization: Bearer …")
        # A dictionary of digests: how long looking takes tells nothing about the keys.
        name = names.get(_digest(key))
        if name is None:
            raise UnauthenticatedError("this API key is nobody's")
        return Actor(name, "api")

    return actor_of


def own_name() -> str:
    """Of the user who runs the platform."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return f"uid-{os.getuid()}"


def _made(home: Home) -> str:
    key = f"pie_{secrets.token_urlsafe(32)}"
    draft = home.credential.with_suffix(".new")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(f"{key}\n")
        draft.replace(home.credential)
    except OSError as error:
        raise StorageError(f"{home.credential}: cannot be written: {error.strerror}") from error
    return key


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode(errors="surrogateescape")).hexdigest()
