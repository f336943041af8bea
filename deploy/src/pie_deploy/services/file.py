"""Files: typed, named, uploaded once, bound to any number of slots."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from pie_deploy.domain.records import File
from pie_deploy.services.actor import Actor

Content = Path | BinaryIO | Iterable[bytes]
"""A file that is there, something to read from, or chunks as they come."""


class Files:
    """`ref` is a file's id, or a name: the newest file of that name."""

    def upload(self, actor: Actor, name: str, file_type: str, content: Content, lease: str | None = None) -> File:
        """Keep a content under a name. Raises InvalidArgumentError (name, type, too large), NotFoundError and LeaseClosedError
        for the lease, StorageError when it does not fit the disk; then nothing is left of it.
        """
        raise NotImplementedError

    def link(self, actor: Actor, ref: str, lease: str) -> File:
        """A file of its own that the lease owns, with the same content; the original stays the workspace's (it cannot enter a
        lease).
        """
        raise NotImplementedError

    def list(self, actor: Actor) -> Sequence[File]:
        """Newest first."""
        raise NotImplementedError

    def show(self, actor: Actor, ref: str) -> File:
        """Raises NotFoundError."""
        raise NotImplementedError

    def content(self, actor: Actor, ref: str) -> Path:
        """Where its bytes lie. Raises NotFoundError."""
        raise NotImplementedError

    def delete(self, actor: Actor, ref: str) -> None:
        """Raises NotFoundError; InvalidOperationError while a backend has it bound."""
        raise NotImplementedError

    def path(self, file: File) -> Path:
        """Where a file's bytes lie. For the controller."""
        raise NotImplementedError
