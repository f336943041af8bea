"""Names from outside (users, programs, addresses of registries) as names of files: no two share one, on any file system."""

import string
from urllib.parse import unquote

from blake3 import blake3

from pie.limits import PROGRAM_FILE_NAME_MAX

_KEPT = frozenset((string.ascii_lowercase + string.digits + "-_").encode())
"""No capitals: there are file systems to which `A` and `a` are one."""

HASHED = "="
"""Begins the names of those that are too long."""


def file_name(text: str) -> str:
    """Bytes other than small letters, digits, `-` and `_` are written as `%XX`. Neither empty nor a path, whatever the text."""
    content = text.encode(errors="surrogatepass")
    encoded = "".join(chr(byte) if byte in _KEPT else f"%{byte:02x}" for byte in content)
    if 0 < len(encoded) <= PROGRAM_FILE_NAME_MAX:
        return encoded
    return HASHED + blake3(content).hexdigest()


def shown(name: str) -> str:
    """The text that a file's name was made of, for people; hashed ones stay as they are."""
    return unquote(name, errors="replace")
