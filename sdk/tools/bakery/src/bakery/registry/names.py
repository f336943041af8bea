"""Names of users and programs. A program is `name`, or `user/name`: then it is that user's for good.

Names that look alike are one: `Chat_bot` cannot be published beside `chat-bot`.
"""

import re
from dataclasses import dataclass
from typing import Self

from bakery.errors import InvalidRequestError
from bakery.limits import USER_NAME_CHARACTERS_MAX
from pie_wire.limits import PROGRAM_NAME_LENGTH_MAX
from pie_wire.manifest import is_program_name, is_version

_USER = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{USER_NAME_CHARACTERS_MAX - 1}}}")
_NUMBER_WIDTH = 40
_SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class ProgramName:
    base: str
    """As in the manifest."""
    scope: str = ""
    """A user, or nothing."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises `InvalidRequestError`."""
        scope, slash, base = text.rpartition("/")
        if not is_program_name(base) or (slash and not is_user_name(scope)):
            raise InvalidRequestError(
                f"name: {shown(text)} is no program name: letters, digits, '-' and '_', beginning with a letter or digit, "
                f"at most {PROGRAM_NAME_LENGTH_MAX} characters; or user/name"
            )
        return cls(base, scope)

    @property
    def folded(self) -> str:
        """The same for all names that look alike."""
        return str(self).lower().replace("_", "-")

    def __str__(self) -> str:
        return f"{self.scope}/{self.base}" if self.scope else self.base


def is_user_name(text: str) -> bool:
    return _USER.fullmatch(text) is not None


def checked_user_name(text: str) -> str:
    """Raises `InvalidRequestError`."""
    if not is_user_name(text):
        raise InvalidRequestError(
            f"{shown(text)} is no user name: lower-case letters, digits, '-' and '_', at most {USER_NAME_CHARACTERS_MAX} characters"
        )
    return text


def checked_version(text: str) -> str:
    """Raises `InvalidRequestError`. `01.0.0` is refused: it would be a second spelling of `1.0.0`."""
    parts = text.split(".")
    if not is_version(text) or any(len(part) > 1 and part.startswith("0") for part in parts):
        raise InvalidRequestError(f"version: must be major.minor.patch without leading zeros, not {shown(text)}")
    return text


def sort_key(version: str) -> str:
    """Orders versions as numbers when compared as text, in any database and under any collation: digits of one width."""
    return "".join(part.zfill(_NUMBER_WIDTH) for part in version.split("."))


def shown(text: str) -> str:
    """A hostile text as it may stand in a message."""
    return repr(text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…")
