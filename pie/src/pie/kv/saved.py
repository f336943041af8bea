"""Lineages kept under a name. A name belongs to a user."""

from pie.errors import ContextNameTakenError, ContextNotFoundError, InvalidArgumentError
from pie.kv.cache import KvCache
from pie.kv.lineage import Lineage
from pie.limits import SAVED_CONTEXTS_MAX


class SavedLineages:
    def __init__(self, kv: KvCache) -> None:
        self._kv = kv
        self._saved: dict[tuple[str, str], Lineage] = {}

    def __len__(self) -> int:
        return len(self._saved)

    def save(self, username: str, name: str, lineage: Lineage, now: float) -> None:
        """Keeps a fork. Raises `ContextNameTakenError`, and `InvalidArgumentError` when there are too many."""
        if (username, name) in self._saved:
            raise ContextNameTakenError(f"a saved context is named {name!r} already")
        if len(self._saved) >= SAVED_CONTEXTS_MAX:
            raise InvalidArgumentError(f"{SAVED_CONTEXTS_MAX} contexts are saved; delete one first")
        self._saved[username, name] = self._kv.fork(lineage, now)

    def open(self, username: str, name: str, now: float) -> Lineage:
        """A fork of the saved lineage. Raises `ContextNotFoundError`."""
        return self._kv.fork(self._get(username, name), now)

    def take(self, username: str, name: str) -> Lineage:
        """The saved lineage itself; the name is free again. Raises `ContextNotFoundError`."""
        lineage = self._get(username, name)
        del self._saved[username, name]
        return lineage

    def peek(self, username: str, name: str) -> Lineage:
        """The saved lineage, to look at. Raises `ContextNotFoundError`."""
        return self._get(username, name)

    def delete(self, username: str, name: str) -> None:
        """Raises `ContextNotFoundError`."""
        self._kv.release(self.take(username, name))

    def _get(self, username: str, name: str) -> Lineage:
        try:
            return self._saved[username, name]
        except KeyError:
            raise ContextNotFoundError(f"no saved context is named {name!r}") from None
