"""`authorized_users.toml`: who may log in, and with which public keys.

    [users.alice]
    operator = true

    [users.alice.keys]
    laptop = "ssh-ed25519 AAAA…"

The functions take the users of a file and return those of the next; `changed` applies them to the file.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import tomlkit
from msgspec import Struct, field

from pie.auth import private_file
from pie.auth.keys import parse_public_key
from pie.errors import CredentialsError, InvalidArgumentError, UserNotFoundError
from pie_wire.errors import ShapeError
from pie_wire.shape import convert

INTERNAL_USER = "internal"
"""Who logs in with the server's own token: the one who embeds it."""
LOCAL_USER = "local"
"""Everybody who gives no name when authentication is off."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
"""Names become names of folders and parts of log lines."""
KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+ -]{0,99}")

HEADER = "# Who may log in to this Pie. Changed by `pie auth`; a running server sees changes at once.\n\n"


class User(Struct, frozen=True, forbid_unknown_fields=True):
    operator: bool = False
    """May see and end everybody's processes, drain the server, reload its configuration."""
    keys: dict[str, str] = field(default_factory=dict)
    """Public keys by name."""


Users = Mapping[str, User]


class UsersFile(Struct, frozen=True, forbid_unknown_fields=True):
    users: dict[str, User] = field(default_factory=dict)


def parse(text: str) -> Users:
    """The users in a file's text. Raises `CredentialsError`."""
    try:
        return convert(tomllib.loads(text), UsersFile).users
    except (tomllib.TOMLDecodeError, RecursionError, ShapeError) as error:
        raise CredentialsError(f"the file of authorized users is damaged: {error}") from error


def load(path: Path) -> Users:
    """Raises `CredentialsError`."""
    return parse(private_file.read(path))


def change(path: Path, step: Callable[[Users], Users]) -> Users:
    """Replace what stands in the file by what `step` makes of it, alone. Returns that. Raises `CredentialsError`."""
    with private_file.locked(path):
        users = step(load(path))
        private_file.write(path, HEADER + tomlkit.dumps({"users": msgspec.to_builtins(users)}))
    return users


def with_user(users: Users, name: str, *, operator: bool | None = None) -> Users:
    """`name` is known, as an operator or not; None: as before, and not if it is new."""
    check_name(name)
    user = users.get(name, User())
    return {**users, name: msgspec.structs.replace(user, operator=user.operator if operator is None else operator)}


def with_key(users: Users, name: str, key_name: str, key: str) -> Users:
    """One more key. Raises `KeyRefusedError`, `InvalidArgumentError`."""
    users = with_user(users, name)
    keys = users[name].keys
    if KEY_NAME.fullmatch(key_name) is None:
        raise InvalidArgumentError(f"'{key_name}' cannot be the name of a key: letters, digits, spaces and ._:@+-")
    if key_name in keys:
        raise InvalidArgumentError(f"{name} has a key '{key_name}' already; take another name, or remove that one first")
    parse_public_key(key)
    return {**users, name: msgspec.structs.replace(users[name], keys={**keys, key_name: key.strip()})}


def without_user(users: Users, name: str) -> Users:
    """Raises `UserNotFoundError`."""
    require(users, name)
    return {other: user for other, user in users.items() if other != name}


def without_key(users: Users, name: str, key_name: str) -> Users:
    """Raises `UserNotFoundError`."""
    user = require(users, name)
    if key_name not in user.keys:
        raise UserNotFoundError(f"{name} has no key '{key_name}'")
    keys = {other: key for other, key in user.keys.items() if other != key_name}
    return {**users, name: msgspec.structs.replace(user, keys=keys)}


def require(users: Users, name: str) -> User:
    """Raises `UserNotFoundError`."""
    if name not in users:
        raise UserNotFoundError(f"there is no user '{name}'; add one with: pie auth add {name}")
    return users[name]


def check_name(name: str) -> None:
    """Raises `InvalidArgumentError` for what cannot be a user's name."""
    if name == INTERNAL_USER:
        raise InvalidArgumentError(f"'{name}' is the server itself; take another name")
    if NAME.fullmatch(name) is None:
        raise InvalidArgumentError(f"'{name}' cannot be a user's name: 1 to 64 letters, digits and ._@-, a letter or digit first")
