"""Lineages kept under a name. A name belongs to a user."""

from collections.abc import Iterator

from pie.errors import ContextNameTakenError, ContextNotFoundError, InvalidArgumentError
from pie.kv.cache import KvCache
from pie.kv.lineage import Lineage
from pie.limits import SAVED_CONTEXT_NAME_CHARACTERS_MAX, SAVED_CONTEXTS_MAX, SAVED_CONTEXTS_PER_USER_MAX


class SavedLineages:
    def __init__(self, kv: KvCache) -> None:
        self._kv = kv
        self._saved: dict[str, dict[str, Lineage]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[str, str, Lineage]]:
        """User, name and lineage."""
        for username, named in self._saved.items():
            for name, lineage in named.items():
                yield username, name, lineage

    def save(self, username: str, name: str, lineage: Lineage, now: float) -> None:
        """Keeps a fork. Raises `ContextNameTakenError`, and `InvalidArgumentError` when there are too many."""
        self._demand_free(username, name)
        self._put(username, name, self._kv.fork(lineage, now))

    def put(self, username: str, name: str, lineage: Lineage) -> None:
        """Keeps the lineage itself. Raises as `save`."""
        self._demand_free(username, name)
        self._put(username, name, lineage)

    def open(self, username: str, name: str, now: float) -> Lineage:
        """A fork of the saved lineage. Raises `ContextNotFoundError`."""
        return self._kv.fork(self.peek(username, name), now)

    def take(self, username: str, name: str) -> Lineage:
        """The saved lineage itself; the name is free again. Raises `ContextNotFoundError`."""
        lineage = self.peek(username, name)
        named = self._saved[username]
        del named[name]
        if not named:
            del self._saved[username]
        self._count -= 1
        return lineage

    def peek(self, username: str, name: str) -> Lineage:
        """The saved lineage, to look at. Raises `ContextNotFoundError`."""
        try:
            return self._saved[username][name]
        except KeyError:
            raise ContextNotFoundError(f"no saved context is named {name!r}") from None

    def delete(self, username: str, name: str) -> None:
        """Raises `ContextNotFoundError`."""
        self._kv.release(self.take(username, name))

    def _put(self, username: str, name: str, lineage: Lineage) -> None:
        self._saved.setdefault(username, {})[name] = lineage
        self._count += 1

    def _demand_free(self, username: str, name: str) -> None:
        named = self._saved.get(username, {})
        if name in named:
            raise ContextNameTakenError(f"a saved context is named {name!r} already")
        if len(name) > SAVED_CONTEXT_NAME_CHARACTERS_MAX:
            raise InvalidArgumentError(f"a saved context's name has at most {SAVED_CONTEXT_NAME_CHARACTERS_MAX} characters")
        if len(named) >= SAVED_CONTEXTS_PER_USER_MAX:
            raise InvalidArgumentError(f"you have {SAVED_CONTEXTS_PER_USER_MAX} saved contexts; delete one first")
        if self._count >= SAVED_CONTEXTS_MAX:
            raise InvalidArgumentError(f"all users together have {SAVED_CONTEXTS_MAX} saved contexts; no more are kept")
