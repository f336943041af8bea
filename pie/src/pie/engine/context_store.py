"""Saved contexts on disk, one file each, so that they outlive the engine.

A file holds the context's tokens, not its KV: pages are computed again when the context is first used, which costs one prefill and
leaves nothing to be converted when page size, number format or device change. Files of one model lie in a folder that is named by
the model's identity, so tokens never meet a model that reads them otherwise.

Several engines may share the folder. Each writes what changed since it looked, and removes what was deleted with it; the rest it
leaves alone. Files appear whole. What cannot be read is left where it is, with a warning.
"""

import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import blake3
import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pie.limits import KEPT_CONTEXT_BYTES_MAX, SAVED_CONTEXTS_MAX
from pie.sched.context import SavedContext

log = logging.getLogger(__name__)

_SUFFIX = ".safetensors"
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class KeptContext:
    username: str
    name: str
    tokens: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class NotKept:
    """A saved context that will be gone after a restart, and why."""

    username: str
    name: str
    reason: str


class ContextStore:
    """The folder of one model. For one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """The folder need not exist."""
        self._folder = folder
        self._kept: dict[_Key, str] = {}
        """What is on disk as far as this engine knows: user and name → digest."""

    def load(self) -> list[KeptContext]:
        """All that can be read."""
        contexts = list(islice(self._readable(), SAVED_CONTEXTS_MAX))
        for context in contexts:
            key = (context.username, context.name)
            self._kept[key] = _digest(*key, context.tokens.tobytes())
        return contexts

    def leave_alone(self, context: KeptContext) -> None:
        """The engine could not take this context; another one may. Its file is not this engine's to remove."""
        del self._kept[context.username, context.name]

    def store(self, contexts: Sequence[SavedContext]) -> list[NotKept]:
        """Make the folder hold these contexts. Returns those that it does not hold afterwards."""
        failures = [failure for context in contexts if (failure := self._put(context)) is not None]
        there = {(context.username, context.name) for context in contexts}
        for key in [key for key in self._kept if key not in there]:
            self._remove(key)
        return failures

    def _put(self, context: SavedContext) -> NotKept | None:
        key = (context.username, context.name)
        if context.tokens is None:
            reason = "it has attention masks or positions of its own, so it cannot be computed again from its tokens"
            return NotKept(*key, reason)
        digest = _digest(*key, context.tokens)
        if self._kept.get(key) == digest:
            return None
        try:
            self._write(key, context.tokens, digest)
        except OSError as error:
            return NotKept(*key, f"it cannot be written: {error}")
        self._kept[key] = digest
        return None

    def _remove(self, key: _Key) -> None:
        """A file that cannot be removed stays, and its context comes back."""
        try:
            self._path(key).unlink(missing_ok=True)
            del self._kept[key]
        except OSError as error:
            log.warning("the deleted context %r of %r stays on disk: %s", key[1], key[0], error)

    def _write(self, key: _Key, tokens: bytes, digest: str) -> None:
        username, name = key
        metadata = {"username": username, "name": name, "digest": digest}
        content = save({"tokens": np.frombuffer(tokens, np.int32)}, metadata)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, temporary = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path(key))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _readable(self) -> Iterator[KeptContext]:
        for path in _by_age(self._folder.glob(f"*{_SUFFIX}")):
            try:
                yield self._read(path)
            except (OSError, SafetensorError, ValueError) as error:
                log.warning("the saved context in %s is left out: %s", path, error)

    def _read(self, path: Path) -> KeptContext:
        """Raises `OSError`, `SafetensorError`, `ValueError`."""
        size = path.stat().st_size
        if size > KEPT_CONTEXT_BYTES_MAX:
            raise ValueError(f"it has {size} bytes; at most {KEPT_CONTEXT_BYTES_MAX} are read")
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tokens = file.get_tensor("tokens")
        key = (metadata.get("username", ""), metadata.get("name", ""))
        if tokens.dtype != np.int32 or tokens.ndim != 1 or metadata.get("digest") != _digest(*key, tokens.tobytes()):
            raise ValueError("its content is not what was written")
        if path != self._path(key):
            raise ValueError("it belongs under another name")
        return KeptContext(*key, tokens)

    def _path(self, key: _Key) -> Path:
        return self._folder / f"{_digest(*key, b'')[:40]}{_SUFFIX}"


def _by_age(paths: Iterable[Path]) -> list[Path]:
    """The youngest first: if there are too many, the old ones stay behind."""
    return sorted(paths, key=_modified_at, reverse=True)


def _modified_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:  # another engine has just removed it
        return 0.0


def _digest(username: str, name: str, content: bytes) -> str:
    hasher = blake3.blake3()
    for part in (username.encode(), name.encode(), content):
        hasher.update(len(part).to_bytes(8, "little"))
        hasher.update(part)
    return hasher.hexdigest()
