"""New ids: a prefix that says of what, then 12 lower-case base32 characters."""

import secrets
from collections.abc import Callable

NewId = Callable[[str], str]
"""Makes an id from a prefix: `b` backend, `d` deployment, `c` container, `r` runtime, `l` lease, `f` file, `cv` component
version.
"""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_LENGTH = 12


def new_id(prefix: str) -> str:
    """60 random bits: two of a million collide once in two million such sets."""
    return f"{prefix}-" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
