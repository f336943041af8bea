"""What a database is for: the words of its errors, and its bounds."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    what: str
    """Whose database it is: "registry"."""
    error: Callable[[str], Exception]
    """What is raised when the database fails, with a line that says why."""
    example_path: str
    """Where its file could lie."""
    postgresql_needs: str
    """What to install for PostgreSQL: "bakery[registry]"."""
    connections_max: int
    lock_timeout_s: int
    """How long somebody waits for a lock or a connection."""
    writer_lock: str | None = None
    """Of PostgreSQL: a table that a writing transaction locks first; None: writers go side by side."""
