"""The key of the forwarding tokens: made once for a home. Whoever has it can make every URL; a new one changes them all."""

import os
import secrets

from pie_deploy.config import Home
from pie_deploy.errors import StorageError

_SIZE_BYTES = 32


def load(home: Home) -> bytes:
    """The home's key; made if there is none. Raises StorageError."""
    try:
        _create(home)
        key = home.mac_key.read_bytes()
    except OSError as error:
        raise StorageError(f"{home.mac_key}: {error.strerror}") from error
    if len(key) != _SIZE_BYTES:
        raise StorageError(
            f"{home.mac_key} is not a key of {_SIZE_BYTES} bytes; restore it from a backup, or remove it: all URLs change then"
        )
    return key


def _create(home: Home) -> None:
    """Under another name first: a crash leaves no half of a key, and of two at once one wins."""
    if home.mac_key.exists():
        return
    draft = home.mac_key.with_name(f"{home.mac_key.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_SIZE_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, home.mac_key)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
