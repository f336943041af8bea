"""Tokens of users, and signatures of upload addresses. Pure, but for new tokens being random.

A token is 256 random bits, so a plain SHA-256 of it is kept: nobody can try all.
"""

import hashlib
import hmac
import re
import secrets

from bakery.limits import TOKEN_CHARACTERS_MAX
from bakery.registry.records import Submission

_UPLOAD_ID = re.compile(r"[0-9a-f]{64}")
_PREFIX = "bakery_"
HINT_CHARACTERS = len(_PREFIX) + 4


def new_token() -> str:
    """`bakery_…`: the prefix lets scanners of leaked secrets find it."""
    return _PREFIX + secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def bearer(header: str) -> str | None:
    """The token of an `Authorization` header; None if it has none."""
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_CHARACTERS_MAX:
        return None
    return token


def upload_id(user_id: int, wanted: Submission) -> str:
    """The same for the same announcement of the same user: announcing twice is harmless."""
    return hashlib.sha256(_joined(user_id, *_fields(wanted))).hexdigest()


def is_upload_id(text: str) -> bool:
    return _UPLOAD_ID.fullmatch(text) is not None


def sign_upload(key: bytes, upload: str, wanted: Submission, expires_s: int) -> str:
    """Proves that we handed out the address: for this artifact of this version, until then."""
    return hmac.new(key, _joined(upload, *_fields(wanted), expires_s), hashlib.sha256).hexdigest()


def is_signed(key: bytes, upload: str, wanted: Submission, expires_s: int, signature: str) -> bool:
    return hmac.compare_digest(sign_upload(key, upload, wanted, expires_s).encode(), signature.encode("utf-8", "replace"))


def _fields(wanted: Submission) -> tuple[object, ...]:
    return str(wanted.name), wanted.version, wanted.checksum, wanted.size_bytes


def _joined(*parts: object) -> bytes:
    """None of the parts has a line end in it."""
    return "\n".join(map(str, parts)).encode()
