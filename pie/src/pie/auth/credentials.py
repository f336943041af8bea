"""What a running server knows of its users. The files may change at any time: each question is answered from what they say now.

A file that cannot be used (readable by others, damaged) lets nobody in until it is repaired, and puts out nobody who is in: the log
says so once per change.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pie.auth import api_keys, users
from pie.auth.keys import PublicKey, parse_public_key
from pie.auth.private_file import Watched
from pie.auth.users import INTERNAL_USER, LOCAL_USER
from pie.config.home import Home
from pie.errors import CredentialsError, KeyRefusedError

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KnownUser:
    keys: tuple[PublicKey, ...]
    is_operator: bool


class Credentials:
    """Who may log in, how, and as what."""

    def __init__(self, home: Home, *, enabled: bool) -> None:
        """`enabled`: whether clients have to show anything. If not, the files are never looked at."""
        self.enabled = enabled
        self._users = Watched(home.users, _known_users)
        self._api_keys = Watched(home.api_keys, _users_by_hash)
        self._complaints: dict[object, CredentialsError] = {}

    def check(self) -> int:
        """How many users there are. Raises `CredentialsError` if a file cannot be used; for starting with a clear word."""
        if not self.enabled:
            return 0
        self._api_keys.get()
        return len(self._users.get())

    def knows(self, username: str) -> bool:
        """Whether who has logged in as this user may go on: until he is removed. A file that cannot be used removes nobody."""
        if not self.enabled or username == INTERNAL_USER:
            return True
        try:
            return username in self._users.get()
        except CredentialsError:
            return True

    def keys_of(self, username: str) -> tuple[PublicKey, ...] | None:
        """The user's public keys; None: there is no such user."""
        user = self._user(username)
        return None if user is None else user.keys

    def user_of_api_key(self, api_key: str) -> str | None:
        """Whose key it is; None: nobody's, or that of a user who is none any more. Without authentication any key will do."""
        if not self.enabled:
            return LOCAL_USER
        username = self._read(self._api_keys).get(api_keys.hash_of(api_key))
        return None if username is None or self._user(username) is None else username

    def is_operator(self, username: str) -> bool:
        """Whether the user may do what concerns everybody."""
        if not self.enabled or username == INTERNAL_USER:
            return True
        user = self._user(username)
        return user is not None and user.is_operator

    def _user(self, username: str) -> KnownUser | None:
        return self._read(self._users).get(username) if self.enabled else None

    def _read(self, file: Watched[Mapping[str, T]]) -> Mapping[str, T]:
        try:
            return file.get()
        except CredentialsError as error:
            if self._complaints.get(file) is not error:
                self._complaints[file] = error
                log.error("nobody can log in: %s", error)
            return {}


def _known_users(text: str) -> Mapping[str, KnownUser]:
    return {
        name: KnownUser(tuple(_usable_keys(name, user)), user.operator)
        for name, user in users.parse(text).items()
        if name != INTERNAL_USER
    }


def _usable_keys(username: str, user: users.User) -> list[PublicKey]:
    """The keys that are good. A bad one, written by hand, does not lock out the others."""
    usable = []
    for name, key in user.keys.items():
        try:
            usable.append(parse_public_key(key))
        except KeyRefusedError as error:
            log.warning("the key '%s' of %s is left out: %s", name, username, error)
    return usable


def _users_by_hash(text: str) -> Mapping[str, str]:
    return {key.sha256: username for username, keys in api_keys.parse(text).items() for key in keys.values()}
