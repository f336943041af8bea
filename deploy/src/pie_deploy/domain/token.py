"""Forwarding tokens: what stands in an endpoint's URL after `/f/`.

A token is a keyed MAC of (backend, vertex, endpoint, rotation): nobody without the key can guess one, a fork has its own, a vertex
that was deleted and came back has the same again, and nothing needs to be stored. It is a bearer secret: it stays
out of logs.
"""

import hashlib
import hmac
from base64 import b32encode

from pie_deploy.limits import FORWARDING_TOKEN_BYTES, MAC_KEY_BYTES

TOKEN_CHARACTERS = FORWARDING_TOKEN_BYTES * 8 // 5


def forwarding_token(key: bytes, backend_id: str, vertex: str, endpoint: str, rotation: int) -> str:
    """The token, 32 characters of lower-case base32 (160 bits of HMAC-SHA256)."""
    assert len(key) >= MAC_KEY_BYTES, "the key of the forwarding tokens is too short"
    # Each field goes in with its length: no two different quadruples make the same message.
    fields = [field.encode() for field in ("pie forwarding token 1", backend_id, vertex, endpoint, str(rotation))]
    message = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    digest = hmac.new(key, message, hashlib.sha256).digest()[:FORWARDING_TOKEN_BYTES]
    return b32encode(digest).decode().lower()
