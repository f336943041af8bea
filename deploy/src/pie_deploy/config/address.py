"""Where the control plane of a home answers, and whether there is one.

The lock says whether: the kernel gives it up with the process that holds it, however that ends. The address file says where; after
`kill -9` it still lies there and means nothing.
"""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from pie_deploy.config.home import Home
from pie_deploy.errors import AlreadyExistsError, StorageError, UnreachableError

ADDRESS_BYTES_MAX = 64 << 10
PID_CHARACTERS_MAX = 20
LOCK_TRIES = 20
LOCK_PAUSE_S = 0.02


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """What `address.json` says."""

    api_url: str
    gateway_url: str
    pid: int
    started_at_ns: int


class HomeLock:
    """Held by the one control plane of a home, as a context manager.

    Raises AlreadyExistsError when there is one already, StorageError.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._file: int | None = None

    def __enter__(self) -> Self:
        try:
            self._file = os.open(self._home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"{self._home.lock}: cannot be opened: {error.strerror}") from error
        if not _locked(self._file):
            self._close()
            raise AlreadyExistsError(who_is_up(self._home))
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, str(os.getpid()).encode(), 0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _locked(file: int) -> bool:
    """Whether the lock is ours now. Tried several times: `is_up` of another process holds it for a moment."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(LOCK_PAUSE_S)
        else:
            return True
    return False


def is_up(home: Home) -> bool:
    """Whether a control plane holds the lock: it is up, coming up, or going down."""
    try:
        file = os.open(home.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def holder(home: Home) -> int | None:
    """The pid of the control plane that holds the lock; None: there is none."""
    if not is_up(home):
        return None
    try:
        return int(home.lock.read_text()[:PID_CHARACTERS_MAX])
    except (OSError, ValueError):  # it has just begun, or has just ended
        return None


def read_address(home: Home) -> Address:
    """Where the control plane answers. Raises UnreachableError, which says what to do."""
    if not is_up(home):
        raise UnreachableError(f"the platform is not up in {home.root}{_died(home)}", hint="start it with: pie up")
    try:
        with home.address.open("rb") as file:
            return msgspec.json.decode(file.read(ADDRESS_BYTES_MAX), type=Address)
    except FileNotFoundError as error:
        raise UnreachableError("the platform is just coming up, or going down; try again") from error
    except (OSError, msgspec.MsgspecError) as error:
        raise UnreachableError(f"{home.address}: cannot be read: {error}") from error


def write_address(home: Home, address: Address) -> None:
    """At once and whole: who reads it sees all of it or nothing. Raises StorageError."""
    aside = home.address.with_suffix(".new")
    try:
        file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as opened:
            opened.write(msgspec.json.encode(address))
        aside.replace(home.address)
    except OSError as error:
        raise StorageError(f"{home.address}: cannot be written: {error.strerror}") from error


def remove_address(home: Home) -> None:
    home.address.unlink(missing_ok=True)


def read_credential(home: Home) -> str:
    """The API key of the local user. Raises UnreachableError."""
    try:
        return Path(home.credential).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreachableError(f"{home.credential}: the API key cannot be read: {error}") from error


def who_is_up(home: Home) -> str:
    """For whoever would be the second one."""
    try:
        address = read_address(home)
    except UnreachableError:
        return f"the platform is already up in {home.root}, or just coming up or going down"
    return f"the platform is already up in {home.root}: API {address.api_url}, gateway {address.gateway_url}, pid {address.pid}"


def _died(home: Home) -> str:
    return " (the last one was killed; what it knew is safe)" if home.address.exists() else ""
