"""Installed programs on disk.

shared/                 uploads for everybody
users/<name>/           a user's own uploads
registries/<address>/   what was pulled from a registry: a cache
"""

from collections.abc import Iterator
from pathlib import Path

from pie.limits import PULLED_PROGRAMS_BYTES_MAX, PULLED_PROGRAMS_MAX, UPLOADED_PROGRAMS_BYTES_MAX, UPLOADED_PROGRAMS_MAX
from pie.programs.file_names import file_name, shown
from pie.programs.shelf import Cached, Quota, Record, Shelf

SHARED = ""
"""Owner of programs that everybody sees."""

_QUOTA = Quota(UPLOADED_PROGRAMS_MAX, UPLOADED_PROGRAMS_BYTES_MAX)
_CACHED = Cached(PULLED_PROGRAMS_MAX, PULLED_PROGRAMS_BYTES_MAX)


class Store:
    """The programs below one folder. Safe to share with other engines."""

    def __init__(self, folder: Path, registry: str = "") -> None:
        """`registry` is the address of the one whose programs count; empty: none."""
        self._users = folder / "users"
        self._shelves = {SHARED: Shelf(folder / "shared", _QUOTA)}
        self.pulled = Shelf(folder / "registries" / file_name(registry), _CACHED) if registry else None

    def shelf(self, owner: str) -> Shelf:
        """The owner's uploads, which may be none yet."""
        return self._known(owner) or Shelf(self._users / file_name(owner), _QUOTA)

    def uploaded(self, owner: str, name: str, version: str | None) -> tuple[Shelf, Record] | None:
        """The owner's program, or one for everybody; the newest version if none is given."""
        for shelf in (self._known(owner), self._shelves[SHARED]):
            record = shelf.find(name, version) if shelf else None
            if shelf and record:
                return shelf, record
        return None

    def shelves(self) -> Iterator[tuple[str, Shelf]]:
        """All of them, each with a word for people about whose programs they are."""
        yield "shared", self._shelves[SHARED]
        if self.pulled is not None:
            yield "registry", self.pulled
        for folder in sorted(self._users.iterdir()) if self._users.is_dir() else []:
            yield f"user {shown(folder.name)}", Shelf(folder, _QUOTA)

    def _known(self, owner: str) -> Shelf | None:
        """The shelf of an owner who has uploaded something. Others are not remembered: anybody can make up names."""
        if owner not in self._shelves:
            folder = self._users / file_name(owner)
            if not folder.is_dir():
                return None
            self._shelves[owner] = Shelf(folder, _QUOTA)
        return self._shelves[owner]

    def find(self, owner: str, name: str, version: str) -> Record | None:
        """What the owner would launch by that name and version, if it is on disk."""
        found = self.uploaded(owner, name, version)
        if found is not None:
            return found[1]
        return self.pulled.find(name, version) if self.pulled else None
