"""A folder whose entries go when nobody needs them any more (`domain.pruning`).

An entry is put aside by one rename and deleted then: nobody ever finds half of one. What a killed control plane has left aside
goes at the next turn. When it was last needed is its time of change.
"""

import contextlib
import logging
import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Container, Iterator
from pathlib import Path

from pie_deploy.domain.pruning import Entry, prune

_ASIDE = ".pruned"
_logger = logging.getLogger(__name__)

TakeAway = Callable[[Path, int], bool]
"""Puts an entry aside that was not needed since a moment; False when it was."""


def put_aside(path: Path, used_before_ns: int) -> bool:
    """Raises OSError."""
    if path.stat().st_mtime_ns >= used_before_ns:
        return False
    aside = path.parent / _ASIDE
    aside.mkdir(mode=0o700, exist_ok=True)
    path.rename(aside / f"{path.name}.{secrets.token_hex(4)}")
    return True


def prune_shelf(folder: Path, needed: Container[str], keep_ns: int, now_ns: int, take_away: TakeAway = put_aside) -> bool:
    """One turn; whether there is more to do. Blocking. A disk that refuses is said in the log."""
    try:
        return _prune(folder, needed, keep_ns, now_ns, take_away)
    except OSError as error:
        _logger.warning("what is not needed any more stays in %s: %s", folder, error)
        return False


def _prune(folder: Path, needed: Container[str], keep_ns: int, now_ns: int, take_away: TakeAway) -> bool:
    entries = list(_entries(folder))
    pruning = prune(entries, needed, keep_ns=keep_ns, now_ns=now_ns)
    for name in pruning.used:
        with contextlib.suppress(FileNotFoundError):
            os.utime(folder / name, ns=(now_ns, now_ns))
    for name in pruning.gone:
        with contextlib.suppress(FileNotFoundError):
            if take_away(folder / name, pruning.used_before_ns):
                _logger.info("%s was not needed any more", folder / name)
    _clear(folder / _ASIDE)
    return pruning.has_more


def _entries(folder: Path) -> Iterator[Entry]:
    """Folders in it."""
    try:
        with os.scandir(folder) as found:
            folders = [entry for entry in found if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")]
    except FileNotFoundError:
        return
    for entry in folders:
        with contextlib.suppress(FileNotFoundError):
            yield Entry(entry.name, entry.stat(follow_symlinks=False).st_mtime_ns)


def _clear(aside: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        for path in list(aside.iterdir()):
            remove_tree(path)


def remove_tree(folder: Path) -> None:
    """Its programs may have nested folders deeper than Python's stack, and than there are descriptors; and may have taken from
    themselves the right to write in some, as caches of other tools do.
    """
    with contextlib.suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        _run("find", str(folder), "-type", "d", "!", "-perm", "-700", "-exec", "chmod", "u+rwx", "{}", ";")
        _run("rm", "-rf", "--", str(folder))


def _run(*argv: str) -> None:
    silent = subprocess.DEVNULL
    subprocess.run(argv, stdin=silent, stdout=silent, stderr=silent, check=False)
