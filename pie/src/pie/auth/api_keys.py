"""`api_keys.toml`: API keys for HTTP. Only their hashes are kept, so that the file gives nobody away.

A key is 32 random bytes: guessing is hopeless, hence a fast hash does.
"""

import hashlib
import secrets
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import tomlkit
from msgspec import Struct, field

from pie.auth import private_file
from pie.auth.users import KEY_NAME
from pie.errors import CredentialsError, InvalidArgumentError, UserNotFoundError
from pie_wire.errors import ShapeError
from pie_wire.shape import convert

PREFIX = "pie-"
"""So that people, and scanners for leaked secrets, know one when they see it."""
RANDOM_BYTES = 32

HEADER = "# API keys for HTTP: their hashes. Changed by `pie auth api-key`; a running server sees changes at once.\n\n"


class ApiKey(Struct, frozen=True, forbid_unknown_fields=True):
    sha256: str
    created: str = ""
    """When, for people."""


ApiKeys = Mapping[str, Mapping[str, ApiKey]]
"""By user, by name."""


class ApiKeysFile(Struct, frozen=True, forbid_unknown_fields=True):
    users: dict[str, dict[str, ApiKey]] = field(default_factory=dict)


def generate() -> str:
    """A new key. Nobody can show it again."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode(errors="replace")).hexdigest()


def parse(text: str) -> ApiKeys:
    """The keys in a file's text. Raises `CredentialsError`."""
    try:
        return convert(tomllib.loads(text), ApiKeysFile).users
    except (tomllib.TOMLDecodeError, RecursionError, ShapeError) as error:
        raise CredentialsError(f"the file of API keys is damaged: {error}") from error


def load(path: Path) -> ApiKeys:
    """Raises `CredentialsError`."""
    return parse(private_file.read(path))


def change(path: Path, step: Callable[[ApiKeys], ApiKeys]) -> ApiKeys:
    """Replace what stands in the file by what `step` makes of it, alone. Returns that. Raises `CredentialsError`."""
    with private_file.locked(path):
        keys = step(load(path))
        private_file.write(path, HEADER + tomlkit.dumps({"users": msgspec.to_builtins(keys)}))
    return keys


def with_key(keys: ApiKeys, username: str, name: str, key: str, created: str) -> ApiKeys:
    """One more key. Raises `InvalidArgumentError`."""
    mine = keys.get(username, {})
    if KEY_NAME.fullmatch(name) is None:
        raise InvalidArgumentError(f"'{name}' cannot be the name of a key: letters, digits, spaces and ._:@+-")
    if name in mine:
        raise InvalidArgumentError(f"{username} has an API key '{name}' already; take another name, or revoke that one first")
    return {**keys, username: {**mine, name: ApiKey(hash_of(key), created)}}


def without_key(keys: ApiKeys, username: str, name: str) -> ApiKeys:
    """Raises `UserNotFoundError`."""
    if name not in keys.get(username, {}):
        raise UserNotFoundError(f"{username} has no API key '{name}'; `pie auth api-key list` shows all")
    return {**keys, username: {other: key for other, key in keys[username].items() if other != name}}


def without_user(keys: ApiKeys, username: str) -> ApiKeys:
    """Without any key of that user, if there were some."""
    return {other: mine for other, mine in keys.items() if other != username}
